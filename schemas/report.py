"""What a corpus report shows: all its numbers, and the names of its images."""

from __future__ import annotations

from typing import Literal

from pairmill.schemas.aligned_pool import AlignedSection
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.curation_report import CurationSection
from pairmill.schemas.fits import FitsSection
from pairmill.schemas.groups import GroupsSection
from pairmill.schemas.histogram import Histogram as Histogram
from pairmill.schemas.image import RejectedImage
from pairmill.schemas.kernel import KernelDiagnostics
from pairmill.schemas.kmsr import GeneratedKernels
from pairmill.schemas.provenance import Circumstance
from pairmill.schemas.realism import RealismSection
from pairmill.schemas.report_pairs import CompareSection, PairsSection


class Head(Frozen):
    """What the corpus is, at a glance."""

    name: str
    """Name of the corpus."""
    version: str
    """First twelve digits of the digest."""
    digest: Digest
    """Digest of the version."""
    parents: tuple[str, ...]
    """Versions that this one followed."""
    scale: int
    """HR side over LR side."""
    pairs: int
    """HR/LR pairs."""
    degraders: tuple[str, ...]
    """Degraders that drew the programs."""
    counts: dict[str, int]
    """Images, tiles, kernels and patches: accepted, rejected and skipped."""
    shards: int
    """Number of tars."""
    bytes: int
    """Size of the tars, in bytes."""
    made: str
    """When it was sealed, ISO 8601, UTC."""


class KernelView(Frozen):
    """What became of the kernel of one image."""

    source: str
    """File name of the source image."""
    thumbnail: str
    """Small image of the source; empty if it could not be read."""
    index: int | None
    """Row in the pool; none if rejected."""
    reason: str
    """Why it was rejected; empty if accepted."""
    detail: str
    """The verdict in a sentence."""
    picture: str
    """Heat map of the kernel; empty if there is no estimate."""
    side: int
    """Side of the kernel in the image, in pixels of HR."""
    centre: float
    """Row and column where the centre of mass should be, in pixels from the first cell."""
    peak: float
    """Largest value of the kernel."""
    estimates: str
    """Image of the raw estimates of all restarts; empty if there are none."""
    restarts: int
    """Number of raw estimates."""
    restart: int | None
    """Number of the restart in the middle of those that agree."""
    diagnostics: KernelDiagnostics | None
    """Measurements of that restart and of the kernel."""


class GeneratedView(Frozen):
    """The pool of generated kernels."""

    count: int
    """Kernels in the pool."""
    method: str
    """How they were made."""
    made: GeneratedKernels
    """What was drawn, and how it differs."""
    pictures: tuple[str, ...]
    """Heat maps of some, evenly spread."""


class KernelsSection(Frozen):
    """The kernel pool, and what was not let in."""

    accepted: int
    """Images with a kernel in the pool."""
    over_field: int = 0
    """Kernels in the pool, where images have several, at cells of their fields; else 0."""
    rejected: int
    """Images without a kernel."""
    reasons: dict[str, int]
    """Rejected images by reason."""
    side: int
    """Side of the pool's kernels, in pixels of HR."""
    scale: int
    """Scale that they are for."""
    mean: str
    """Heat map of the mean kernel."""
    mean_peak: float
    """Its largest value."""
    mean_side: int = 0
    """Side of that image, in HR pixels; 0 where it shows whole kernels."""
    mean_centre: float
    """Row and column where its centre of mass should be."""
    averaged: int
    """Kernels that the mean is over, evenly spread over the pool."""
    widths: Histogram | None
    """Widths of the accepted x2 kernels, in pixels of HR."""
    shown: tuple[KernelView, ...]
    """The gallery, accepted ones first."""
    generated: GeneratedView | None = None
    """Kernels made in the manner of these."""


class PatchView(Frozen):
    """One mined patch."""

    index: int
    """Row in the pool."""
    picture: str
    """Its residual, stretched."""
    source: str
    """File name of the image it comes from."""
    left: int
    """First column in the image, in pixels."""
    top: int
    """First row in the image, in pixels."""
    mean: float
    """Mean intensity before detrending, in intensity levels."""
    std: float
    """Standard deviation of intensity of the noise, in intensity levels."""


class CoverageView(Frozen):
    """What one image gave to the noise pool."""

    source: str
    """File name of the image."""
    patches: int
    """Grid patches that it has."""
    accepted: int
    """Patches in the pool."""
    rejected: dict[str, int]
    """Patches that are not, by reason."""
    threshold_needed: float | None
    """Smallest variance threshold at which a patch would do, in squared intensity levels."""


class NoiseCurveView(Frozen):
    """Noise against level of one group of photographs."""

    group: str
    """Its name; empty where there is one group."""
    channels: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    """Of R, G and B: (level, standard deviation before rounding and JPEG), in intensity levels."""
    spread: float
    """How much photographs differ: standard deviation of the logarithm of their noise."""
    choice: str = ""
    """Which way LR gets it, and why; empty where realism had no say."""


