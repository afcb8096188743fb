"""Noise mining: settings, patch records, and coverage per image."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.base import Digest, Frozen


class NoiseConfig(Frozen):
    """How noise patches are mined (RealSR, Ji et al. 2020: keep patches of low grey variance)."""

    patch: int = Field(default=64, ge=16, le=512, multiple_of=8)
    """Side of a patch, in pixels of the real image; a multiple of 8 keeps JPEG blocks in phase."""
    max_variance: float | Literal["auto"] = "auto"
    """Largest grey variance of a patch, in squared grey levels; RealSR uses 20. `auto` derives it per image set."""
    min_variance: float = Field(default=0.05, ge=0)
    """Smallest grey variance, in squared grey levels; below it a patch is flat but carries no noise."""
    min_mean: float = Field(default=16.0, ge=0, le=255)
    """Smallest grey mean, in grey levels."""
    max_mean: float = Field(default=240.0, ge=0, le=255)
    """Largest grey mean, in grey levels."""
    max_clipped: float = Field(default=0.002, ge=0, le=1)
    """Largest fraction of samples at 0 or 255."""
    max_inconsistency: float = Field(default=3.0, gt=1)
    """Largest ratio between the grey variances of the most and the least noisy quarter of sub-blocks."""
    max_structure: float = Field(default=1.6, gt=1)
    """Largest ratio between the variance of the sub-block means and what white noise of this strength would give."""
    max_patches: int = Field(default=2048, ge=1)
    """Most patches in the pool."""
    max_per_image: int = Field(default=128, ge=1)
    """Most patches from one image."""
    min_patches: int = Field(default=1, ge=1)
    """Fewest patches that a pool may have; with fewer the build stops before synthesis."""
    max_correlation: float = Field(default=0.5, gt=0, le=1)
    """Two patches whose residuals correlate more than this are near-duplicates; one is dropped."""


class NoiseReason(StrEnum):
    """Why a patch of a real image is not noise."""

    TOO_DARK = "too-dark"
    TOO_BRIGHT = "too-bright"
    CLIPPED = "clipped"
    NO_NOISE = "no-noise"
    VARIANCE = "variance"
    TEXTURE = "texture"
    GRADIENT = "gradient"
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
    """Grey mean, in grey levels."""
    variance: float = Field(ge=0)
    """Grey variance, in squared grey levels."""
    clipped: float = Field(ge=0, le=1)
    """Fraction of samples at 0 or 255."""
    inconsistency: float = Field(ge=0)
    """Ratio of sub-block variances, noisiest quarter to calmest quarter."""
    structure: float = Field(ge=0)
    """Variance of sub-block means over what white noise would give."""


class NoiseCoverage(Frozen):
    """What one image gave to the noise pool."""

    image: Digest
    """Pixel digest of the real image."""
    patches: int = Field(ge=0)
    """Grid patches that the image has."""
    accepted: int = Field(ge=0)
    """Patches that went to the pool."""
    rejected: dict[NoiseReason, int]
    """Patches that did not, by reason."""
    threshold_needed: float | None
    """Smallest `max_variance` at which this image would give a patch, in squared grey levels; none if no patch would do."""


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
    """The variance threshold that was used, in squared grey levels."""
    threshold_source: str
    """Where the threshold came from, in a sentence."""
    std: tuple[float, float, float]
    """Root mean square of the residuals of R, G and B, in grey levels."""
    patches: tuple[NoisePatch, ...]
    """One record per patch, in pool order."""
    coverage: tuple[NoiseCoverage, ...]
    """One record per real image."""
