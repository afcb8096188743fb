"""Translators: degradations learned from unpaired images by networks that turn clean LR, or HR,
into LR like the photographs; the settings of each method.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Frozen
from pairmill.schemas.learned import (
    Betas,
    check_ascending,
    window_problem,
)
from pairmill.schemas.network import NetworkConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.pdm_presets import merged
from pairmill.schemas.translation_networks import DiscriminatorConfig, GeneratorConfig
from pairmill.schemas.translation_presets import PRESETS

Weight = Annotated[float, Field(ge=0)]
GanForm = Literal["vanilla", "lsgan", "hinge", "relativistic", "wgan_gp"]
METHODS = ("dsgan", "bulat", "cincgan", "cyclesr", "maeda")
"""All methods; each is a degrader, a kind of pool and a section of the recipe of this name."""


class TranslationGateConfig(Frozen):
    """When a fit may be drawn from."""

    max_offset: float = Field(default=0.1, gt=0)
    """Largest distance by which drawn LR lie off the clean LR, on either axis, in HR pixels, after
    the correction."""
    max_colour: float = Field(default=4.0, gt=0)
    """Largest mean difference of 4 x 4 means of drawn and of clean LR, in intensity levels."""
    min_effect: float = Field(default=0.1, ge=0)
    """Smallest mean change of the clean LR, in intensity levels; below it nothing was learned."""
    max_auc: float = Field(default=0.98, gt=0.5, le=1)
    """Largest AUC of distinguishing drawn from real patches on images that the classifiers were not
    trained on; where it cannot be measured, for want of images, the fit fails; 1 asks for none.
    """


class TranslationBase(Frozen):
    """What the settings of all methods have in common."""

    method: str
    """Which method."""
    preset: Literal["pairmill", "published"] = "pairmill"
    """Where the settings that are not given come from: ours, for minutes on a processor, or those
    of the published code, for days on a GPU."""
    generator: GeneratorConfig = GeneratorConfig()
    """The networks that translate."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    """The networks that judge."""
    gan: GanForm = "lsgan"
    """What generators and discriminators minimise against one another."""
    history: int = Field(default=0, ge=0, le=1024)
    """Earlier fakes that discriminators are shown instead of every other new one; 0 shows new ones
    only (Shrivastava et al. 2017)."""
    crop: int = Field(default=32, ge=16, le=512)
    """Side of an LR crop, in LR pixels."""
    batch: int = Field(default=8, ge=1, le=1024)
    """Crops per iteration."""
    samples: int = Field(default=24_000, ge=1)
    """LR crops that the fit sees; iterations are samples over batch."""
    learning_rate: float = Field(default=5e-4, gt=0, le=0.1)
    """Step size of Adam for generators."""
    discriminator_rate: float = Field(default=2e-3, gt=0, le=0.1)
    """Step size of Adam for discriminators."""
    betas: Betas = (0.5, 0.99)
    """Decay rates of Adam's moments."""
    halve_at: tuple[float, ...] = (0.5, 0.75, 0.9)
    """When the step sizes are halved, as fractions of the samples, ascending."""
    clip: float = Field(default=50.0, gt=0)
    """Largest norm of the gradient of the generators."""
    average: float = Field(default=0.998, ge=0, lt=1)
    """Per iteration, how much of the EMA of the weights is kept, which is what is sealed."""
    check_every: int = Field(default=4_000, ge=1)
    """Samples between checks: AUC, an image grid, and the state from which a killed fit
    continues."""
    patience: int = Field(default=3, ge=0)
    """Checks without a lower AUC after which the fit stops early; 0 never stops early."""
    gates: TranslationGateConfig = TranslationGateConfig()
    """When the fit may be drawn from."""
    images: int = Field(default=128, ge=1, le=10_000)
    """Maximum number of real and of HR images that crops come from; bounds memory."""
    window: int = Field(default=1024, ge=64)
    """Side of the centred part of an image that crops come from, in pixels, at least `crop` times
    the scale; bounds memory."""
    weights: Frozen
    """Weights of the terms."""

    from_hr: ClassVar[bool] = False
    """Whether the degrading network sees HR; others see clean LR."""
    source_only: ClassVar[bool] = False
    """Whether it learns from the real images alone."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        presets = PRESETS.get(data.get("preset", "pairmill")) if isinstance(data, dict) else None
        method = cls.model_fields["method"].default
        return data if presets is None else merged(presets[method], data)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        check_ascending(self.halve_at, self.method)
        return self

    @model_validator(mode="after")
    def _minimises(self) -> Self:
        if not any(self.minimised().values()):
            raise ValueError(
                f"{self.method}.weights: nothing is minimised from the first sample on; give one of"
                f" {', '.join(self.minimised())} a weight above 0"
            )
        return self

    def minimised(self) -> dict[str, float]:
        """Weights of the terms that generators have from the first sample on."""
        return self.weights.model_dump()

    def problem(self, scale: int) -> str:
        """Why it cannot be fitted at a scale; empty if it can."""
        return window_problem(self.method, self.window, self.crop * scale, self.crop)

    @model_validator(mode="after")
    def _seen_whole(self) -> Self:
        if self.discriminator.places(self.crop) < 1:
            raise ValueError(
                f"{self.method}.crop is {self.crop}, too small for the strides of"
                f" {self.method}.discriminator; wanted a larger crop, or smaller strides"
            )
        return self


class DsganWeights(Frozen):
    """Weights of DSGAN's terms."""

    colour: Weight = 1.0
    """L1 between 5 x 5 means of LR and of clean LR."""
    adversarial: Weight = 1.0
    """What the discriminator says."""
    perceptual: Weight = 0.01
    """L1 of features of VGG-19 (the published code: LPIPS); off without `vgg_weights`."""


