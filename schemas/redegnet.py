"""ReDegNet: real degradations learned from pairs of real LQ faces and their restored
counterparts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.image import ImageRecord, RejectedImage
from pairmill.schemas.learned import Betas, FitRef, FitVerdict, check_ascending

CURVES = ("pixel", "perceptual", "style", "same", "contrast", "adversarial", "critic", "accuracy")
"""Columns of `curves.npy`: the losses without their weights, and the share of images that the
discriminator classified correctly."""


class RedegnetNetConfig(Frozen):
    """The networks; all of them work at `side` x `side`, and SynNet at any larger size too
    (ReDegNet, Sec. 3.1).
    """

    side: int = Field(default=256, ge=16, le=1024)
    """Side of what the networks are fitted on, in pixels; a power of two."""
    code: int = Field(default=512, ge=2, le=4096)
    """Numbers in the representation of a degradation."""
    first: int = Field(default=64, ge=2, le=512)
    """Channels at full resolution; they double with every halving."""
    most: int = Field(default=512, ge=2, le=2048)
    """Maximum number of channels at any resolution."""
    mapping: int = Field(default=8, ge=1, le=16)
    """Layers between a representation and the styles."""
    skip_start: float = Field(default=0.0, ge=0, le=4)
    """What the features of the HR are first multiplied by on their way into the generator; 0 as
    published, 1 learns sooner."""

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.side & (self.side - 1):
            raise ValueError(f"redegnet.net.side must be a power of two, got {self.side}")
        return self

    @property
    def halvings(self) -> int:
        """How often the side is halved down to 4 pixels."""
        return self.side.bit_length() - 3

    @property
    def unit(self) -> int:
        """What both sides of a tile must be multiples of, in pixels; others are continued by
        mirroring, and cut.
        """
        return 1 << self.halvings

    def channels(self, halvings: int) -> int:
        """Channels after so many halvings."""
        return min(self.most, self.first << halvings)


class RedegnetWeights(Frozen):
    """Weights of the losses: those of the published options, each on the mean over the three
    reconstructions of a step.
    """

    pixel: float = Field(default=10.0, ge=0)
    """L1 of pixels in [-1, 1]."""
    perceptual: float = Field(default=0.2, ge=0)
    """L1 of VGG-19 features; off without `vgg_weights`."""
    style: float = Field(default=160 / 3, ge=0)
    """L1 of their Gram matrices; off without `vgg_weights`. The code has 160, and divides by three
    once too often."""
    same: float = Field(default=100.0, ge=0)
    """L1 between representations of one degradation on two images."""
    contrast: float = Field(default=1.0, ge=0)
    """4 / (10 d + 1e-7), d the L1 between the representations of two different degradations."""
    adversarial: float = Field(default=0.01, ge=0)
    """Hinge loss of SynNet on real pairs; the discriminator's own loss has weight 1."""


