"""Kernel estimation: settings, quality thresholds, diagnostics and verdicts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from pairmill.schemas.base import Frozen, Grown
from pairmill.schemas.dip import DipConfig
from pairmill.schemas.fkp import FkpFitConfig


class KernelsBase(Grown):
    """What all methods have in common."""

    added: ClassVar[tuple[str, ...]] = ("from_pairs",)
    from_pairs: bool = False
    """Whether the kernels of the real pairs of `images.aligned`, by least squares, join the
    pool."""


class SpectralKernelsConfig(KernelsBase):
    """How kernels are estimated from power spectra, each photograph by itself."""

    method: Literal["spectral"] = "spectral"
    """Which method."""
    min_side: int = Field(default=64, ge=64)
    """Smallest side of an image, in pixels."""
    min_contrast: float = Field(default=2.0, ge=0)
    """Smallest standard deviation of intensity of an image, in intensity levels; below it there is
    nothing to see a blur by."""


class CameraKernelsConfig(SpectralKernelsConfig):
    """How kernels are estimated from power spectra, all photographs of a camera together, and each
    as far as its own spectrum insists.
    """

    added: ClassVar[tuple[str, ...]] = ("from_pairs", "field", "channels")
    method: Literal["camera"] = "camera"  # type: ignore[assignment]
    """Which method."""
    field: bool = False
    """Whether each photograph gives nine kernels, one for each cell of a 3 x 3 grid, so that soft
    corners are soft; photographs must not be cropped."""
    channels: bool = False
    """Whether kernels have a plane for each of R, G and B, as wide as each channel is blurred; told
    from photographs whose chroma is not subsampled."""


class KernelGanConfig(KernelsBase):
    """How x2 kernels are estimated from one image (KernelGAN, Bell-Kligler et al. 2019)."""

    method: Literal["kernelgan"] = "kernelgan"
    """Which method."""
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


class FkpKernelsBase(KernelsBase):
    """What both methods with a flow prior have in common: kernels are Gaussian-like, 11 x 11 at
    scale 2 (FKP, Liang et al., CVPR 2021).
    """

    restarts: int = Field(default=2, ge=1, le=16)
    """Independent estimates per image; those that agree vouch for one another."""
    flow: FkpFitConfig = FkpFitConfig()
    """How the flow is fitted, once for all images."""
    min_side: int = Field(default=64, ge=64)
    """Smallest side of an image, in pixels."""
    min_contrast: float = Field(default=2.0, ge=0)
    """Smallest standard deviation of intensity of an image, in intensity levels."""


class KernelGanFkpConfig(FkpKernelsBase):
    """How x2 kernels are estimated by KernelGAN with a flow as its generator (KernelGAN-FKP)."""

    method: Literal["kernelgan_fkp"] = "kernelgan_fkp"
    """Which method."""
    iterations: int = Field(default=300, ge=10, le=20000)
    """Iterations of a restart, each with some steps of both sides."""
    steps: int = Field(default=3, ge=1, le=100)
    """Steps of the critic, then of the kernel, on the crops of an iteration (published)."""
    learning_rate: float = Field(default=5e-4, gt=0, le=0.1)
    """Step size of the critic (published)."""
    kernel_rate: float = Field(default=0.1, gt=0, le=10)
    """Step size of the code that the flow turns into a kernel; at 0.5, the one of DIP-FKP, the
    kernel never settles."""
    penalty: float = Field(default=0.1, ge=0)
    """Weight of the squared deviation of the critic's slope from 1 (published)."""
    noise: float = Field(default=1.0, ge=0, le=20)
    """Standard deviation of the noise that the critic sees, in intensity levels; hides the real
    8-bit grid."""
    window: int = Field(default=1536, ge=64)
    """Side of the centred window of an image that crops are taken from, in pixels."""


class DipFkpConfig(FkpKernelsBase):
    """How x2 kernels are estimated along with the HR image, by a deep image prior and a flow
    (DIP-FKP).
    """

    method: Literal["dip_fkp"] = "dip_fkp"
    """Which method."""
    window: int = Field(default=64, ge=32, le=1024)
    """Side of the centred window of an image that is upscaled, in pixels; time grows with its
    square."""
    dip: DipConfig = DipConfig()
    """How the network is fitted."""


