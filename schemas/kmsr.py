"""Generated kernels: how they are made, the gates, and the manifest of their pool."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.kernel import KernelQualityConfig


class KmsrFitConfig(Frozen):
    """How the generator is fitted to the kernel pool: WGAN with gradient penalty (Gulrajani et al.
    2017).
    """

    iterations: int = Field(default=1000, ge=1, le=1_000_000)
    """Steps of the generator."""
    critic_steps: int = Field(default=3, ge=1, le=100)
    """Steps of the critic per step of the generator."""
    batch: int = Field(default=32, ge=2, le=4096)
    """Kernels per step, drawn from the pool in all flips and quarter turns."""
    width: int = Field(default=8, ge=1, le=1024)
    """Channels of both networks at half the side of a kernel; twice as many at a quarter."""
    learning_rate: float = Field(default=2e-3, gt=0, le=0.1)
    """Step size of Adam, for both networks."""
    penalty: float = Field(default=10.0, ge=0)
    """Weight of the squared deviation of the critic's slope from 1."""
    average: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the EMA of the generator's weights, which is what draws kernels."""


class KmsrConfig(Frozen):
    """How new kernels are made from the kernel pool (KMSR, Zhou and Süsstrunk, ICCV 2019), and
    which are let in.
    """

    method: Literal["wgan", "mixture"] = "wgan"
    """`wgan` fits a generator; `mixture` mixes rotated and flipped kernels of the pool, which works
    with a single one but makes kernels rounder and more alike."""
    count: int = Field(default=1000, ge=1, le=100_000)
    """Kernels wanted."""
    min_kernels: int = Field(default=4, ge=1)
    """Fewest kernels of the pool that a generator is fitted to."""
    fit: KmsrFitConfig = KmsrFitConfig()
    """How the generator is fitted; `mixture` needs no fit."""
    parts: int = Field(default=3, ge=2, le=16)
    """Kernels in a mixture."""
    min_distance: float = Field(default=0.02, ge=0)
    """Smallest distance |a - b| / max(|a|, |b|) of a new kernel from those of the pool, flipped and
    rotated, and from the new ones before it; nearer ones are copies."""
    min_diversity: float = Field(default=0.5, ge=0)
    """Smallest mean distance between two new kernels, relative to that between two of the pool,
    flipped and rotated; below it the generator has collapsed."""
    max_rejected: float = Field(default=0.5, ge=0, le=1)
    """Largest share of drawn kernels that may be rejected; above it the generator has learned
    nothing."""


class GenerateConfig(Frozen):
    """Everything that determines a pool of generated kernels, given the kernel pool."""

    seed: int
    """Seed of weights and draws."""
    kmsr: KmsrConfig
    """How kernels are made."""
    quality: KernelQualityConfig
    """Thresholds: those of the kernel pool, as far as they need no image."""


class CopyReason(StrEnum):
    """Why a good kernel is not let in."""

    COPY = "copy-of-the-pool"
    REPEAT = "repeated"


class KernelSpread(Frozen):
    """How kernels of a set differ."""

    width: float = Field(ge=0)
    """Mean root mean square distance from the centre per axis, in HR pixels."""
    width_std: float = Field(ge=0)
    """Standard deviation of it, in HR pixels."""
    anisotropy: float = Field(ge=1)
    """Mean ratio of the largest to the least standard deviation over all directions."""
    distance: float = Field(ge=0)
    """Mean distance |a - b| / max(|a|, |b|) between two of them."""


class GeneratedKernels(Frozen):
    """What one unit made: `kernels.npy`, and `curves.npy` of the fit."""

    count: int = Field(ge=0)
    """Kernels that were let in."""
    drawn: int = Field(ge=1)
    """Kernels that were drawn."""
    rejected: dict[str, int]
    """Kernels that were not let in, by reason."""
    pool: KernelSpread
    """The kernel pool, flipped and rotated."""
    generated: KernelSpread | None
    """The new kernels; none if there are fewer than two."""

    @property
    def share_rejected(self) -> float:
        """Share of the drawn kernels that the rules of quality reject; copies are good kernels."""
        copies = sum(self.rejected.get(reason, 0) for reason in CopyReason)
        return (sum(self.rejected.values()) - copies) / self.drawn

    @property
    def diversity(self) -> float:
        """Mean distance between two new kernels relative to that between two of the pool; 1 if all
        of the pool are equal.
        """
        if self.generated is None:
            return 0.0
        if self.pool.distance:
            return self.generated.distance / self.pool.distance
        return 1.0


class GeneratedPoolManifest(Frozen):
    """What a sealed pool of generated kernels holds, and what was not let in."""

    kind: Literal["generated_kernels"] = "generated_kernels"
    """Kind of pool."""
    digest: Digest
    """Digest of the kernels; programs name the pool by it."""
    count: int = Field(ge=1)
    """Number of kernels."""
    side: int
    """Side of a kernel, in HR pixels."""
    scale: int
    """Scale that the kernels are for."""
    source: Digest
    """Digest of the kernel pool that they imitate."""
    method: Literal["wgan", "mixture"]
    """How they were made."""
    made: GeneratedKernels
    """What was drawn and let in."""
