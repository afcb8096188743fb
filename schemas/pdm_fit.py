"""What a fit of PDM leaves: measures, the verdict of its gates, the sealed checkpoint."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pairmill.schemas.base import Digest, Frozen, Grown
from pairmill.schemas.learned import FitRef, FitVerdict, UnpairedMeasures
from pairmill.schemas.pdm import PdmConfig


class PdmReason(StrEnum):
    """Why a fit is not drawn from."""

    KERNELS_ALIKE = "kernels-alike"
    NOISE_COLLAPSED = "noise-collapsed"
    NOISE_TOO_STRONG = "noise-too-strong"
    NOISE_NOT_ZERO_MEAN = "noise-not-zero-mean"
    CRITIC_WON = "discriminator-won"
    TOLD_APART = "told-apart"
    NOT_MEASURED = "not-measured"
    NOT_FINITE = "not-finite"


class PdmMeasures(Grown, UnpairedMeasures):
    """What a fit draws, in numbers."""

    added: ClassVar[tuple[str, ...]] = ("measured_diversity",)
    diversity: float
    """Mean distance of kernels from their mean, relative to it (L2)."""
    measured_diversity: float | None = None
    """The same of the measured kernels that the fit started from; none where it started from
    nothing."""
    offset: float
    """Largest distance of a kernel's centre of mass from where it must be, on either axis, in HR
    pixels."""
    real_floor: float
    """Residual of quiet places of real patches, in intensity levels."""
    fake_floor: float
    """The same of fake patches."""
    noise_ratio: float
    """The second over the first, both at least a quarter of an intensity level."""
    noise_deviation: float
    """Standard deviation of the drawn noise, in intensity levels."""
    noise_mean: float
    """Largest mean of the noise of a patch, either way, in intensity levels."""
    noise_curve: tuple[tuple[float, float], ...]
    """(intensity, standard deviation of noise), in intensity levels."""
    accuracy: float | None
    """Share of patches that the discriminator classified correctly over the last tenth of the
    fit, or, where it began measured, of what led to the check that is sealed; none where that is
    what was measured."""


class PdmFitConfig(Frozen):
    """All that determines a fit, but the images."""

    seed: int
    """Seed that all streams come from."""
    scale: int
    """HR side over LR side."""
    pdm: PdmConfig
    """Settings; the gates are those of the default, since they judge a fit and do not change it."""


class PdmFitted(Grown):
    """A finished fit: `checkpoint.safetensors`, `curves.npy`, `kernels.npy`, `grid-*.png` and
    `state.safetensors` of its unit.
    """

    added: ClassVar[tuple[str, ...]] = ("codec",)
    digest: Digest
    """SHA-256 of the checkpoint."""
    scale: int
    """HR side over LR side."""
    size: int
    """Side of a kernel, in HR pixels."""
    noisy: bool
    """Whether it has a noise module."""
    samples: int
    """LR crops seen."""
    codec: bool = False
    """Whether its LR went through the codecs of the real images."""
    measures: PdmMeasures | None
    """What it draws; none if it left the finite numbers."""


class PdmFitRef(FitRef[PdmFitted]):
    """A fit and the unit that made it."""


class PdmVerdict(FitVerdict[PdmReason, PdmMeasures]):
    """Whether a fit may be drawn from."""


class PdmManifest(Grown):
    """A sealed checkpoint and its verdict."""

    added: ClassVar[tuple[str, ...]] = ("codec",)
    kind: Literal["pdm"] = "pdm"
    """Kind of pool."""
    digest: Digest
    """Digest of the checkpoint as a pool of one; programs name it by this."""
    sha256: Digest
    """SHA-256 of the file."""
    scale: int
    """HR side over LR side."""
    side: int
    """Side of a kernel, in HR pixels."""
    verdict: PdmVerdict
    """Whether it may be drawn from."""
    codec: bool = False
    """Whether its LR is to be compressed last, as in the fit."""
    unit: Digest
    """The unit that holds curves and images of the fit."""