class DsganConfig(TranslationBase):
    """DSGAN (Fritsche et al., ICCV Workshops 2019): gives bicubic LR the character of the images
    that it was made from; no target is needed.
    """

    method: Literal["dsgan"] = "dsgan"
    """Name of the method."""
    weights: DsganWeights = DsganWeights()
    """Weights of the terms."""
    vgg_weights: str | None = None
    """Weights of VGG-19 in torchvision's format (.pth or .safetensors), relative to the recipe's
    folder."""

    source_only: ClassVar[bool] = True

    def problem(self, scale: int) -> str:
        """See `TranslationBase`; without weights of VGG-19 nothing is perceptual."""
        if not self.vgg_weights and not (self.weights.colour or self.weights.adversarial):
            return (
                "dsgan.weights: nothing is minimised but what needs dsgan.vgg_weights; give them,"
                " or colour or adversarial a weight above 0"
            )
        return super().problem(scale)


class BulatWeights(Frozen):
    """Weights of the terms of Bulat et al."""

    adversarial: Weight = 1.0
    """What the discriminator says."""
    colour: Weight = 20.0
    """Mean squared difference of LR and of the bicubic LR."""
    sr: Weight = 0.0
    """L1 of HR and what an SR network makes of LR, which shapes the degradation too; 0 as in
    high-to-low first, 1 as published where both are trained together."""


class BulatConfig(TranslationBase):
    """Bulat et al. (ECCV 2018): HR to LR with random numbers, high-to-low first."""

    method: Literal["bulat"] = "bulat"
    """Name of the method."""
    weights: BulatWeights = BulatWeights()
    """Weights of the terms."""
    sr: NetworkConfig = EdsrConfig(features=16, blocks=4)
    """The SR network, where `weights.sr` is above 0."""

    from_hr: ClassVar[bool] = True


class CycleWeights(Frozen):
    """Weights of the terms of a pair of translators."""

    adversarial: Weight = 1.0
    """What the discriminator of clean LR says."""
    adversarial_real: Weight = 1.0
    """What the discriminator of real LR says."""
    identity: Weight = 0.5
    """L1 of an image that is like the target already, and what is made of it."""
    cycle: Weight = 1.0
    """L1 of an image and what came back of it; much of it takes the noise away."""


class CincganWeights(CycleWeights):
    """Weights of CinCGAN's terms."""

    adversarial_real: Weight = 0.0
    """What a discriminator of real LR says, which the paper has not; 0 leaves it and its cycle
    out."""
    total_variation: Weight = 0.5
    """Squared differences of neighbours in cleaned LR."""


class CincganConfig(TranslationBase):
    """CinCGAN (Yuan et al., CVPR Workshops 2018): real LR is cleaned, and what undoes the cleaning
    is the degradation.
    """

    method: Literal["cincgan"] = "cincgan"
    """Name of the method."""
    weights: CincganWeights = CincganWeights()
    """Weights of the terms."""


class CyclesrWeights(CycleWeights):
    """Weights of CycleSR's terms."""

    task: Weight = 50.0
    """Mean squared difference of HR and what the SR network makes of LR."""


class CyclesrConfig(TranslationBase):
    """CycleSR (Chen et al., CVPR Workshops 2020): a CycleGAN between clean and real LR, then drawn
    towards what an SR network restores.
    """

    method: Literal["cyclesr"] = "cyclesr"
    """Name of the method."""
    weights: CyclesrWeights = CyclesrWeights()
    """Weights of the terms."""
    sr: NetworkConfig = EdsrConfig(features=16, blocks=4)
    """The SR network."""
    task_from: float = Field(default=0.5, ge=0, le=1)
    """Share of the samples after which the SR network has a say; until then it learns from bicubic
    pairs."""

    def minimised(self) -> dict[str, float]:
        """See `TranslationBase`; the task comes later."""
        found = super().minimised()
        return {**found, "task": 0.0} if self.task_from else found


class MaedaWeights(CycleWeights):
    """Weights of Maeda's terms."""

    cycle: Weight = 0.5
    """L1 of an image and what came back of it."""
    task: Weight = 1.0
    """L1 of HR and what the SR network makes of LR that was degraded and cleaned again."""
    adversarial_hr: Weight = 0.1
    """What the discriminator of HR says."""


class MaedaConfig(TranslationBase):
    """Maeda (CVPR 2020), pseudo-supervision: clean LR is degraded at random, cleaned again, and
    the SR network learns from what is left.
    """

    method: Literal["maeda"] = "maeda"
    """Name of the method."""
    weights: MaedaWeights = MaedaWeights()
    """Weights of the terms."""
    sr: NetworkConfig = EdsrConfig(features=16, blocks=4)
    """The SR network."""


AnyTranslation = DsganConfig | BulatConfig | CincganConfig | CyclesrConfig | MaedaConfig
TranslationConfig = Annotated[AnyTranslation, Field(discriminator="method")]


class TranslationCheckpoint(Frozen):
    """What a checkpoint says of itself: all that is needed to build its network and to draw."""

    format: Literal["pairmill-translation/1"] = "pairmill-translation/1"
    """Layout of the weights."""
    method: str
    """Method that it was fitted by."""
    scale: int = Field(ge=1, le=8)
    """HR side over LR side."""
    from_hr: bool
    """Whether the network sees HR."""
    generator: GeneratorConfig
    """The network."""
    shift: tuple[float, float] = (0.0, 0.0)
    """How far HR is moved down and right before it is degraded, in HR pixels: back by what the
    network drifts."""
