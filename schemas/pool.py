"""Kernel estimates, judged kernels, and the manifest of a kernel pool."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.kernel import (
    KernelGanConfig,
    KernelQualityConfig,
    KernelReason,
    KernelVerdict,
)


class EstimateConfig(Frozen):
    """How kernels are estimated."""

    seed: int
    """Seed that the streams of all images come from."""
    kernelgan: KernelGanConfig
    """Settings of KernelGAN."""


class KernelEstimate(Frozen):
    """The raw estimates of one image: `raw.npy`, `finished.npy` and `curves.npy` of its unit."""

    image: Digest
    """Pixel digest of the image."""
    refused: KernelReason | None
    """Why the image was not tried; none if it was."""
    restarts: int = Field(ge=0)
    """Number of estimates; 0 if refused."""


class EstimateRef(Frozen):
    """One estimate and the unit that made it."""

    key: Digest
    """Key of the unit."""
    estimate: KernelEstimate
    """What it made."""


class KernelEstimates(Frozen):
    """All estimates, in the order of the image set."""

    estimates: tuple[EstimateRef, ...]
    """One per real image."""


class PoolKernelsConfig(Frozen):
    """Which estimates become kernels of the pool, and for which scale."""

    scale: int
    """Scale of the corpus; x2 kernels are composed for 4 and 8."""
    quality: KernelQualityConfig
    """Thresholds."""


class JudgedKernel(Frozen):
    """The verdict on one image; an accepted kernel is `kernel.npy` of the unit."""

    image: Digest
    """Pixel digest of the image."""
    verdict: KernelVerdict
    """Accepted or not, and why."""


class KernelPoolManifest(Frozen):
    """What a sealed kernel pool holds, and what was not let in."""

    kind: Literal["kernels"] = "kernels"
    """Kind of pool."""
    digest: Digest
    """Digest of the kernels; programs name the pool by it."""
    count: int = Field(ge=1)
    """Number of kernels."""
    side: int
    """Side of a kernel, in HR pixels."""
    scale: int
    """Scale that the kernels are for."""
    kernels: tuple[Digest, ...]
    """Pixel digest of the image that each kernel comes from, in pool order."""
    judged: tuple[JudgedKernel, ...]
    """Verdicts on all images, in the order of the image set."""
    estimates: dict[Digest, Digest]
    """For each image the unit that holds its raw estimates."""
