"""Fit PDM: learn kernels and noise from the real images and, unpaired, the HR images; the whole fit
is one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.realism.fits import realism
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.learned_fit import (
    HrPart,
    Learner,
    Look,
    centre,
    hr_parts,
    leave_checkpoint,
    read_hrs,
    spread,
)
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.stages.pdm_start import StartRef, read_start
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.pdm_fit import PdmFitConfig, PdmFitRef, PdmFitted
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.pdm.fit import Fit
    from pairmill.models.pdm.measure import Sight

KERNELS = "kernels.npy"


class FitPayload(Payload):
    """All images of a fit."""

    reals: tuple[ImageRecord, ...]
    """The real LR images."""
    hrs: tuple[HrPart, ...]
    """The HR images."""
    measured: StartRef | None = None
    """Where what was measured lies; none to start from nothing."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{len(self.reals)} real and {len(self.hrs)} HR images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        images = [
            [image.pixel_sha256 for image in self.reals],
            [[part.image.pixel_sha256, part.key] for part in self.hrs],
        ]
        return images if self.measured is None else [*images, self.measured.identity()]


@dataclass(frozen=True)
class Inputs:
    """What a degradation is learned from."""

    images: ImageSet
    hr: HrSet
    measured: StartRef | None = None


def plan(inputs: Inputs, config: PdmFitConfig) -> list[FitPayload]:
    """One unit: the fit. Of many images, evenly spread ones in digest order."""
    most = config.pdm.images
    reals = spread(inputs.images.with_role(Role.REAL), most)
    hrs = hr_parts(inputs.images, inputs.hr, most)
    return [FitPayload(reals=reals, hrs=hrs, measured=inputs.measured)]


def work(
    units: Sequence[Unit[FitPayload]], config: PdmFitConfig, context: Context
) -> Iterator[PdmFitted]:
    """See `Learner.work`."""
    return PDM.work(units, config, context)


def _begin(payload: FitPayload, config: PdmFitConfig, context: Context) -> Fit:
    from pairmill.models.pdm.fit import Fit

    window = config.pdm.window
    reals = [centre(load(image), window) for image in payload.reals]
    hrs = read_hrs(context, payload.hrs, window)
    seed = stream_key(config.seed, "pdm", *(image.pixel_sha256 for image in payload.reals))
    start = None if payload.measured is None else read_start(context.storage, payload.measured)
    return Fit(reals, hrs, config.pdm, config.scale, seed, context.profile.device, start)


def _look(fit: Fit, payload: FitPayload, config: PdmFitConfig) -> Look[Sight]:
    from pairmill.models.pdm.measure import look, montage

    sight = look(fit)
    return Look(sight, _realism(sight, payload), partial(montage, sight))


def _realism(sight: Sight, payload: FitPayload) -> RealismResult:
    """How distinguishable fakes are from real patches, cross-validated by image."""
    names = (
        [image.pixel_sha256 for image in payload.reals],
        [part.image.pixel_sha256 for part in payload.hrs],
    )
    sources = [
        [known[place] for place in places]
        for known, places in zip(names, sight.sources, strict=True)
    ]
    return realism(sight.real, sight.fake, (sources[0], sources[1]))


def _leave(
    fit: Fit,
    look: Look[Sight],
    unit: Unit[FitPayload],
    config: PdmFitConfig,
    context: Context,
) -> PdmFitted:
    from pairmill.models.pdm.checkpoint import checkpoint_bytes
    from pairmill.models.pdm.measure import drawn_kernels, measure

    digest = leave_checkpoint(unit, context, checkpoint_bytes(fit.mean))
    context.write(unit, KERNELS, npy_bytes(drawn_kernels(fit, 64).astype(np.float32)))
    return PdmFitted(
        digest=digest,
        scale=fit.scale,
        size=fit.mean.size,
        noisy=fit.config.noise is not None,
        samples=fit.samples,
        codec=fit.codec is not None,
        measures=measure(fit, look.sight, look.realism),
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


PDM: Learner[FitPayload, PdmFitConfig, Fit, Sight, PdmFitted] = Learner(
    settings=lambda config: config.pdm,
    begin=_begin,
    look=_look,
    leave=_leave,
    shown=("adversarial", "critic", "noise"),
    begun=lambda payload: payload.measured is not None,
)
STAGE = Stage(
    name="fit_pdm",
    version=5,
    title="fit PDM",
    noun="fits",
    record=PdmFitted,
    manifest=PdmFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
