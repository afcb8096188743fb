"""Fit PDM: learn kernels and noise from the real images and, unpaired, the HR images; the whole fit
is one unit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.realism.fits import number, realism, words
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.workspace import layout
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.pdm import CURVES, PdmConfig, PdmFitConfig, PdmFitRef, PdmFitted
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.pdm.fit import Fit
    from pairmill.models.pdm.measure import Sight

STATE, LOSSES, KERNELS = "state.safetensors", "curves.npy", "kernels.npy"
TOLD = ("adversarial", "critic", "noise")
"""Losses that progress shows."""
Image = NDArray[np.uint8]


class HrPart(Frozen):
    """One HR image."""

    image: ImageRecord
    """Its source."""
    key: Digest
    """The unit that made it."""
    cleaned: bool
    """Whether it is `hr.png` of that unit, or the source as it is."""


class FitPayload(Payload):
    """All images of a fit."""

    reals: tuple[ImageRecord, ...]
    """The real LR images."""
    hrs: tuple[HrPart, ...]
    """The HR images."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{len(self.reals)} real and {len(self.hrs)} HR images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [
            [image.pixel_sha256 for image in self.reals],
            [[part.image.pixel_sha256, part.key] for part in self.hrs],
        ]


@dataclass(frozen=True)
class Inputs:
    """What a degradation is learned from."""

    images: ImageSet
    hr: HrSet


def plan(inputs: Inputs, config: PdmFitConfig) -> list[FitPayload]:
    """One unit: the fit. Of many images, evenly spread ones in digest order."""
    records = inputs.images.by_digest()
    hrs = [
        HrPart(image=records[ref.hr.image], key=ref.key, cleaned=ref.hr.cleaned)
        for ref in inputs.hr.images
    ]
    reals = inputs.images.with_role(Role.REAL)
    return [FitPayload(reals=spread(reals, config.pdm.images), hrs=spread(hrs, config.pdm.images))]


def spread(items: Sequence[Any], most: int) -> tuple[Any, ...]:
    """At most so many items, evenly spread."""
    count = min(most, len(items))
    return tuple(items[number * len(items) // count] for number in range(count))


def work(
    units: Sequence[Unit[FitPayload]], config: PdmFitConfig, context: Context
) -> Iterator[PdmFitted]:
    """Fit, or go on with a fit that was killed; write the state, a picture and the curves at every
    check.
    """
    from pairmill.models.pdm.checkpoint import restore
    from pairmill.models.pdm.draw import one_thread

    for unit in units:
        folder = layout.unit_folder(context.stage, unit.key)
        with one_thread():
            fit = _begin(unit.payload, config, context)
            if context.storage.exists(f"{folder}/{STATE}"):
                restore(fit, context.storage.read(f"{folder}/{STATE}"))
            while not fit.done:
                for samples in fit.advance(config.pdm.check_every):
                    context.report(
                        0.99 * samples / config.pdm.samples,
                        words(fit.curves, fit.aucs, CURVES, TOLD),
                    )
                _check(fit, unit, context)
            yield _finish(fit, unit, context)


def _begin(payload: FitPayload, config: PdmFitConfig, context: Context) -> Fit:
    from pairmill.models.pdm.fit import Fit

    window = config.pdm.window
    reals = [centre(load(image), window) for image in payload.reals]
    hrs = [
        centre(
            clean_up.read_hr(context.storage, part.image, part.key, cleaned=part.cleaned), window
        )
        for part in payload.hrs
    ]
    seed = stream_key(config.seed, "pdm", *(image.pixel_sha256 for image in payload.reals))
    return Fit(reals, hrs, config.pdm, config.scale, seed, context.profile.device)


def centre(image: Image, side: int) -> Image:
    """The centred part of (H, W, 3), at most `side` x `side`."""
    top, left = (max(0, length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side].copy()


def _check(fit: Fit, unit: Unit[FitPayload], context: Context) -> None:
    """The AUC joins the trend; the state is written last, so that a killed fit never goes on from a
    check half done.
    """
    from pairmill.models.pdm.checkpoint import state_bytes
    from pairmill.models.pdm.measure import look, montage

    sight = look(fit)
    fit.check(number(_told(sight, unit.payload)))
    context.write(unit, layout.fit_picture(fit.samples), encode_png(montage(sight)))
    context.write(unit, LOSSES, npy_bytes(np.array(fit.curves)))
    context.write(unit, STATE, state_bytes(fit))


def _told(sight: Sight, payload: FitPayload) -> RealismResult:
    """How well fakes are told from real patches, cross-validated by photograph."""
    names = (
        [image.pixel_sha256 for image in payload.reals],
        [part.image.pixel_sha256 for part in payload.hrs],
    )
    sources = [
        [known[place] for place in places]
        for known, places in zip(names, sight.sources, strict=True)
    ]
    return realism(sight.real, sight.fake, (sources[0], sources[1]))


def _finish(fit: Fit, unit: Unit[FitPayload], context: Context) -> PdmFitted:
    from pairmill.models.pdm.checkpoint import checkpoint_bytes
    from pairmill.models.pdm.measure import drawn_kernels, look, measure

    fit.finish()
    data = checkpoint_bytes(fit.mean)
    context.write(unit, CHECKPOINT, data)
    context.write(unit, KERNELS, npy_bytes(drawn_kernels(fit, 64).astype(np.float32)))
    sight = look(fit)
    return PdmFitted(
        digest=hashlib.sha256(data).hexdigest(),
        scale=fit.scale,
        size=fit.config.kernel.size,
        noisy=fit.config.noise is not None,
        samples=fit.samples,
        measures=measure(fit, sight, _told(sight, unit.payload)),
    )


def seal(
    units: Sequence[Unit[FitPayload]],
    records: Sequence[PdmFitted],
    config: PdmFitConfig,
    context: Context,
    key: str,
) -> PdmFitRef:
    """Say which unit holds the fit."""
    return PdmFitRef(key=units[0].key, fit=records[0])


def fit_config(seed: int, scale: int, pdm: PdmConfig) -> PdmFitConfig:
    """The stage's config: without the gates, so that other gates judge the same fit."""
    return PdmFitConfig(seed=seed, scale=scale, pdm=pdm.with_(gates={}))


STAGE = Stage(
    name="fit_pdm",
    version=3,
    title="fit PDM",
    noun="fits",
    record=PdmFitted,
    manifest=PdmFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
