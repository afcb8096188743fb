"""Kernel estimates, judged kernels, and the manifest of a kernel pool."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Grown
from pairmill.schemas.fkp import FlowRef
from pairmill.schemas.kernel import (
    DipFkpConfig,
    KernelGanConfig,
    KernelGanFkpConfig,
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


class FkpConfig(Frozen):
    """How kernels are estimated with a flow."""

    seed: int
    """Seed that the streams of all images come from."""
    settings: KernelGanFkpConfig | DipFkpConfig = Field(discriminator="method")
    """Settings of the method."""
    flow: FlowRef
    """The flow."""


class EstimateRef(Grown):
    """One estimate and the unit that made it."""

    added: ClassVar[tuple[str, ...]] = ("stage",)
    stage: str = "estimate_kernels"
    """Name of the stage of the unit."""
    key: Digest
    """Key of the unit."""
    estimate: KernelEstimate
    """What it made."""


class KernelEstimates(Frozen):
    """All estimates, in the order of the image set."""

    estimates: tuple[EstimateRef, ...]
    """One per real image."""


class MeasureConfig(Grown):
    """Which photographs are measured."""

    added: ClassVar[tuple[str, ...]] = ("field", "channels")
    min_side: int
    """Smallest side, in pixels."""
    min_contrast: float
    """Smallest standard deviation of intensity, in intensity levels."""
    field: bool = False
    """Whether the cells of their fields are measured too."""
    channels: bool = False
    """Whether their channels are."""


class PhotographMeasure(Grown):
    """One photograph: `spectrum.npy` of its unit, (planes, n, n // 2 + 1), its power, what JPEG
    changed and, where white noise is seen through JPEG's steps, the floors; and `blocks.npz`, the
    noise of its blocks.
    """

    added: ClassVar[tuple[str, ...]] = ("cells", "channels", "noise_error")

    image: Digest
    """Pixel digest of the photograph."""
    refused: KernelReason | None
    """Why it was not measured; none if it was."""
    noise: float = Field(default=0.0, ge=0)
    """Variance of the noise in its flattest parts, in squared intensity levels: before
    JPEG, where it is seen through its steps."""
    noise_error: float = Field(default=0.0, ge=0)
    """Standard deviation of its logarithm, and of that of `channels`, where they are of before
    JPEG; 0 elsewhere."""
    enlarged: float = Field(default=1.0, ge=1)
    """How many times it was enlarged, as far as that shows; 1 if it was not."""
    cells: int = 0
    """Cells of its field that were measured: `cells.npy` of its unit, (cells, planes, n,
    n // 2 + 1)."""
    channels: tuple[float, ...] = ()
    """Variances of the noise in R, G and B, if they were measured: `channels.npy` of its unit,
    (3, planes, n, n // 2 + 1)."""


class MeasureRef(Frozen):
    """One measured photograph and the unit that holds its spectrum."""

    key: Digest
    """Key of the unit."""
    measure: PhotographMeasure
    """What was measured."""


class MeasuredPhotographs(Frozen):
    """All photographs, in the order of the image set."""

    photographs: tuple[MeasureRef, ...]
    """One per real image."""


class ClusterConfig(Frozen):
    """How photographs are told apart by their spectra."""

    min_photographs: int = Field(ge=1)
    """Fewest photographs of a cluster."""


class PhotographWidth(Frozen):
    """What one photograph by itself says of its blur."""

    image: Digest
    """Its pixel digest."""
    width: float
    """Logarithm of the width of its blur, in HR pixels of scale 2."""
    variance: float = Field(ge=0)
    """How unsure that is."""


class ClusteredPhotographs(Frozen):
    """Which photographs share a camera, by their blurs."""

    labels: dict[Digest, int]
    """Cluster of each photograph; empty if nothing tells them apart."""


class SceneConfig(Frozen):
    """How clean HR is described."""

    scale: int
    """Scale of the corpus."""


class SceneRef(Frozen):
    """One clean picture and the unit that holds its description, `scene.npy`."""

    key: Digest
    """Key of the unit."""
    image: Digest
    """Pixel digest of the picture."""
    used: bool
    """Whether it is large enough to be described."""


class DescribedScenes(Frozen):
    """All clean pictures, in the order of the image set."""

    scenes: tuple[SceneRef, ...]
    """One per clean image."""


class CameraConfig(Grown):
    """What cameras are estimated for."""

    added: ClassVar[tuple[str, ...]] = ("field", "channels")
    scale: int
    """Scale of the corpus."""
    field: bool = False
    """Whether it is estimated how the blur varies over the field."""
    channels: bool = False
    """Whether it is estimated how it varies from channel to channel."""


class PhotographEstimate(Frozen):
    """The blur of one photograph."""

    image: Digest
    """Pixel digest of the photograph."""
    values: tuple[float, ...]
    """Parameters of its blur: see `pairmill.models.camera.forms`."""
    noise: float = Field(ge=0)
    """Variance of its noise, in squared intensity levels."""
    error: float = Field(ge=0)
    """Expected |k - truth| / |truth| of its kernel."""
    width_error: float = Field(ge=0)
    """Standard deviation of its width, in HR pixels of scale 2."""
    misfit: float = Field(ge=0)
    """Root mean square difference of its spectrum from what its blur, scenes and noise make
    likely, in dB."""


class VariationEstimate(Frozen):
    """How much wider a blur is in each part of the photographs than on all of them."""

    stretches: tuple[float, ...]
    """Logarithms of the width in each part over that on all of a photograph: of cells of the field
    row by row, or of R, G and B, over luma's."""
    deviations: tuple[float, ...]
    """Their standard deviations."""
    photographs: int = Field(ge=1)
    """How many told it."""


class CameraEstimate(Grown):
    """The blur of one camera, and of each of its photographs."""

    added: ClassVar[tuple[str, ...]] = ("field", "channels")
    form: tuple[str, ...]
    """What the blur is made of: `gaussian`, `disc`, `line`, `sharpened`, `profile`."""
    values: tuple[float, ...]
    """Parameters of the blur of all photographs together."""
    noise_sharpened: bool
    """Whether the noise was sharpened with the picture."""
    error: float = Field(ge=0)
    """Expected |k - truth| / |truth| of its kernel."""
    width_error: float = Field(ge=0)
    """Standard deviation of its width, in HR pixels of scale 2."""
    differences: tuple[float, float, float]
    """Standard deviations of the logarithms by which photographs are wider, more upright and more
    oblique than the camera."""
    scenes: int = Field(ge=0)
    """Clean pictures that HR is known from; 0 if HR is taken for sharp."""
    photographs: tuple[PhotographEstimate, ...]
    """Its photographs."""
    field: VariationEstimate | None = None
    """How its blur varies over the field; none if nobody asked, or too few photographs tell."""
    channels: VariationEstimate | None = None
    """The same from channel to channel."""


class CameraEstimates(Frozen):
    """The cameras of all groups that have a photograph to see a blur by."""

    cameras: tuple[CameraEstimate, ...]
    """One per group, in order."""


class JudgedSpectral(Grown):
    """What is judged of a photograph whose kernel comes from spectra."""

    added: ClassVar[tuple[str, ...]] = ("field", "channels")
    refused: KernelReason | None
    """Why it was not measured."""
    enlarged: float = Field(default=1.0, ge=1)
    """How many times it was enlarged, as far as that shows."""
    photographs: int = 0
    """How many photographs of its camera were measured together."""
    form: tuple[str, ...] = ()
    """Form of its camera's blur."""
    noise_sharpened: bool = False
    """Whether its camera sharpens noise too."""
    estimate: PhotographEstimate | None = None
    """Its blur; none if it was refused."""
    field: tuple[float, ...] = ()
    """See `VariationEstimate.stretches`: of the field of its camera; empty for one kernel."""
    channels: tuple[float, ...] = ()
    """The same of the channels of its camera; empty if all have one kernel."""


class PoolKernelsConfig(Grown):
    """Which estimates become kernels of the pool, and for which scale."""

    added: ClassVar[tuple[str, ...]] = ("field", "channels")
    scale: int
    """Scale of the corpus; x2 kernels of KernelGAN are composed for 4 and 8."""
    method: Literal["camera", "spectral", "kernelgan", "kernelgan_fkp", "dip_fkp"]
    """How kernels were estimated."""
    quality: KernelQualityConfig
    """Thresholds."""
    field: bool = False
    """Whether photographs give a kernel for each cell of the field."""
    channels: bool = False
    """Whether kernels have a plane for each channel."""


class CellKernel(Frozen):
    """The kernel of a photograph at one cell of its field."""

    cell: int = Field(ge=0)
    """Which, counted row by row as the camera saw it."""
    width: float = Field(gt=0)
    """See `KernelDiagnostics.width`."""
    support: float = Field(gt=0)
    """See `KernelDiagnostics.support`."""


class JudgedKernel(Grown):
    """The verdict on one image; an accepted kernel is `kernel.npy` of the unit, (k, k), or, of the
    field and of channels, all of them, (n, k, k) or (n, 3, k, k).
    """

    added: ClassVar[tuple[str, ...]] = ("cells",)
    image: Digest
    """Pixel digest of the image."""
    verdict: KernelVerdict
    """Accepted or not, and why."""
    cells: tuple[CellKernel, ...] = ()
    """Cells of the field that its kernels are of; empty for one kernel."""


class KernelPoolManifest(Grown):
    """What a sealed kernel pool holds, and what was not let in."""

    added: ClassVar[tuple[str, ...]] = ("cells", "estimated_by")
    estimated_by: str = "estimate_kernels"
    """Name of the stage of the units that hold raw estimates."""
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
    cells: tuple[int | None, ...] = ()
    """Cell of the field that each kernel is of, counted row by row, none if it is of all of it;
    empty if no kernel is of a cell."""
    judged: tuple[JudgedKernel, ...]
    """Verdicts on all images, in the order of the image set."""
    estimates: dict[Digest, Digest] = Field(default_factory=dict)
    """For each image the unit that holds its raw estimates, of KernelGAN or with a flow."""
