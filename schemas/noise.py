"""Noise mining: settings, patch records, and coverage per image."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Digest, Frozen, Grown

PER_IMAGE = (8, 64)
"""Fewest and most patches that `auto` takes from one image."""
SPARE = 4
"""Times the pool that all images together may give with `auto`."""


REALSR: dict[str, Any] = {
    "patch": 256,
    "max_variance": 20.0,
    "min_mean": 0.0,
    "max_mean": 255.0,
    "max_patches": 1 << 14,
    "max_per_image": 1 << 14,
    # What else is measured may be anything.
    "min_variance": 0.0,
    **dict.fromkeys(("max_blank", "max_plateau", "max_clipped", "max_correlation"), 1.0),
    **dict.fromkeys(
        (
            "max_inconsistency",
            "max_structure",
            "max_unlike",
            "max_coherence",
            "max_periodicity",
            "max_outlier",
        ),
        1e300,
    ),
}
"""What the other settings are by the rule of RealSR, where a recipe does not give them."""


class NoiseConfig(Grown):
    """How noise patches are mined (RealSR, Ji et al. 2020: keep patches of low intensity
    variance).
    """

    added: ClassVar[tuple[str, ...]] = ("rule",)
    rule: Literal["measured", "realsr"] = "measured"
    """`measured`: all that follows, with these defaults. `realsr`: the published rule and nothing
    else: patches of 256 whose corners lie at multiples of 256 strictly below side - 256, grey
    variance below `max_variance` (20), grey mean above `min_mean` (0; 50 for DPED), as many as
    there are up to 16384; settings that are given all the same hold beside it."""
    patch: int = Field(default=64, ge=16, le=512, multiple_of=8)
    """Side of a patch, in pixels of the real image; a multiple of 8 keeps JPEG blocks in phase."""
    max_variance: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    """Intensity variance that a patch must stay below, in squared intensity levels; RealSR uses 20.
    `auto` follows the noise floor of each image at the brightness of the patch."""
    max_excess: float = Field(default=0.1, gt=0)
    """With `auto`: fraction by which the noise of a patch may exceed the floor, beyond sampling
    error."""
    ceiling: float = Field(default=400.0, gt=0)
    """With `auto`: intensity variance that no patch may reach, in squared intensity levels."""
    min_variance: float = Field(default=0.2, ge=0)
    """Smallest intensity variance inside cells, in squared intensity levels; below it rounding to 8
    bits is most of it."""
    max_blank: float = Field(default=0.05, ge=0, le=1)
    """Largest fraction of cells with less than a tenth of the patch's variance: plateaus that
    compression left."""
    max_plateau: float = Field(default=0.4, ge=0, le=1)
    """Largest fraction of pixels that equal their right neighbour in all channels: banding and
    plateaus."""
    min_mean: float = Field(default=16.0, ge=0, le=255)
    """Mean intensity that a patch must exceed, in intensity levels."""
    max_mean: float = Field(default=240.0, ge=0, le=255)
    """Largest mean intensity, in intensity levels."""
    max_clipped: float = Field(default=0.002, ge=0, le=1)
    """Largest fraction of pixels with a channel at 0 or 255."""
    max_inconsistency: float = Field(default=4.0, gt=0)
    """Largest spread of the variances of sub-blocks, in units of what white noise gives."""
    max_structure: float = Field(default=6.0, gt=0)
    """Largest variance of the detrended cell means, of luma and of colour, in units of what white
    noise gives; half of it for patches below 64 pixels."""
    max_unlike: float = Field(default=1.6, gt=1)
    """Largest ratio of inconsistency and of structure to those of the calm patches of the same
    image."""
    max_coherence: float = Field(default=0.25, gt=0)
    """Largest coherence of gradient directions: 0 for noise, 1 for stripes."""
    max_periodicity: float = Field(default=24.0, gt=0)
    """Largest power of one spatial frequency over that of its neighbours; noise stays below 20."""
    max_outlier: float = Field(default=1.6, gt=0)
    """Largest deviation of one cell, in colour or in variance; 1 is usual for noise."""
    max_patches: int = Field(default=2048, ge=1)
    """Maximum number of patches in the pool."""
    max_per_image: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Maximum number of patches from one image. `auto`: 64; of large sets fewer, down to 8, as long
    as the pool is filled though three images of four give nothing."""
    min_patches: int = Field(default=1, ge=0)
    """Fewest patches that a pool may have; with fewer the build stops before synthesis. At the
    default of 1 a recipe whose degraders can do without patches goes on without any."""
    max_correlation: float = Field(default=0.5, gt=0, le=1)
    """Two patches whose residuals correlate more than this are near-duplicates; one is dropped. 1
    keeps all."""

    @model_validator(mode="before")
    @classmethod
    def _by_rule(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("rule") == "realsr":
            return REALSR | value
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_mean >= self.max_mean:
            raise ValueError(
                f"min_mean must be below max_mean, got {self.min_mean:g} and {self.max_mean:g}"
            )
        if self.min_patches > self.max_patches:
            raise ValueError(
                f"min_patches must not exceed max_patches, got {self.min_patches} and "
                f"{self.max_patches}"
            )
        return self

    @property
    def quota(self) -> int:
        """Maximum number of patches from one image of a small set."""
        if self.max_per_image == "auto":
            return PER_IMAGE[1]
        return self.max_per_image

    def for_images(self, count: int) -> Self:
        """With `max_per_image` as a number for a set of `count` images; powers of 2, so that it
        seldom changes as sets grow.
        """
        if self.max_per_image != "auto":
            return self
        least, most = PER_IMAGE
        wanted = max(least, min(most, SPARE * self.max_patches // max(1, count)))
        return self.with_(max_per_image=1 << (wanted - 1).bit_length())


class NoiseReason(StrEnum):
    """Why a patch of a real image is not noise."""

    TOO_DARK = "too-dark"
    TOO_BRIGHT = "too-bright"
    CLIPPED = "clipped"
    NO_NOISE = "no-noise"
    VARIANCE = "variance"
    TEXTURE = "texture"
    GRADIENT = "gradient"
    STRIPES = "stripes"
    DETAIL = "detail"
    DUPLICATE = "duplicate"
    QUOTA = "quota"


class NoisePatch(Frozen):
    """One patch: where it lies and what was measured there, before detrending."""

    image: Digest
    """Pixel digest of the real image."""
    top: int = Field(ge=0)
    """First row in the image, in pixels."""
    left: int = Field(ge=0)
    """First column in the image, in pixels."""
    mean: float
    """Grey mean, in intensity levels."""
    variance: float = Field(ge=0)
    """Intensity variance with its shading, in squared intensity levels."""
    noise: float = Field(ge=0)
    """Intensity variance inside 8-pixel cells, in squared intensity levels."""
    clipped: float = Field(ge=0, le=1)
    """Fraction of pixels with a channel at 0 or 255."""
    inconsistency: float = Field(ge=0)
    """Spread of the variances of sub-blocks; 1 for white noise."""
    structure: float = Field(ge=0)
    """Variance of the detrended cell means; 1 for white noise."""
    plateau: float = Field(ge=0, le=1)
    """Fraction of pixels that equal their right neighbour in all channels."""
    coherence: float = Field(ge=0)
    """Coherence of gradient directions: 0 for noise, 1 for stripes."""
    periodicity: float = Field(ge=0)
    """Largest power of one spatial frequency over that of its neighbours."""
    outlier: float = Field(ge=0)
    """Largest deviation of one cell, in colour or in variance; 1 is usual for noise."""


class NoiseSurvey(Frozen):
    """What mining found in one image, before patches of all images compete."""

    image: Digest
    """Pixel digest of the real image."""
    patches: int = Field(ge=0)
    """Grid patches that the image has."""
    rejected: dict[NoiseReason, int]
    """Patches that are not candidates, by the first rule that they break."""
    threshold_needed: float | None
    """Smallest `max_variance` at which a patch would do, in squared intensity levels; none if other
    rules reject all."""
    floor: tuple[tuple[float, float], ...]
    """Noise floor with `auto`: pairs of brightness, in intensity levels, and intensity variance, in
    squared intensity levels."""

    @property
    def candidates(self) -> int:
        """Patches that the image offers to the pool."""
        return self.patches - sum(self.rejected.values())


class NoiseCoverage(Frozen):
    """What one image gave to the noise pool."""

    image: Digest
    """Pixel digest of the real image."""
    patches: int = Field(ge=0)
    """Grid patches that the image has; 0 if it is smaller than a patch."""
    accepted: int = Field(ge=0)
    """Patches that went to the pool."""
    rejected: dict[NoiseReason, int]
    """Patches that did not, by reason."""
    threshold_needed: float | None
    """Smallest `max_variance` at which a patch would do, in squared intensity levels; none if other
    rules reject all."""


class NoisePoolManifest(Frozen):
    """What a sealed noise pool holds."""

    kind: Literal["noise"] = "noise"
    """Kind of pool."""
    digest: Digest
    """Digest of the patches and their records."""
    count: int = Field(ge=0)
    """Number of patches."""
    patch: int
    """Side of a patch, in pixels."""
    max_variance: float = Field(ge=0)
    """The variance threshold, or with `auto` the largest intensity variance in the pool, in squared
    intensity levels."""
    threshold_source: str
    """Where the threshold came from, in a sentence."""
    std: tuple[float, float, float]
    """Root mean square of the residuals of R, G and B, in intensity levels."""
    patches: tuple[NoisePatch, ...]
    """One record per patch, in pool order."""
    coverage: tuple[NoiseCoverage, ...]
    """One record per real image."""
