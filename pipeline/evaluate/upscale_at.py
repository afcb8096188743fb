"""Upscale image files by a fraction, with a network that can; only what is not finished."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from pairmill.pipeline.evaluate.any_size import ANY_SIZE
from pairmill.pipeline.evaluate.networks import Upscaler
from pairmill.pipeline.evaluate.outputs import Job
from pairmill.pipeline.evaluate.png_rows import PngRows, notes
from pairmill.pipeline.evaluate.upscale import HEAD, NOTE
from pairmill.pipeline.images.decode import ImageRejected, decode, read_image
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.evaluation import InferenceConfig, LeftOut

if TYPE_CHECKING:
    from pairmill.models.archs.meta import AnyScale

FORM = 1
"""Raised when the same input and checkpoint would give other pixels."""


@dataclass
class Upscaled:
    """What became of the files."""

    made: list[str] = field(default_factory=list)
    """Outputs that were written."""
    found: list[str] = field(default_factory=list)
    """Outputs that were there, made of the same."""
    left_out: list[LeftOut] = field(default_factory=list)
    """Files that could not be used."""


def upscale_files_at(
    network: AnyScale,
    upscaler: Upscaler,
    scale: Fraction,
    jobs: Sequence[Job],
    out: Storage,
    config: InferenceConfig,
    advanced: Callable[[Job, float], None] = lambda *_: None,
) -> Upscaled:
    """Write every image upscaled; what is finished and made of the same is left as it is.

    Args:
        network: The network of `upscaler`.
        upscaler: What it is, for the notes.
        scale: Sides of the results over those of the images.
        jobs: Images and names.
        out: The output folder.
        config: How to run the network; not as an ensemble.
        advanced: Called with the share of an image that was done, in (0, 1].

    Raises:
        UserError: if the network fails, as `pairmill.models.inference.any_scale.strips_at`.
        StoreError: if a result cannot be written.
    """
    result = Upscaled()
    for job in jobs:
        try:
            data = read_image(job.source)
            key = _key(data, upscaler, scale, config)
            if _is(out, job, key):
                result.found.append(job.output)
                advanced(job, 1.0)
                continue
            _make(network, scale, job, data, key, out, config, advanced)
            result.made.append(job.output)
        except ImageRejected as error:
            result.left_out.append(LeftOut(name=job.source, reason=error.detail))
            advanced(job, 1.0)
    return result


def _key(data: bytes, upscaler: Upscaler, scale: Fraction, config: InferenceConfig) -> str:
    settings = config.model_dump(mode="json", exclude={"device"})
    image = hashlib.sha256(data).hexdigest()
    return digest_of([FORM, image, upscaler.view.sha256, str(scale), settings])


def _is(out: Storage, job: Job, key: str) -> bool:
    if not out.exists(job.output):
        return False
    head = out.read(job.output, 0, min(HEAD, out.size(job.output)))
    return notes(head).get(NOTE) == key


def _make(
    network: AnyScale,
    scale: Fraction,
    job: Job,
    data: bytes,
    key: str,
    out: Storage,
    config: InferenceConfig,
    advanced: Callable[[Job, float], None],
) -> None:
    from pairmill.models.inference.any_scale import strips_at

    lr, _, _ = decode(data, ANY_SIZE)
    height, width = (int(scale * side) for side in lr.shape[:2])
    done = strips_at(
        network,
        lr,
        scale,
        tile=config.tile or None,
        overlap=config.overlap,
        device=config.device,
        precision=config.precision,
        advanced=lambda share: advanced(job, share),
    )
    with out.create(job.output) as file:
        picture = PngRows(file, width, height, {NOTE: key, "Software": "pairmill"})
        for strip in done:
            picture.write(strip)
        picture.close()