class RedegnetPairsConfig(Frozen):
    """How real pairs are cut and varied."""

    replaced: float = Field(default=0.4, ge=0, le=1)
    """Share of real pairs whose LQ is drawn by BSRGAN from the HQ instead."""
    worsened: float = Field(default=0.25, ge=0, le=1)
    """Share of real pairs whose LQ is worsened further by BSRGAN."""
    margins: tuple[float, float, float, float] = (60 / 512, 12 / 512, 60 / 512, 62 / 512)
    """What is left out at top, bottom, left and right, as fractions of the sides: beside a face
    there is little to learn."""
    zoom: float = Field(default=256 / 390, gt=0, le=1)
    """Smallest factor that a real pair is downscaled by before it is cut."""
    crops: int = Field(default=4, ge=1, le=64)
    """Representations that each pair gives to the pool: of its middle, then of random crops."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        top, bottom, left, right = self.margins
        if min(self.margins) < 0 or max(top + bottom, left + right) > 0.9:
            raise ValueError(
                "redegnet.pairs.margins must be at least 0 and leave a tenth of each side"
            )
        if self.replaced + self.worsened > 1:
            raise ValueError(
                "redegnet.pairs: replaced and worsened are shares and cannot sum to more than 1"
            )
        return self


class RedegnetGateConfig(Frozen):
    """When a fit may be drawn from."""

    max_error_ratio: float = Field(default=1.0, gt=0)
    """Largest error (L1) of the reconstructed real LQ, relative to the better of the HQ itself and
    its bicubically downscaled versions."""
    min_diversity: float = Field(default=0.02, ge=0)
    """Smallest distance of the pairs' representations from their mean, relative to it (L2); not
    asked of `use: specific`."""
    min_effect: float = Field(default=0.25, ge=0)
    """Smallest mean change of an image when it gets another pair's representation, in intensity
    levels; not asked of `use: specific`."""
    max_accuracy: float = Field(default=0.97, gt=0.5, le=1)
    """Largest share of images that the discriminator classifies correctly over the last tenth of
    the fit; above it, it has won."""
    max_auc: float = Field(default=1.0, gt=0.5, le=1)
    """Largest AUC of distinguishing restored faces with other pairs' degradations from real LQ
    faces, on faces that the classifiers were not trained on; 1 asks for no AUC. Below 1 a fit whose
    AUC cannot be measured, for want of pairs, fails.
    """


class RedegnetConfig(Frozen):
    """How degradations are learned from `images.pairs` (ReDegNet, Li et al., ECCV 2022) and carried
    over to the HR images.
    """

    use: Literal["general", "specific"] = "general"
    """`general`: many pairs, whose degradations must differ; `specific`: a few pairs of one image
    or film, alike or not."""
    from_checkpoint: str | None = None
    """`networks.safetensors` of an earlier fit that this one starts from; a path, relative to the
    recipe's folder."""
    vgg_weights: str | None = None
    """Weights of VGG-19 in torchvision's format (.pth or .safetensors), relative to the recipe's
    folder; without, the perceptual and the style loss are off.
    """
    net: RedegnetNetConfig = RedegnetNetConfig()
    """The networks."""
    weights: RedegnetWeights = RedegnetWeights()
    """Weights of the losses."""
    pairs: RedegnetPairsConfig = RedegnetPairsConfig()
    """How the real pairs are cut, varied and read."""
    swap: float = Field(default=0.8, ge=0, le=1)
    """Probability that a step swaps the representations of the natural image and the face that
    were degraded alike."""
    batch: int = Field(default=12, ge=1, le=1024)
    """Real pairs, and as many pairs degraded alike, per iteration."""
    samples: int = Field(default=1_920_000, ge=1)
    """Real pairs that the fit sees; iterations are samples over batch."""
    learning_rate: float = Field(default=1e-4, gt=0, le=0.1)
    """Step size of Adam for DegNet and SynNet."""
    critic_rate: float = Field(default=1e-4, gt=0, le=0.1)
    """Step size of Adam for the discriminator."""
    betas: Betas = (0.9, 0.999)
    """Decay rates of Adam's moments."""
    halve_at: tuple[float, ...] = ()
    """When the step sizes are halved, as fractions of the samples, ascending; never, as
    published."""
    check_every: int = Field(default=48_000, ge=1)
    """Samples between checks: AUC, an image grid, and the state from which a killed fit continues
    ."""
    patience: int = Field(default=0, ge=0)
    """Checks without a lower AUC after which the fit stops early; 0 never stops early. Either way
    the last check whose AUC is hardly above the lowest is sealed.
    """
    gates: RedegnetGateConfig = RedegnetGateConfig()
    """When the fit may be drawn from."""
    images: int = Field(default=256, ge=1, le=100_000)
    """Maximum number of HR images that natural crops come from; of more, evenly spread ones are
    taken. Bounds memory."""
    window: int = Field(default=1024, ge=64)
    """Side of the centred part of an HR image that crops come from, in pixels; bounds memory."""

    @model_validator(mode="after")
    def _minimises(self) -> Self:
        found = self.weights.model_dump()
        if not any(found.values()):
            raise ValueError(
                f"redegnet.weights: nothing is minimised; give one of {', '.join(found)} a weight"
                " above 0"
            )
        return self

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        check_ascending(self.halve_at, "redegnet")
        return self


class FacePair(Frozen):
    """Two images of one thing: a real LQ face and its restored counterpart, of one size, or LR and
    HR photographs of a scene.
    """

    name: str
    """Name of the files, without the ending."""
    lq: ImageRecord
    """The real LQ face, or LR."""
    hq: ImageRecord
    """What a restorer made of it, or HR."""

    def identity(self) -> list[str]:
        """What the pair is, wherever it lies."""
        return [self.lq.pixel_sha256, self.hq.pixel_sha256]


class IngestedPair(Frozen):
    """What became of one pair of files."""

    name: str
    """Name of the files, without the ending."""
    pair: FacePair | None
    """The pair; none if one of the files is rejected."""
    rejected: tuple[RejectedImage, ...]
    """The files that are no usable images, and why."""


class PairSet(Frozen):
    """The accepted pairs, ordered by the digest of their LQ, and the rejected files."""

    pairs: tuple[FacePair, ...]
    """Pairs that take part."""
    rejected: tuple[RejectedImage, ...]
    """Files that do not, with reasons."""


