"""Fit PDM: learn kernels and noise from the real images and, unpaired, the HR images; the whole fit
is one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.learned_fit import Learner, Look, leave_checkpoint
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.stages.pdm_start import StartRef, read_start
from pairmill.pipeline.stages.unpaired_fit import UnpairedPayload, distinguished, planned, read
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.pdm_fit import PdmFitConfig, PdmFitRef, PdmFitted

if TYPE_CHECKING:
    from pairmill.models.pdm.fit import Fit
    from pairmill.models.pdm.measure import Sight

KERNELS = "kernels.npy"


class FitPayload(UnpairedPayload):
    """All images of a fit, and what was measured of them."""

    measured: StartRef | None = None
    """Where what was measured lies; none to start from nothing."""

    def identity(self) -> Any:
        """See `Payload.identity`."""
        images: list[Any] = super().identity()
        return images if self.measured is None else [*images, self.measured.identity()]


@dataclass(frozen=True)
class Inputs:
    """What a degradation is learned from."""

    images: ImageSet
    hr: HrSet
    measured: StartRef | None = None


def plan(inputs: Inputs, config: PdmFitConfig) -> list[FitPayload]:
    """See `planned`."""
    return planned(
        FitPayload, inputs.images, inputs.hr, config.pdm.images, measured=inputs.measured
    )


def work(
    units: Sequence[Unit[FitPayload]], config: PdmFitConfig, context: Context
) -> Iterator[PdmFitted]:
    """See `Learner.work`."""
    return PDM.work(units, config, context)


def _begin(payload: FitPayload, config: PdmFitConfig, context: Context) -> Fit:
    from pairmill.models.pdm.fit import Fit

    reals, hrs = read(payload, config.pdm.window, context)
    seed = stream_key(config.seed, "pdm", *(image.pixel_sha256 for image in payload.reals))
    start = None if payload.measured is None else read_start(context.storage, payload.measured)
    return Fit(reals, hrs, config.pdm, config.scale, seed, context.profile.device, start)


def _look(fit: Fit, payload: FitPayload, config: PdmFitConfig) -> Look[Sight]:
    from pairmill.models.pdm.measure import look, montage

    sight = look(fit)
    return Look(sight, distinguished(sight, payload), partial(montage, sight))


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
    version=6,
    title="fit PDM",
    noun="fits",
    record=PdmFitted,
    manifest=PdmFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
