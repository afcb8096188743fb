"""PDM, the probabilistic degradation model: the networks, the fit, and the gates."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Frozen, Grown
from pairmill.schemas.learned import Betas, check_ascending, window_problem
from pairmill.schemas.pdm_presets import PRESETS, merged

CURVES = ("adversarial", "critic", "accuracy", "regulariser", "noise")
"""Columns of `curves.npy`: losses, the share of patches classified correctly, the regulariser, and
the noise's deviation in intensity levels."""
MEASURED_SAMPLES = 16_000
"""Samples of a fit that starts measured."""


class PdmKernelConfig(Frozen):
    """The network that turns random numbers into blur kernels (PDM, Sec. 3.2)."""

    channels: int = Field(default=8, ge=1, le=256)
    """Random numbers per kernel, standard normal."""
    features: int = Field(default=32, ge=4, le=256)
    """Width of the network."""
    blocks: int = Field(default=2, ge=0, le=32)
    """Residual blocks of two 1 x 1 convolutions each."""
    size: int = Field(default=21, ge=5, le=65)
    """Side of a kernel, in HR pixels; odd."""
    variant: bool = False
    """Whether every LR pixel gets a kernel of its own, smooth over the image, instead of one kernel
    per image."""
    prior: Literal["none", "gaussian"] = "gaussian"
    """`gaussian` adds a quadratic form to the logits, so that widths and directions are learned
    first; `none` as published."""
    start: float | None = Field(default=0.7, gt=0, le=4)
    """Standard deviation of the first kernel, in LR pixels; without one it is nearly a box, as
    published."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.size % 2 == 0:
            raise ValueError(f"pdm.kernel.size must be odd, got {self.size}")
        return self


class PdmNoiseConfig(Frozen):
    """The network that turns random numbers, and the clean LR, into noise (PDM, Sec. 3.3)."""

    channels: int = Field(default=3, ge=1, le=64)
    """Random numbers per pixel, or per image where not `spatial`; standard normal."""
    features: int = Field(default=24, ge=4, le=256)
    """Width of the network."""
    blocks: int = Field(default=1, ge=0, le=32)
    """Residual blocks of two convolutions each."""
    dim: Literal[1, 3] = 3
    """Channels of the noise: 3 in colour, 1 the same for red, green and blue."""
    mix: bool = True
    """Whether the noise depends on the clean LR."""
    spatial: bool = True
    """Whether every pixel has random numbers of its own; without, noise is an offset per image or a
    map of colours."""
    form: Literal["mixing", "trunk"] = "mixing"
    """`mixing` weighs filtered random fields by functions of the clean LR, so that the mean over
    draws is exactly 0; `trunk` feeds both into one network, as published.
    """
    by: Literal["level", "colour"] = "level"
    """What weighs the fields of `mixing`: `level`, a channel's own value, as noise of sensors does;
    `colour`, all three, by which a fit to few photos knows what a pixel shows and draws its
    texture as noise.
    """
    filters: int = Field(default=6, ge=1, le=64)
    """Filtered random fields that `mixing` weighs."""
    reach: Literal[1, 3, 5, 7] = 3
    """Side of the filters of the random fields, in LR pixels; what lies further apart is not
    correlated."""
    zero_start: bool = True
    """Whether the first noise is 0."""


class PdmCriticConfig(Frozen):
    """The patch discriminator: which LR patches are real (PDM's code; least-squares GAN, Mao et al.
    2017).
    """

    features: tuple[int, ...] = Field(default=(24, 48, 48), min_length=2, max_length=8)
    """Channels after each 3 x 3 convolution but the last, which gives one judgement per place."""
    stride: Literal[1, 2] = 2
    """Stride of the second and the third convolution; 2 sees further."""
    norm: Literal["none", "instance"] = "none"
    """`instance` as published; it hides from the discriminator how strong the noise of a patch
    is."""
    penalty: float = Field(default=1e-2, ge=0)
    """Weight of the penalty on the discriminator's slope at real images (R1), per squared sum over
    places; 0 as published."""
    residual: bool = True
    """Whether it also sees, magnified, what a 3 x 3 mean takes away, where noise and sharpness are;
    false as published."""
    whole: bool = True
    """Whether it also judges the mean of its features over the crop, to which noise and blur are
    alike; false as published."""
    grey: bool = False
    """Whether the discriminator sees grey only."""


class PdmGateConfig(Frozen):
    """When a fit may be drawn from."""

    min_diversity: float = Field(default=0.02, ge=0)
    """Smallest mean distance of drawn kernels from their mean, relative to it (L2); below it all
    kernels look alike."""
    min_noise_ratio: float = Field(default=0.3, ge=0)
    """Smallest ratio of drawn noise to the noise floor of the real images, in standard deviations;
    below it noise has collapsed."""
    max_noise_ratio: float = Field(default=3.0, gt=0)
    """Largest such ratio."""
    max_noise_mean: float = Field(default=2.0, ge=0)
    """Largest mean of the noise of an image, in intensity levels, either way."""
    max_accuracy: float = Field(default=0.97, gt=0.5, le=1)
    """Largest share of patches that the discriminator classifies correctly over the last tenth of
    the fit; above it, it has won."""
    max_auc: float = Field(default=0.95, gt=0.5, le=1)
    """Largest AUC of distinguishing fake from real patches on images that the classifiers were not
    trained on. Where it cannot be measured, for want of images, the fit fails; 1 asks for no AUC.
    """


class PdmConfig(Grown):
    """How the degradation is learned from real LR images and unrelated HR images (PDM, Luo et al.,
    CVPR 2022).
    """

    added: ClassVar[tuple[str, ...]] = ("start_from", "start_rate")
    preset: str = "pairmill"
    """Where the settings that are not given come from: `pairmill`, or a published data set:
    `2017track1`, `2018track2`, `2018track4`, `2020track1`, `2020track2`.
    """
    start_from: Literal["measured", "nothing"] = "measured"
    """Where kernels and noise begin: `measured` at the kernels, the noise and the compression that
    are measured on the real images, so that only what is left is learned; `nothing`, as published,
    at a Gaussian and no noise."""
    start_rate: float = Field(default=0.02, gt=0, le=1)
    """By how much the step size of kernels and noise is smaller where they start measured."""
    kernel: PdmKernelConfig = PdmKernelConfig()
    """The blur; where it starts measured, `size`, `prior` and `start` are not asked."""
    noise: PdmNoiseConfig | None = PdmNoiseConfig()
    """The noise; none leaves blur and 8-bit rounding."""
    noise_weight: float = Field(default=30.0, ge=0)
    """Weight of the noise's regulariser (lambda), on squares of values in [0, 1]; with `energy` 1
    to 100 is published. 1000 holds down broad waves of noise, and takes from white noise what is
    broad in it.
    """
    regulariser: Literal["mean", "energy"] = "mean"
    """`mean` holds the mean of 8 x 8 patches of noise at 0; `energy` the noise itself, as
    published, which weakens it."""
    critic: PdmCriticConfig = PdmCriticConfig()
    """The discriminator."""
    crop: int = Field(default=32, ge=8, le=512)
    """Side of an LR crop, in LR pixels."""
    batch: int = Field(default=16, ge=1, le=1024)
    """Crops per iteration."""
    samples: int = Field(default=64_000, ge=1)
    """LR crops that the fit sees; iterations are samples over batch. Where it starts measured,
    16 000 unless said: no such fit had a lower AUC after 8000."""
    learning_rate: float = Field(default=5e-4, gt=0, le=0.1)
    """Step size of Adam for kernels and noise."""
    critic_rate: float = Field(default=1e-3, gt=0, le=0.1)
    """Step size of Adam for the discriminator."""
    betas: Betas = (0.5, 0.99)
    """Decay rates of Adam's moments."""
    halve_at: tuple[float, ...] = (0.5, 0.75, 0.9)
    """When the step sizes are halved, as fractions of the samples, ascending."""
    clip: float = Field(default=50.0, gt=0)
    """Largest norm of the gradient of kernels and noise."""
    average: float = Field(default=0.998, ge=0, lt=1)
    """Per iteration, how much of the EMA of the weights is kept; the mean is what is
    sealed. 0 seals the last."""
    check_every: int = Field(default=8_000, ge=1)
    """Samples between checks: AUC, an image grid, and the state from which a killed fit continues
    ."""
    patience: int = Field(default=3, ge=0)
    """Checks without a lower AUC after which the fit stops early; 0 never stops early. Either way
    the last check whose AUC is hardly above the lowest is sealed.
    """
    gates: PdmGateConfig = PdmGateConfig()
    """When the fit may be drawn from."""
    images: int = Field(default=128, ge=1, le=10_000)
    """Maximum number of real and of HR images that crops come from; of more, evenly spread ones are
    taken. Bounds memory."""
    window: int = Field(default=1024, ge=64)
    """Side of the centred part of an image that crops come from, in pixels; bounds memory."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        name = data.get("preset", "pairmill")
        if name not in PRESETS:
            raise ValueError(f"pdm.preset must be one of {', '.join(PRESETS)}, got {name!r}")
        found = merged(PRESETS[name], data)
        if found.get("start_from", "measured") == "measured":
            found.setdefault("samples", MEASURED_SAMPLES)
        return found

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        check_ascending(self.halve_at, "pdm")
        return self

    @model_validator(mode="after")
    def _can_start_measured(self) -> Self:
        noise = self.noise
        if self.start_from == "nothing":
            return self
        if self.kernel.variant:
            raise ValueError("pdm.kernel.variant needs pdm.start_from: nothing")
        if noise is not None and (not noise.spatial or noise.channels < 3):
            raise ValueError(
                "pdm.start_from: measured needs noise of 3 random numbers per pixel at least "
                f"(spatial, channels: 3), got {noise.channels}; or set pdm.start_from: nothing"
            )
        return self

    def problem(self, scale: int) -> str:
        """Why it cannot be fitted at a scale; empty if it can."""
        side = scale * (self.crop - 1) + self.kernel.size
        return window_problem("pdm", self.window, side, self.crop)

    @property
    def iterations(self) -> int:
        """Updates of each network."""
        return -(-self.samples // self.batch)


class PdmStart(Frozen):
    """How much was measured: shapes of what a checkpoint holds beside its weights."""

    kernels: int = Field(ge=1)
    """Measured kernels."""
    planes: int = Field(ge=1, le=3)
    """1, or 3 with a plane per channel."""
    side: int = Field(ge=1)
    """Side of a measured kernel, in HR pixels; odd."""
    cameras: int = Field(ge=1)
    """Cameras whose noise was measured."""
    reach: int = Field(ge=1)
    """Side of the filters of measured noise, in LR pixels; odd."""


class PdmCheckpoint(Grown):
    """What a checkpoint says of itself: all that is needed to build the networks that its weights
    belong to.
    """

    added: ClassVar[tuple[str, ...]] = ("start",)
    format: Literal["pairmill-pdm/1"] = "pairmill-pdm/1"
    """Layout of the weights."""
    scale: int = Field(ge=1, le=8)
    """HR side over LR side."""
    kernel: PdmKernelConfig
    """The kernel module."""
    noise: PdmNoiseConfig | None
    """The noise module."""
    start: PdmStart | None = None
    """What was measured; none where a fit started from nothing."""

    @model_validator(mode="before")
    @classmethod
    def _before_levels(cls, data: Any) -> Any:
        """A checkpoint that does not say what weighs its noise is older than the choice: colour."""
        noise = None
        if isinstance(data, dict):
            noise = data.get("noise")
        if isinstance(noise, dict):
            return {**data, "noise": {"by": "colour", **noise}}
        return data

    def as_config(self) -> PdmConfig:
        """Settings with these networks."""
        if self.start is None:
            return PdmConfig(kernel=self.kernel, noise=self.noise, start_from="nothing")
        return PdmConfig(kernel=self.kernel, noise=self.noise)
