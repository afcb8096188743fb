"""The downscaling kernel that a method assumes: bicubic, from a file, of a camera, or of each
image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.blur import UNIT
from pairmill.models.functional.kernels import (
    COMPOSED,
    SIZES,
    compose,
    offset,
    to_fixed_point,
    without_tails,
)
from pairmill.pipeline.evaluate.arrays import array_of
from pairmill.pipeline.evaluate.networks import read_file
from pairmill.pipeline.rng import stream_key
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.errors import UserError
from pairmill.schemas.kernel import KernelGanConfig, KernelQualityConfig, SpectralKernelsConfig
from pairmill.schemas.pool import MeasureConfig

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Seen = tuple[Image, MinedCompression | None]
"""An image, and how its file compressed it."""
Images = Callable[[], Iterable[Seen]]
Making = Callable[[int, Images, int], "KernelSource"]

OFF = 0.2
"""HR pixels by which the centre of mass of a kernel may be off; other scales want another by
0.5."""
OF_SUM = 0.01
"""What the sum of a kernel may differ from 1 by."""
USUAL = SpectralKernelsConfig()
MEASURED = MeasureConfig(min_side=USUAL.min_side, min_contrast=USUAL.min_contrast)
"""Photographs that a camera is estimated from."""
SECONDS = 20.0
"""Of a processor, that KernelGAN takes for an image, about."""
WEIGHT = 7.9
"""Largest sum of absolute values of a kernel that the exact correlation takes."""


@dataclass(frozen=True)
class KernelSource:
    """Where the kernel of an image comes from."""

    words: str
    """For people."""
    digest: str
    """All that the kernels depend on besides the images."""
    of: Callable[[Image], Array | None]
    """The kernel of an image, on the grid of 2**-16; none is MATLAB's bicubic downscaling.

    Raises ImageRejected if the image shows none."""
    seconds: float = 0.0
    """Of a processor, for the kernel of an image, about."""


def source_of(said: str, scale: int, images: Images, seed: int) -> KernelSource:
    """The source that `--kernel` names.

    Args:
        said: `bicubic`, `camera`, `kernelgan`, or the path or URL of an .npy file.
        scale: Scale of the kernel.
        images: Reads all images, which `camera` takes for those of one camera.
        seed: Of KernelGAN.

    Raises:
        UserError: if it is none of these, the file holds no kernel for this scale, or no image
            shows a camera's blur.
    """
    known = SOURCES.get(said)
    if known is not None:
        return known(scale, images, seed)
    return _from_file(said, scale)


def checked(kernel: Array, scale: int, where: str) -> Array:
    """A kernel for a scale, on the grid of 2**-16; one for x2 is composed to x4.

    Raises:
        UserError: if it is none.
    """
    _check_form(kernel, where)
    centred = [known for known in SIZES if max(map(abs, offset(kernel, known))) < OFF]
    if scale in centred:
        return to_fixed_point(kernel)
    if 2 in centred and scale in COMPOSED:
        return to_fixed_point(without_tails(compose(kernel, scale)))
    row, column = offset(kernel, scale)
    got = f"its centre of mass is off by ({row:.2f}, {column:.2f}) pixels"
    if centred:
        got = f"a kernel that is centred for x{centred[0]}"
    raise UserError(
        f"the kernel is none for x{scale}",
        where=where,
        got=got,
        wanted=f"centre of mass at side // 2 + (scale - 1) / 2 = "
        f"{len(kernel) // 2 + (scale - 1) / 2:g} along both axes",
        todo="give the kernel of this scale, or --scale; convolution kernels are to be flipped",
    )


def _check_form(kernel: Array, where: str) -> None:
    sides = kernel.shape
    if len(sides) != 2 or sides[0] != sides[1] or sides[0] % 2 == 0:
        raise UserError(
            "a kernel is square, with an odd side",
            where=where,
            got=" x ".join(map(str, sides)) or "a single number",
            wanted="such as 17 x 17",
            todo="add a row and a column of zeros, so that the centre of mass is where the "
            "scale wants it",
        )
    total = float(kernel.sum()) if np.isfinite(kernel).all() else np.nan
    if not abs(total - 1) <= OF_SUM:
        raise UserError(
            "a kernel has the sum 1",
            where=where,
            got=f"{total:.6g}",
            wanted="1",
            todo="divide the kernel by its sum",
        )
    if np.abs(kernel).sum() > WEIGHT:
        raise UserError(
            "the kernel's lobes are too large",
            where=where,
            got=f"absolute values that sum to {np.abs(kernel).sum():.3g}",
            wanted=f"at most {WEIGHT:g}",
        )


def _bicubic(_scale: int, _images: Images, _seed: int) -> KernelSource:
    return KernelSource("MATLAB's bicubic", "bicubic", lambda _: None)


def _from_file(file: str, scale: int) -> KernelSource:
    todo = f"give {', '.join(SOURCES)}, or a kernel as .npy"
    kernel = array_of(read_file(file, "kernel", todo), "kernel", file, todo)
    return _fixed(file, checked(kernel, scale, file))


def _fixed(words: str, kernel: Array) -> KernelSource:
    whole = np.rint(kernel * UNIT).astype("<i8")
    digest = hashlib.sha256(f"{len(kernel)}:".encode() + whole.tobytes()).hexdigest()
    return KernelSource(words, digest, lambda _: kernel)


def _camera(scale: int, images: Images, _seed: int) -> KernelSource:
    from pairmill.models.camera.robust import estimate_robustly
    from pairmill.pipeline.kernels.camera import finished
    from pairmill.pipeline.stages.measure_photographs import middle, spectrum_or_refusal

    found = [spectrum_or_refusal(middle(one), coded, MEASURED) for one, coded in images()]
    spectra = [spectrum for _, spectrum in found if spectrum is not None]
    if not spectra:
        raise UserError(
            "no image shows the blur of a camera",
            where="--kernel camera",
            got=", ".join(sorted({str(reason) for reason, _ in found})) or "no image",
            wanted="photographs of 64 pixels a side or more, not flat, not enlarged",
            todo="give a kernel as .npy, or --kernel bicubic",
        )
    kernel = finished(estimate_robustly(spectra).camera.blur, scale)
    number = "1 photograph" if len(spectra) == 1 else f"{len(spectra)} photographs"
    return _fixed(f"of the camera of {number}", kernel)


def _kernelgan(scale: int, _images: Images, seed: int) -> KernelSource:
    if scale not in COMPOSED:
        raise UserError(
            "KernelGAN finds kernels for x2 and its powers",
            where="--kernel kernelgan",
            got=f"x{scale}",
            todo="take --kernel camera, or another scale",
        )
    config = KernelGanConfig()
    return KernelSource(
        "by KernelGAN, of each image",
        f"kernelgan:{seed}:{config.content_digest()}",
        lambda image: _by_kernelgan(image, scale, seed, config),
        SECONDS,
    )


def _by_kernelgan(image: Image, scale: int, seed: int, config: KernelGanConfig) -> Array:
    from pairmill.models.kernelgan.fit import fit_kernels
    from pairmill.models.kernelgan.sampling import check_image
    from pairmill.pipeline.images.decode import ImageRejected, pixel_digest
    from pairmill.pipeline.kernels.quality import judge
    from pairmill.schemas.image import ImageReason

    refused = check_image(image, config)
    if refused is not None:
        raise ImageRejected(ImageReason.TOO_SMALL, f"KernelGAN finds no kernel: {refused}")
    key = stream_key(seed, "kernelgan", pixel_digest(image))
    fit = fit_kernels([image], [key], config)[0]
    kernel, verdict = judge(fit.raw, fit.finished, image, KernelQualityConfig())
    if kernel is None:
        raise ImageRejected(ImageReason.BLURRED, f"KernelGAN finds no kernel: {verdict.detail}")
    return to_fixed_point(without_tails(compose(kernel, scale)))


SOURCES: dict[str, Making] = {
    "bicubic": _bicubic,
    "camera": _camera,
    "kernelgan": _kernelgan,
}
"""What `--kernel` may say besides the name of a file."""
