"""Kernel estimation: settings, quality thresholds, diagnostics and verdicts."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Frozen


class KernelGanConfig(Frozen):
    """How x2 kernels are estimated from one image (KernelGAN, Bell-Kligler et al. 2019)."""

    iterations: int = Field(default=1500, ge=10, le=20000)
    """Training iterations of a restart; all schedules below are fractions of it."""
    restarts: int = Field(default=2, ge=1, le=16)
    """Independent estimates per image; those that agree vouch for one another."""
    crop: int = Field(default=64, ge=40, le=128, multiple_of=2)
    """Side of the generator's crops, in pixels of the image; the discriminator's crops follow from
    it (64 -> 26)."""
    window: int = Field(default=1536, ge=64)
    """Side of the centred window of an image that crops are taken from, in pixels; bounds time and
    memory."""
    learning_rate: float = Field(default=2e-4, gt=0, le=0.1)
    """Initial step size of Adam, for both networks."""
    decay_at: tuple[float, ...] = (0.5,)
    """When the step size is divided by 10, as fractions of the iterations, ascending."""
    bicubic_weights: tuple[float, ...] = Field(default=(5.0, 5e-2), min_length=1)
    """Successive weights of the loss that keeps the output near bicubic."""
    bicubic_until: tuple[float, ...] = (2 / 15,)
    """When the next weight takes over, as fractions of the iterations, ascending; one fewer than
    the weights."""
    sparse_after: float = Field(default=4 / 15, ge=0, le=1)
    """When the centre and sparsity losses start, as a fraction of the iterations."""
    sum_weight: float = Field(default=2.0, ge=0)
    """Weight of |1 - sum of the kernel|; at the published 0.5, one estimate in ten collapses to
    zero."""
    boundary_weight: float = Field(default=0.5, ge=0)
    """Weight of the mean of |kernel x mask|; the mask grows towards the border."""
    centre_weight: float = Field(default=1.0, ge=0)
    """Weight of the squared distance of the centre of mass from the centre, per squared pixel."""
    sparse_weight: float = Field(default=1.0, ge=0)
    """Weight of the mean of |kernel| ** 0.2; at the published 5, restarts agree less and errors are
    larger."""
    noise: float = Field(default=1.0, ge=0, le=20)
    """Standard deviation of the noise that the discriminator sees, in intensity levels; hides the
    real 8-bit grid."""
    average_after: float = Field(default=4 / 15, ge=0, lt=1)
    """The kernel is the mean over the iterations after this fraction: training circles the
    solution."""
    threshold: float = Field(default=0.75, ge=0, lt=1)
    """Noise floor removed from a kernel, as a fraction of its `keep + 1`-th largest value."""
    keep: int = Field(default=40, ge=1, le=168)
    """Rank that defines the noise floor."""
    min_side: int = Field(default=64, ge=64)
    """Smallest side of an image, in pixels."""
    min_contrast: float = Field(default=2.0, ge=0)
    """Smallest standard deviation of intensity of an image, in intensity levels; below it there is
    nothing to learn from."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.bicubic_until) != len(self.bicubic_weights) - 1:
            got = f"{len(self.bicubic_until)} and {len(self.bicubic_weights)}"
            raise ValueError(f"bicubic_until needs one entry fewer than bicubic_weights, got {got}")
        for name in ("bicubic_until", "decay_at"):
            times = getattr(self, name)
            if list(times) != sorted(times) or not all(0 <= time <= 1 for time in times):
                raise ValueError(f"{name} must be ascending fractions in [0, 1], got {list(times)}")
        return self


