"""Fit a translator: learn from the real images and, unpaired, the HR images, by one of the methods;
the whole fit is one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pairmill.pipeline.redegnet.files import WeightsFile, vgg_of, weights_file
from pairmill.pipeline.rng import stream_key
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.learned_fit import Learner, Look, leave_checkpoint
from pairmill.pipeline.stages.unpaired_fit import UnpairedPayload, distinguished, planned, read
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageSet
from pairmill.schemas.translation import AnyTranslation
from pairmill.schemas.translation_fit import (
    TranslationFitConfig,
    TranslationFitRef,
    TranslationFitted,
)

if TYPE_CHECKING:
    from pairmill.models.translation.fit import Fit
    from pairmill.models.translation.measure import Sight


class FitPayload(UnpairedPayload):
    """All images of a fit, and a file of weights."""

    method: str
    """Method of the fit."""
    vgg: WeightsFile | None
    """Weights of VGG-19."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{self.method}: {super().label}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [*super().identity(), None if self.vgg is None else self.vgg.sha256]


@dataclass(frozen=True)
class Inputs:
    """What a degradation is learned from."""

    images: ImageSet
    hr: HrSet
    vgg: WeightsFile | None


def inputs(images: ImageSet, hr: HrSet, config: AnyTranslation, base: str) -> Inputs:
    """The inputs of a recipe, with the file of weights looked up and digested.

    Raises:
        UserError: if the file is missing.
    """
    path = getattr(config, "vgg_weights", None)
    vgg = None if path is None else weights_file(path, base, vgg_key(config.method))
    return Inputs(images, hr, vgg)


def vgg_key(method: str) -> str:
    """The recipe's key of a method's weights of VGG-19."""
    return f"{method}.vgg_weights"


def plan(inputs: Inputs, config: TranslationFitConfig) -> list[FitPayload]:
    """See `planned`."""
    most, method = config.settings.images, config.settings.method
    return planned(FitPayload, inputs.images, inputs.hr, most, method=method, vgg=inputs.vgg)


def work(
    units: Sequence[Unit[FitPayload]], config: TranslationFitConfig, context: Context
) -> Iterator[TranslationFitted]:
    """See `Learner.work`."""
    return TRANSLATION.work(units, config, context)


def _begin(payload: FitPayload, config: TranslationFitConfig, context: Context) -> Fit:
    from pairmill.models.translation.fit import Fit

    settings = config.settings
    reals, hrs = read(payload, settings.window, context)
    seed = stream_key(config.seed, payload.method, *(image.pixel_sha256 for image in payload.reals))
    vgg = vgg_of(payload.vgg, vgg_key(payload.method))
    return Fit(reals, hrs, settings, config.scale, seed, context.profile.device, vgg)


def _look(fit: Fit, payload: FitPayload, config: TranslationFitConfig) -> Look[Sight]:
    from pairmill.models.pdm.measure import montage
    from pairmill.models.translation.measure import look

    sight = look(fit)
    return Look(sight, distinguished(sight, payload), partial(montage, sight))


def _leave(
    fit: Fit,
    look: Look[Sight],
    unit: Unit[FitPayload],
    config: TranslationFitConfig,
    context: Context,
) -> TranslationFitted:
    """Correct what the network drifts by, and measure what is drawn then."""
    from pairmill.models.translation import measure
    from pairmill.models.translation.checkpoint import checkpoint_bytes

    fit.shift = measure.centred(fit)
    sight = measure.look(fit, shift=fit.shift)
    digest = leave_checkpoint(unit, context, checkpoint_bytes(measure.card_of(fit), fit.mean))
    return TranslationFitted(
        digest=digest,
        method=fit.config.method,
        scale=fit.scale,
        samples=fit.samples,
        measures=measure.measure(fit, sight, distinguished(sight, unit.payload)),
    )


def seal(
    units: Sequence[Unit[FitPayload]],
    records: Sequence[TranslationFitted],
    config: TranslationFitConfig,
    context: Context,
    key: str,
) -> TranslationFitRef:
    """Say which unit holds the fit."""
    return TranslationFitRef(key=units[0].key, fit=records[0])


def fit_config(seed: int, scale: int, settings: AnyTranslation) -> TranslationFitConfig:
    """The stage's config: without the gates, so that others judge the same fit, and without
    places.
    """
    free: dict[str, Any] = {"gates": {}}
    if hasattr(settings, "vgg_weights"):
        free["vgg_weights"] = None
    return TranslationFitConfig(seed=seed, scale=scale, settings=settings.with_(**free))


TRANSLATION: Learner[FitPayload, TranslationFitConfig, Fit, Sight, TranslationFitted] = Learner(
    settings=lambda config: config.settings,
    begin=_begin,
    look=_look,
    leave=_leave,
    shown=("adversarial", "discriminator", "accuracy"),
)
STAGE = Stage(
    name="fit_translation",
    version=3,
    title="fit translator",
    noun="fits",
    record=TranslationFitted,
    manifest=TranslationFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
