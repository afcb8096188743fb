"""Generated kernels: settings of the fit and the gates, and the manifest of their pool."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Frozen


class KmsrFitConfig(Frozen):
    """How the generator is fitted to the kernel pool: WGAN with gradient penalty (Gulrajani et al. 2017)."""

    iterations: int = Field(default=1500, ge=1, le=1_000_000)
    """Steps of the generator."""
    critic_steps: int = Field(default=5, ge=1, le=100)
    """Steps of the critic per step of the generator."""
    batch: int = Field(default=64, ge=2, le=4096)
    """Kernels per step, drawn from the pool in all flips and quarter turns."""
    width: int = Field(default=16, ge=1, le=1024)
    """Channels of both networks at half the side of a kernel; twice as many at a quarter."""
    learning_rate: float = Field(default=5e-4, gt=0, le=0.1)
    """Step size of Adam, for both networks."""
    penalty: float = Field(default=10.0, ge=0)
    """Weight of the squared deviation of the critic's slope from 1."""
    average: float = Field(default=0.99, ge=0, lt=1)
    """Memory of the running mean of the generator's weights, which is what draws kernels."""
