"""The downscaling kernel that a method assumes: bicubic, from a file, of a camera, or of each
image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import (
    COMPOSED,
    compose,
    to_fixed_point,
    without_tails,
)
from pairmill.models.functional.transforms import UNIT
from pairmill.pipeline.evaluate.kernel_files import for_scale, read_array
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

USUAL = SpectralKernelsConfig()
MEASURED = MeasureConfig(min_side=USUAL.min_side, min_contrast=USUAL.min_contrast)
"""Photographs that a camera is estimated from."""
SECONDS = 20.0
"""Of a processor, that KernelGAN takes for an image, about."""


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
        UserError: as `for_scale`.
    """
    return to_fixed_point(for_scale(kernel, scale, where))


def _bicubic(_scale: int, _images: Images, _seed: int) -> KernelSource:
    return KernelSource("MATLAB's bicubic", "bicubic", lambda _: None)


def _from_file(file: str, scale: int) -> KernelSource:
    todo = f"give {', '.join(SOURCES)}, or a kernel as .npy"
    kernel = read_array(file, file, todo)
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