class RedegnetCheckpoint(Frozen):
    """What a file of networks says of itself."""

    format: Literal["pairmill-redegnet/1"] = "pairmill-redegnet/1"
    """Layout of the weights."""
    net: RedegnetNetConfig
    """The networks."""
    parts: tuple[str, ...]
    """Which of them are in the file."""


class RedegnetReason(StrEnum):
    """Why a fit is not drawn from."""

    RECONSTRUCTS_BADLY = "reconstructs-badly"
    CODES_ALIKE = "representations-alike"
    CODES_IGNORED = "representations-ignored"
    CRITIC_WON = "discriminator-won"
    TOLD_APART = "told-apart"
    NOT_MEASURED = "not-measured"
    NOT_FINITE = "not-finite"


class RedegnetMeasures(Frozen):
    """What a fit does with the real pairs, in numbers."""

    error: float
    """Mean L1 between the real LQ and its reconstruction, in intensity levels."""
    identity_error: float
    """The same for the HQ as it is."""
    bicubic_error: float
    """The same for the HQ downscaled and upscaled again, the best of x2, x4 and x8."""
    other_error: float
    """The same for reconstructions with the representation of another pair; `error` if there is one
    pair only."""
    diversity: float
    """Root mean square distance of the pairs' representations from their mean, relative to its
    length."""
    spread: float
    """The same for crops of one pair around the pair's own mean: what is left of content in a
    representation."""
    effect: float
    """Mean absolute change of an image by another pair's representation, in intensity levels."""
    accuracy: float
    """Share of images that the discriminator classified correctly over the last tenth of the
    fit."""
    auc: float | None
    """AUC of distinguishing HQ with other pairs' degradations from real LQ, of what is sealed; none
    where there are too few pairs."""
    interval: tuple[float, float] | None
    """95 % interval of it over a new choice of pairs."""
    aucs: tuple[float | None, ...]
    """The AUC at every check."""
    samples: int
    """Real pairs seen; fewer than asked for after an early stop."""
    kept: int
    """Real pairs that had been seen at the check that is sealed."""


class RedegnetFitConfig(Frozen):
    """All that determines a fit, but the images and the files of weights, whose digests the fit's
    payload holds.
    """

    seed: int
    """Seed that all streams come from."""
    redegnet: RedegnetConfig
    """Settings, without gates and places of files."""


class RedegnetFitted(Frozen):
    """A finished fit: `checkpoint.safetensors`, `networks.safetensors`, `codes.npy`, `curves.npy`,
    `grid-*.png` and `state.safetensors` of its unit.
    """

    digest: Digest
    """SHA-256 of the checkpoint, which holds SynNet."""
    code: int
    """Numbers in a representation."""
    side: int
    """Side that the networks were fitted on, in pixels."""
    rows: tuple[Digest, ...]
    """Digest of the LQ pixels of the pair that each representation comes from, in pool order."""
    vgg: Digest | None
    """SHA-256 of the VGG-19 weights; none if the perceptual and the style loss were off."""
    start: Digest | None
    """SHA-256 of the networks that the fit started from; none if it started afresh."""
    measures: RedegnetMeasures | None
    """What it does; none if it left the finite numbers."""


class RedegnetFitRef(FitRef[RedegnetFitted]):
    """A fit and the unit that made it."""


class RedegnetJudgeConfig(Frozen):
    """How a fit is judged."""

    gates: RedegnetGateConfig
    """Thresholds."""
    specific: bool
    """Whether the degradations of the pairs may be alike."""


class RedegnetVerdict(FitVerdict[RedegnetReason, RedegnetMeasures]):
    """Whether a fit may be drawn from."""


class CodeRow(Frozen):
    """Where a representation of the pool comes from."""

    pair: Digest
    """Digest of the LQ pixels of its pair."""


class RedegnetManifest(Frozen):
    """A sealed SynNet, the pool of representations, and the verdict."""

    kind: Literal["redegnet"] = "redegnet"
    """Kind of pool."""
    digest: Digest
    """Digest of the checkpoint as a pool of one; programs name it by this."""
    codes: Digest
    """Digest of the pool of representations; programs name it by this."""
    count: int = Field(ge=1)
    """Representations in the pool."""
    code: int
    """Numbers in a representation."""
    side: int
    """Side that the networks were fitted on, in pixels."""
    vgg: Digest | None
    """SHA-256 of the VGG-19 weights; none if the perceptual and the style loss were off."""
    verdict: RedegnetVerdict
    """Whether it may be drawn from."""
    unit: Digest
    """The unit that holds curves and images of the fit."""
