"""The metrics that a request asks for, with their weights and parameters read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pairmill.pipeline.evaluate.any_size import read_any
from pairmill.pipeline.evaluate.crops import Image
from pairmill.pipeline.evaluate.files import read_file
from pairmill.pipeline.evaluate.measure import Scorer
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.errors import UserError

if TYPE_CHECKING:
    from pairmill.models.metrics.niqe import NiqeParameters
    from pairmill.pipeline.evaluate.request import Request

LPIPS_FILES = (
    "name the weights of AlexNet or VGG-16 as torchvision has them, and the linear "
    "weights of LPIPS v0.1"
)


def scorer(request: Request, scale: int) -> Scorer:
    """PSNR and SSIM always, with a border of the scale; LPIPS and NIQE if the request names what
    they need.

    Raises:
        UserError: if a file is not there or is not what it should be, or NIQE gets a file and
            images.
    """
    if request.lpips:
        lpips, lpips_about = _lpips(request.lpips)
    else:
        lpips, lpips_about = None, ""
    if request.niqe and request.pristine:
        raise UserError(
            "NIQE needs exactly one source of parameters",
            got="a file and pristine images",
            todo="give only one of them",
        )
    if not request.niqe and not request.pristine:
        return Scorer(scale, lpips, lpips_about)
    if request.niqe:
        parameters, said = _parameters(request.niqe)
    else:
        parameters, said = _fitted(request.pristine, request.base)
    about = (
        f"Y, rounded, without {scale} pixels at each side, blocks of 96 x 96; {said}; values "
        "of others do not compare."
    )
    from pairmill.models.metrics.niqe import write_parameters

    file = b"" if request.niqe else write_parameters(parameters)
    doubt = _doubt(parameters)
    return Scorer(scale, lpips, lpips_about, _niqe(parameters, scale), about, doubt, file)


def _doubt(parameters: NiqeParameters) -> str:
    """Why NIQE of these parameters ranks no networks; empty if it does."""
    from pairmill.models.metrics.niqe import ENOUGH

    blocks = parameters.blocks
    if blocks is None or blocks >= ENOUGH:
        return ""
    return (
        f"NIQE's parameters are of {blocks} sharp blocks of 96 x 96 pixels. Below {ENOUGH} its "
        "values are several times too high and change with the images that were taken, so no best "
        "is marked: give more or larger sharp photos, or the published parameters (--niqe)."
    )


def _lpips(files: tuple[str, ...]) -> tuple[Callable[[Image, Image], float], str]:
    """The distance, and what it was made of."""
    from pairmill.models.metrics.lpips import read_lpips

    try:
        network = read_lpips(
            [read_file(file, "file of LPIPS weights", LPIPS_FILES) for file in files]
        )
    except ValueError as error:
        raise UserError(
            "these are not LPIPS weights",
            where=", ".join(files),
            got=str(error),
            todo=LPIPS_FILES,
        ) from error
    trunk = {"alex": "AlexNet", "vgg": "VGG-16"}[network.trunk]
    named = ", ".join(
        f"{file.rpartition('/')[2]} ({digest[:12]})"
        for file, digest in zip(files, network.digests, strict=True)
    )
    return network.of, f"v0.1 with {trunk}, whole images; weights {named}."


def _niqe(parameters: NiqeParameters, border: int) -> Callable[[Image], float | None]:
    """NIQE; none for an image that it is undefined for."""
    from pairmill.models.metrics.niqe import niqe

    def measured(image: Image) -> float | None:
        try:
            return niqe(image, parameters, border)
        except ValueError:
            return None

    return measured


def _parameters(file: str) -> tuple[NiqeParameters, str]:
    from pairmill.models.metrics.niqe import read_parameters

    data = read_file(
        file,
        "file of NIQE parameters",
        "name a .npz or .mat file with mean and covariance, or --pristine images",
    )
    try:
        parameters = read_parameters(data)
    except ValueError as error:
        raise UserError("these are not NIQE parameters", where=file, got=str(error)) from error
    return (
        parameters,
        f"parameters of {file.rpartition('/')[2]} ({hashlib.sha256(data).hexdigest()[:12]})",
    )


def _fitted(patterns: Sequence[str], base: str) -> tuple[NiqeParameters, str]:
    from pairmill.models.metrics.niqe import fit_niqe

    files = find_files(patterns, base, "--pristine")
    used: list[str] = []

    def images() -> Iterator[Image]:
        for file in files:
            try:
                yield read_any(file.url)
            except ImageRejected:
                continue
            used.append(file.url)

    try:
        parameters = fit_niqe(images())
    except ValueError as error:
        raise UserError(
            "NIQE's parameters cannot be fitted to these images",
            where=", ".join(patterns),
            got=str(error),
            todo="give more or larger sharp photos",
        ) from error
    return (
        parameters,
        f"parameters fitted here to {len(used)} pristine images of {', '.join(patterns)}, not "
        "the published ones",
    )