class KernelQualityConfig(Frozen):
    """When a kernel estimate is good enough for the pool, and what is fixed before."""

    match_spectrum: bool = True
    """Whether kernels are stretched until the LR that they make is as sharp as the photo, by
    their power spectra."""
    max_mismatch: float = Field(default=6.0, gt=0)
    """Largest root mean square difference between the spectra of photo and trial LR, in dB;
    1.5 to 4 is usual."""

    max_sum_error: float = Field(default=0.1, gt=0)
    """Largest |1 - sum| of the raw kernel; a generator that did not settle changes brightness."""
    max_offset: float = Field(default=2.0, gt=0)
    """Largest distance of the raw kernel's centre of mass from the centre, in HR pixels; more is
    not recentred."""
    max_residual_offset: float = Field(default=0.25, gt=0)
    """The same after recentring, in HR pixels."""
    max_border: float = Field(default=0.05, ge=0, le=1)
    """Largest share of the raw kernel's absolute mass in its outermost ring of one pixel."""
    max_negative: float = Field(default=0.15, ge=0, le=1)
    """Largest share of negative values in the raw kernel's absolute mass."""
    min_support: float = Field(default=1.5, ge=1)
    """Smallest effective support 1 / sum of squares, in HR pixels; a x2 camera that sharp aliases
    heavily."""
    max_support: float = Field(default=90.0, gt=1)
    """Largest effective support, in HR pixels; more does not fit into the estimated 13 x 13."""
    max_disagreement: float = Field(default=0.45, gt=0)
    """Largest distance |a - b| / max(|a|, |b|) between two restarts that agree; 0.25 is usual, 1.4
    is unrelated."""
    min_agreeing: int = Field(default=2, ge=1)
    """Fewest restarts that must agree; no more than there are restarts are asked for."""
    max_shift: float = Field(default=0.1, gt=0)
    """Largest shift between HR and the upscaled LR of a pair made with the kernel, in HR pixels."""


class KernelReason(StrEnum):
    """Why an image gives no kernel."""

    TOO_SMALL = "too-small"
    TOO_FLAT = "too-flat"
    NOT_FINITE = "not-finite"
    SUM = "sum"
    OFF_CENTRE = "off-centre"
    BORDER = "border"
    NEGATIVE = "negative"
    TOO_SHARP = "too-sharp"
    TOO_WIDE = "too-wide"
    DISAGREEMENT = "disagreement"
    MISALIGNED = "misaligned"
    MISMATCH = "mismatch"


class KernelDiagnostics(Frozen):
    """What was measured on one estimate."""

    sum: float
    """Sum of the raw kernel; 1 is perfect."""
    offset: float = Field(ge=0)
    """Distance of the raw kernel's centre of mass from the centre, in HR pixels."""
    residual_offset: float = Field(ge=0)
    """The same after recentring, in HR pixels."""
    border: float = Field(ge=0, le=1)
    """Share of absolute mass in the raw kernel's outermost ring."""
    negative: float = Field(ge=0, le=1)
    """Share of negative values in the raw kernel's absolute mass."""
    support: float = Field(ge=0)
    """Effective support 1 / sum of squares of the kernel, in HR pixels."""
    width: float = Field(ge=0)
    """Root mean square distance from the centre per axis of the kernel, in HR pixels."""
    disagreement: float = Field(ge=0)
    """Relative distance to the farthest restart that agrees, or to the nearest if none does; 0 for
    a single restart."""
    agreeing: int = Field(ge=0)
    """Restarts that agree, this one included."""
    shift: float = Field(ge=0)
    """Shift between HR and the upscaled LR of a pair made with the kernel, in HR pixels."""
    stretch: float | None = Field(default=None, gt=0)
    """Width after matching the photo's spectrum over width before; none if the kernel was not
    matched."""
    mismatch: float | None = Field(default=None, ge=0)
    """Root mean square difference between the spectra of photo and trial LR, in dB; none in
    older pools."""


class KernelVerdict(Frozen):
    """What became of one image's estimates."""

    accepted: bool
    """Whether the image gives a kernel to the pool."""
    reason: KernelReason | None
    """Why not; none if accepted."""
    detail: str
    """One sentence: what was measured and what was wanted."""
    restart: int | None = Field(ge=0)
    """Number of the restart in the middle of those that agree, counted from 0; none if no restart
    is usable."""
    diagnostics: KernelDiagnostics | None
    """Measurements of that restart and of the kernel; none if there is no usable restart."""
