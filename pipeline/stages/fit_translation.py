"""Fit a translator: learn from the real images and, unpaired, the HR images, by one of the methods;
the whole fit is one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.realism.fits import realism
from pairmill.pipeline.redegnet.files import WeightsFile, vgg_of, weights_file
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
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.translation import AnyTranslation
from pairmill.schemas.translation_fit import (
    TranslationFitConfig,
    TranslationFitRef,
    TranslationFitted,
)
from pairmill.schemas.work import Payload

if TYPE_CHECKING:
    from pairmill.models.translation.fit import Fit
    from pairmill.models.translation.measure import Sight


class FitPayload(Payload):
    """All images of a fit, and a file of weights."""

    method: str
    """Method of the fit."""
    reals: tuple[ImageRecord, ...]
    """The real LR images."""
    hrs: tuple[HrPart, ...]
    """The HR images."""
    vgg: WeightsFile | None
    """Weights of VGG-19."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"{self.method}: {len(self.reals)} real and {len(self.hrs)} HR images"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [
            [image.pixel_sha256 for image in self.reals],
            [[part.image.pixel_sha256, part.key] for part in self.hrs],
            None if self.vgg is None else self.vgg.sha256,
        ]


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
    """One unit: the fit. Of many images, evenly spread ones in digest order."""
    most = config.settings.images
    reals = spread(inputs.images.with_role(Role.REAL), most)
    hrs = hr_parts(inputs.images, inputs.hr, most)
    return [FitPayload(method=config.settings.method, reals=reals, hrs=hrs, vgg=inputs.vgg)]


def work(
    units: Sequence[Unit[FitPayload]], config: TranslationFitConfig, context: Context
) -> Iterator[TranslationFitted]:
    """See `Learner.work`."""
    return TRANSLATION.work(units, config, context)


def _begin(payload: FitPayload, config: TranslationFitConfig, context: Context) -> Fit:
    from pairmill.models.translation.fit import Fit

    settings = config.settings
    reals = [centre(load(image), settings.window) for image in payload.reals]
    hrs = read_hrs(context, payload.hrs, settings.window)
    seed = stream_key(config.seed, payload.method, *(image.pixel_sha256 for image in payload.reals))
    vgg = vgg_of(payload.vgg, vgg_key(payload.method))
    return Fit(reals, hrs, settings, config.scale, seed, context.profile.device, vgg)


def _look(fit: Fit, payload: FitPayload, config: TranslationFitConfig) -> Look[Sight]:
    from pairmill.models.pdm.measure import montage
    from pairmill.models.translation.measure import look

    sight = look(fit)
    return Look(sight, _realism(sight, payload), partial(montage, sight))


def _realism(sight: Sight, payload: FitPayload) -> RealismResult:
    """How distinguishable fakes are from real patches, cross-validated by image."""
    real, hr = sight.sources
    reals = [payload.reals[number].pixel_sha256 for number in real]
    hrs = [payload.hrs[number].image.pixel_sha256 for number in hr]
    return realism(sight.real, sight.fake, (reals, hrs))


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
        measures=measure.measure(fit, sight, _realism(sight, unit.payload)),
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
    version=2,
    title="fit translator",
    noun="fits",
    record=TranslationFitted,
    manifest=TranslationFitRef,
    plan=plan,
    work=work,
    seal=seal,
    gpu=True,
)
