"""The flow prior over kernels: how it is fitted, and the checkpoint that is sealed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen

FlowScale = Literal[2, 3, 4, 8]
"""Scales that a flow can be fitted for."""


class FkpFitConfig(Frozen):
    """How a normalising flow is fitted to random Gaussian kernels (FKP, Liang et al., CVPR 2021).

    Published: 50,000 steps of 100 kernels at 1e-4.
    """

    iterations: int = Field(default=6000, ge=1, le=1_000_000)
    """Steps of Adam."""
    batch: int = Field(default=100, ge=2, le=100_000)
    """Random kernels of a step."""
    learning_rate: float = Field(default=2e-3, gt=0, le=0.1)
    """Initial step size, halved six times, from 40 % of the steps on."""
    couplings: int = Field(default=5, ge=1, le=64)
    """Affine couplings, each followed by a batch normalisation."""
    hidden: int | None = Field(default=None, ge=1, le=4096)
    """Width of the networks of a coupling; none is the published min(5 (scale + 1), 25)."""


class FlowConfig(Frozen):
    """All that determines a fitted flow."""

    seed: int = 0
    """Seed of weights and kernels; the same for all recipes, so that a flow is fitted once."""
    scale: FlowScale
    """Scale that its kernels are for."""
    fit: FkpFitConfig = FkpFitConfig()
    """How it is fitted."""


class FlowCheckpoint(Frozen):
    """What the header of a flow's safetensors file says."""

    kind: Literal["fkp"] = "fkp"
    """What it is."""
    scale: FlowScale
    """Scale that its kernels are for."""
    couplings: int
    """See `FkpFitConfig.couplings`."""
    hidden: int
    """Width of the networks of a coupling."""


class FittedFlow(Frozen):
    """A fitted flow: `checkpoint.safetensors` of its unit."""

    sha256: Digest
    """Of the checkpoint."""
    likelihood: float
    """Mean log-likelihood of the last tenth of the steps, in nats per cell of the logit kernel."""


class FlowRef(Frozen):
    """A sealed flow."""

    key: Digest
    """Key of the unit that made it."""
    sha256: Digest
    """Of its checkpoint."""
    scale: FlowScale
    """Scale that its kernels are for."""