def _method_of(value: Any) -> str:
    """Recipes of before `method` gave settings of KernelGAN alone."""
    if not isinstance(value, dict):
        return str(getattr(value, "method", "camera"))
    others = set(KernelGanConfig.model_fields) - set(CameraKernelsConfig.model_fields)
    return str(value.get("method", "kernelgan" if others & set(value) else "camera"))


KernelsConfig = Annotated[
    Annotated[CameraKernelsConfig, Tag("camera")]
    | Annotated[SpectralKernelsConfig, Tag("spectral")]
    | Annotated[KernelGanConfig, Tag("kernelgan")]
    | Annotated[KernelGanFkpConfig, Tag("kernelgan_fkp")]
    | Annotated[DipFkpConfig, Tag("dip_fkp")],
    Discriminator(
        _method_of,
        custom_error_type="no_such_method",
        custom_error_message="there is no such method; allowed: camera, spectral, kernelgan, "
        "kernelgan_fkp, dip_fkp",
    ),
]
"""How kernels are estimated, by `method`."""


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
    max_negative: float = Field(default=0.4, ge=0, le=1)
    """Largest share of negative values in a kernel's absolute mass: cameras sharpen, and so do
    their kernels, but none so much more than others."""
    max_raw_negative: float = Field(default=0.15, ge=0, le=1)
    """The same of a raw kernel of KernelGAN, whose negative values are cut off."""
    max_error: float = Field(default=0.5, gt=0)
    """Largest expected error |k - truth| / |truth| of a kernel from spectra; a constant kernel has
    about 0.4."""
    min_detail: float = Field(default=0.12, ge=0, le=0.5)
    """Lowest frequency, in cycles per pixel of the photograph, at which its blur may leave a tenth
    of the contrast; below it, the photograph is an enlargement."""
    min_support: float = Field(default=1.0, ge=0)
    """Smallest effective support 1 / sum of squares, in HR pixels; a x2 camera that sharp aliases
    heavily. A kernel that sharpens has less than one that does not."""
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
    UNCERTAIN = "uncertain"
    ENLARGED = "enlarged"


class KernelDiagnostics(Frozen):
    """What was measured on one kernel; lengths are in HR pixels of scale 2."""

    sum: float = 1.0
    """Sum of the raw kernel; 1 is perfect."""
    offset: float = Field(default=0.0, ge=0)
    """Distance of the raw kernel's centre of mass from the centre, in HR pixels."""
    residual_offset: float = Field(default=0.0, ge=0)
    """The same after recentring, in HR pixels."""
    border: float = Field(ge=0, le=1)
    """Share of absolute mass in the outermost ring of the kernel, as estimated."""
    negative: float = Field(ge=0, le=1)
    """Share of negative values in the kernel's absolute mass, as estimated."""
    support: float = Field(ge=0)
    """Effective support 1 / sum of squares of the kernel, in HR pixels."""
    width: float = Field(ge=0)
    """Root mean square distance from the centre per axis of the kernel, in HR pixels; of a kernel
    from spectra, the standard deviation of the Gaussian whose transfer falls to a half where the
    kernel's does."""
    disagreement: float | None = Field(default=None, ge=0)
    """Relative distance to the farthest restart that agrees, or to the nearest if none does; 0 for
    a single restart, none without restarts."""
    agreeing: int | None = Field(default=None, ge=0)
    """Restarts that agree, this one included; none without restarts."""
    shift: float = Field(default=0.0, ge=0)
    """Shift between HR and the upscaled LR of a pair made with the kernel, in HR pixels."""
    stretch: float | None = Field(default=None, gt=0)
    """Width after matching the photo's spectrum over width before; none if the kernel was not
    matched."""
    mismatch: float | None = Field(default=None, ge=0)
    """Root mean square difference, in dB, between the spectra of photo and trial LR, or, where
    kernels come from spectra, between the photo's and what its blur makes likely; none in older
    pools."""
    error: float | None = Field(default=None, ge=0)
    """Expected |k - truth| / |truth|; none where the method does not tell."""
    width_error: float | None = Field(default=None, ge=0)
    """Standard deviation of the width, in HR pixels; none where the method does not tell."""
    mtf50: float | None = Field(default=None, ge=0)
    """Frequency at which the blur leaves half of the contrast, in cycles per pixel of the
    photograph; none where the method does not tell."""
    detail: float | None = Field(default=None, ge=0)
    """The same for a tenth."""
    overshoot: float | None = Field(default=None, ge=0)
    """By how much the camera raises contrast where it raises it most; 0 if it does not sharpen."""


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