class NoiseSection(Frozen):
    """The noise pool."""

    count: int
    """Patches in the pool."""
    patch: int
    """Side of a patch, in pixels."""
    gain: float
    """What residuals are multiplied by in the images, around a grey of 128."""
    side: int
    """Side of the images, in pixels; larger patches are cropped."""
    std: tuple[float, float, float]
    """Root mean square of the residuals of R, G and B, in intensity levels."""
    threshold: str
    """Where the variance threshold came from, in a sentence."""
    averaged: int
    """Patches that the spectrum is over, evenly spread over the pool."""
    spectrum: str
    """Image of the mean power spectrum of grey, zero frequency in the middle."""
    spectrum_range: tuple[float, float]
    """Its darkest and its brightest colour, in dB above white noise of equal variance."""
    radial: tuple[tuple[float, float], ...]
    """The spectrum over all directions: (cycles per pixel, dB above white noise)."""
    levels: tuple[tuple[float, float], ...]
    """(brightness, standard deviation) of patches, in intensity levels."""
    shown: tuple[PatchView, ...]
    """The gallery."""
    coverage: tuple[CoverageView, ...]
    """Images by what they gave, most first."""
    images: int
    """Images that were mined."""
    giving: int
    """Images that gave a patch."""
    curves: tuple[NoiseCurveView, ...] = ()
    """What noise is made to follow, by group; empty where it is laid on as mined."""


class CompressionView(Frozen):
    """How one real image was compressed."""

    source: str
    """File name of the image."""
    known: str
    """Where that is known from: `file` or `pixels`."""
    quality: int
    """Quality of the nearest standard table."""
    standard: bool
    """Whether its luma table is that table."""
    subsampling: str
    """Chroma subsampling."""
    phase: tuple[int, int]
    """Rows and columns by which the image starts inside its first block."""
    confidence: float
    """1 if read from the file; else the share of coefficients, beyond chance, on the estimated
    steps."""


class CompressionSection(Frozen):
    """The compression of the real images."""

    images: int
    """Real images."""
    compressed: int
    """Those that are compressed."""
    from_pixels: int
    """Those whose compression was estimated from pixels."""
    used: bool
    """Whether there are enough for a pool."""
    min_share: float
    """Share of compressed images below which there is no pool."""
    quality: Histogram | None
    """Qualities of the nearest standard tables; none if no image is compressed."""
    subsamplings: dict[str, int]
    """Compressed images by chroma subsampling."""
    phases: dict[str, int]
    """Compressed images by grid phase, rows and columns."""
    shown: tuple[CompressionView, ...]
    """Compressed images, strongest compression first."""


class ImageView(Frozen):
    """One source image."""

    source: str
    """File name."""
    thumbnail: str
    """Small image; empty if it could not be read."""
    role: str
    """`real` or `clean`."""
    format: str
    """Container format."""
    size: tuple[int, int]
    """Width and height, in pixels."""
    hr_size: tuple[int, int]
    """Width and height of the HR made of it, in pixels."""
    tiles: int
    """Tiles that are used."""
    skipped: dict[str, int]
    """Tiles that are not, by reason."""
    conversions: tuple[str, ...]
    """What decoding changed."""


class ImagesSection(Frozen):
    """Source images and rejected files."""

    roles: dict[str, int]
    """Accepted images by role."""
    conversions: dict[str, int]
    """Images by what decoding changed."""
    tiles: int
    """Tiles that are used."""
    skipped: dict[str, int]
    """Tiles that are not, by reason."""
    shown: tuple[ImageView, ...]
    """The gallery."""
    reasons: dict[str, int]
    """Rejected files by reason."""
    rejected: tuple[RejectedImage, ...]
    """Rejected files."""
    rejected_total: int
    """How many there are."""


class SpreadSection(Frozen):
    """How the samples are distributed."""

    shares: dict[str, dict[str, int]]
    """Samples by split and degrader."""
    tiles: Histogram
    """Tiles per image, over all images."""
    programs: int
    """Programs that the next two are over, evenly spread over the shards."""
    strength: Histogram | None
    """Strength of injected noise."""
    kernel_use: tuple[int, ...]
    """How often each kernel of the pool was drawn; empty without a pool, or with one of too many
    kernels for bars."""
    kernel_draws: Histogram | None
    """Kernels by how often they were drawn; none without a pool."""
    tiles_read: int
    """Pairs that the brightness is over."""
    brightness_hr: Histogram
    """Intensity levels of HR pixels."""
    brightness_lr: Histogram
    """Intensity levels of LR pixels."""


class MakingSection(Frozen):
    """How the corpus was made."""

    recipe: str
    """The resolved recipe as YAML."""
    stages: dict[str, int]
    """Version of each stage."""
    pools: tuple[PoolRef, ...]
    """Pools that the programs refer to."""
    circumstance: Circumstance
    """Where and when."""
    example: str
    """Key of a sample, for the commands."""


class ReportData(Frozen):
    """`report.json`: the page is a function of this and of the images next to it."""

    format: Literal["pairmill-report/1"] = "pairmill-report/1"
    """Layout of this file."""
    head: Head
    """What it is."""
    pairs: PairsSection
    """Pairs to look at."""
    compare: CompareSection | None = None
    """A pair of every degrader beside a photo; none in reports of before."""
    kernels: KernelsSection | None
    """Kernels; none if no degrader needs them."""
    noise: NoiseSection | None
    """Noise; none if no degrader needs it."""
    fits: FitsSection | None = None
    """Learned degradations; none without any, or where pools come from another version."""
    realism: RealismSection | None = None
    """How distinguishable synthetic LR is from real LR; none if it was not measured."""
    compression: CompressionSection | None = None
    """Compression of the real images; none if no degrader asks for it."""
    aligned: AlignedSection | None = None
    """Real pairs; none if no degrader takes them, or if pools come from another version."""
    groups: GroupsSection | None = None
    """Groups of real images that share a camera; none if no pool has rows of photographs."""
    curation: CurationSection | None = None
    """Copies, leaks, scores and licences; none if the recipe neither curates nor names licences."""
    images: ImagesSection
    """Source images."""
    spread: SpreadSection
    """Distributions."""
    making: MakingSection
    """How it was made."""
