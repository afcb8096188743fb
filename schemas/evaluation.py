"""How networks are put to work and judged: settings of inference, scores, and all that an
evaluation page shows.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Grown


class InferenceConfig(Frozen):
    """How a network is run over an image."""

    tile: int = Field(default=192, ge=0, le=65536)
    """Largest side of a tile, in LR pixels; 0 takes images whole. Bounds the memory."""
    overlap: int | None = Field(default=None, ge=0, le=4096)
    """What a tile sees around itself on every side, in LR pixels; none takes for each network what
    it needs."""

    def tiles(self) -> str:
        """How images are cut, in words."""
        if not self.tile:
            return "images whole"
        if self.overlap is None:
            around = "the context that the network needs"
        else:
            around = f"{self.overlap} pixels of context"
        return f"tiles of at most {self.tile} LR pixels with {around}"

    ensemble: bool = False
    """X8 self-ensemble: the mean over the eight flips and rotations, at eight times the run
    time."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """What the network computes in."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where it computes; `auto` is CUDA where there is one."""


class EvaluationConfig(Grown):
    """How networks are evaluated."""

    added: ClassVar[tuple[str, ...]] = ("gaussian8", "labels")

    inference: InferenceConfig = InferenceConfig()
    """How each network is run."""
    scale: int | None = Field(default=None, ge=1, le=16)
    """HR side over LR side; none takes that of the networks, the pairs or the corpus."""
    limit: int | None = Field(default=None, ge=1)
    """Maximum number of images of each group, taken evenly; none takes all."""
    shown: int = Field(default=4, ge=0, le=64)
    """Images of each group that the page shows."""
    gaussian8: bool = False
    """Whether LR of eight Gaussian widths is made of the HR too, and each network that takes a
    kernel is told every one of them: the true one and wrong ones."""
    labels: Literal["told", "ignored"] = "told"
    """Whether networks that take it are told how each LR of a corpus, and LR that are made here,
    were made, or assume their usual kernel and no noise."""


class NetworkView(Frozen):
    """One network that took part, or bicubic upscaling."""

    name: str
    """Name in the tables, unique among those that took part."""
    arch: str
    """The network in words; which bicubic upscaling, for the control."""
    file: str = ""
    """The checkpoint's file; empty for bicubic."""
    sha256: str = ""
    """Digest of that file; empty for bicubic."""
    scale: int
    """HR side over LR side."""
    parameters: int = 0
    """Numbers in it."""
    training: str = ""
    """What the checkpoint says it was trained on; empty if it does not."""
    corpus: str = ""
    """The version that it was trained on, as NAME@VERSION; empty if the checkpoint does not say."""
    smaller: tuple[str, ...] = ()
    """Versions of its smaller scales, where it was trained on several."""
    corpus_digest: str = ""
    """Digest of that version; empty if the checkpoint does not say."""
    seconds: float = 0.0
    """Time that it took over all images."""
    megapixels: float = 0.0
    """HR pixels that it made in that time, in millions."""


class MetricView(Frozen):
    """One metric that was measured."""

    key: str
    """Name in files, such as `psnr_y`."""
    label: str
    """Name in tables."""
    better: Literal["higher", "lower"]
    """Which direction is better."""
    digits: int
    """Digits after the point in tables."""
    about: str
    """How it was measured, in a sentence, with the source of weights or parameters."""
    ranked: bool = True
    """Whether the best network is marked; not where the values are too uncertain."""


class ScoreRow(Frozen):
    """What one network reached, by the keys of the metrics; those that do not apply are left
    out.
    """

    network: str
    """Name of the network."""
    scores: dict[str, float]
    """Value by metric; the mean where it stands for a group."""


class Measured(Frozen):
    """One network on one image, kept so that an evaluation that was stopped is resumed."""

    scores: dict[str, float]
    """Value by metric."""
    seconds: float
    """Time that the network took."""


class Difference(Frozen):
    """How far two networks are apart in one metric, and how sure that is."""

    network: str
    """The one."""
    against: str
    """The other: bicubic, or the network with the best mean."""
    metric: str
    """Key of the metric."""
    difference: float
    """Mean of the one less that of the other, over the images that every network has a value
    for."""
    interval: tuple[float, float] | None
    """Where it lies with 95 % confidence, by draws of source images; none with too few of them."""
    sources: int
    """Source images that were drawn from."""

    @property
    def told_apart(self) -> bool:
        """Whether the interval does not span 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


class GroupView(Frozen):
    """Images that are averaged: a folder, a degrader of a corpus, real images."""

    name: str
    """Name of the group."""
    about: str
    """What it is, in a few words."""
    kind: Literal["pairs", "bicubic", "corpus", "real"]
    """Pairs of files; HR alone, whose LR was made here; pairs of a corpus; real images without
    HR."""
    pictures: int
    """How many were measured."""
    total: int
    """How many there are."""
    counts: dict[str, int] = Field(default_factory=dict)
    """By metric, how many images its means are over: those that every network has a value for.
    Where it is not said, as in files of before, all that were measured."""
    rows: tuple[ScoreRow, ...]
    """Means by network, in the order of the networks."""
    differences: tuple[Difference, ...] = ()
    """Of each network against bicubic, and against the best of each metric."""

    def count(self, metric: str) -> int:
        """How many images the means of a metric are over."""
        return self.counts.get(metric, self.pictures)


class PictureView(Frozen):
    """One image and its scores."""

    name: str
    """File name, or key in the corpus."""
    group: str
    """Group that it is in."""
    source: str = ""
    """Digest of the pixels of HR, or of the source image that a tile of a corpus is of; empty where
    there is no HR."""
    width: int
    """Width of the upscaled image, in pixels."""
    height: int
    """Height of the upscaled image, in pixels."""
    rows: tuple[ScoreRow, ...]
    """Scores by network."""


class Pane(Frozen):
    """One crop in a row of crops."""

    label: str
    """Whose it is."""
    picture: str
    """File of the crop, relative to the page."""
    difference: str = ""
    """File of the image of what differs from HR; empty where there is no HR, and for HR
    itself."""
    note: str = ""
    """Scores in words."""
    best: bool = False
    """Whether it is the best of its row."""


class Shown(Frozen):
    """A row of crops of the same place."""

    title: str
    """Name of the image."""
    group: str
    """Group that it is in."""
    note: str
    """Why this one, and where the crop lies."""
    panes: tuple[Pane, ...]
    """The crops; pointing at one shows the first in its place."""
    side: int = Field(default=128, ge=1)
    """Longer side of the crops, in pixels."""


class ToldRow(Frozen):
    """What a network reached on LR of each true width, told one thing."""

    told: str
    """What it was told: a width in HR pixels, or words."""
    kind: Literal["true", "width", "usual", "nothing", "iteration"]
    """`true`: that of each LR; `width`: the same one for all; `usual`: the kernel that it assumes
    where it knows nothing; `nothing`: it takes no kernel; `iteration`: what it has found by itself
    after that many corrections."""
    scores: tuple[float, ...]
    """Mean PSNR Y in dB by true width."""


class ToldView(Frozen):
    """One network on Gaussian8."""

    network: str
    """Name of the network."""
    rows: tuple[ToldRow, ...]
    """One per thing that it was told."""


class Gaussian8View(Frozen):
    """What a wrong kernel costs: HR blurred by eight Gaussians, and what networks make of it that
    are told the true one, or another.
    """

    widths: tuple[float, ...]
    """True standard deviations of the blur, in HR pixels."""
    images: int
    """HR images."""
    networks: tuple[ToldView, ...]
    """In the order of the report's."""


class LeftOut(Frozen):
    """A file that took no part, and why."""

    name: str
    """The file."""
    reason: str
    """Why, in a sentence."""


class EvaluationReport(Grown):
    """`evaluation.json`: all that an evaluation found."""

    added: ClassVar[tuple[str, ...]] = ("gaussian8",)

    format: Literal["pairmill-evaluation/1"] = "pairmill-evaluation/1"
    """Layout of this file."""
    title: str
    """Name of the evaluation."""
    made: str
    """When, ISO 8601, UTC."""
    scale: int
    """HR side over LR side."""
    border: int
    """Pixels that metrics leave out at each side."""
    config: EvaluationConfig
    """How it was done."""
    networks: tuple[NetworkView, ...]
    """Bicubic first."""
    metrics: tuple[MetricView, ...]
    """Columns of the tables."""
    groups: tuple[GroupView, ...]
    """Means."""
    pictures: tuple[PictureView, ...]
    """Every image."""
    shown: tuple[Shown, ...]
    """Crops on the page."""
    peak: float
    """Difference from HR, in intensity levels, that the brightest colour of the maps stands for."""
    left_out: tuple[LeftOut, ...]
    """Files that took no part."""
    gaussian8: Gaussian8View | None = None
    """What a wrong kernel costs, if that was asked for."""
    found: int = 0
    """Scores of a network on an image that an earlier evaluation had left in this folder."""
    notes: tuple[str, ...]
    """What a reader of the numbers should know."""


class UpscaledImage(Frozen):
    """One image that was upscaled: what went into it and where it is."""

    source: str
    """Path or URL of the input."""
    output: str
    """Name of the result in the output folder."""
    key: Digest
    """Digest of the input file, the checkpoint and the settings: of all that the result depends
    on."""
    width: int
    """Width of the input, upright, in pixels."""
    height: int
    """Height of the input, upright, in pixels."""
    conversions: tuple[str, ...]
    """What decoding changed."""
    seconds: float
    """Time that it took."""
    panes: tuple[Pane, ...]
    """Crops for the page."""
    place: str
    """Where the crops lie, in words."""


class UpscaleReport(Frozen):
    """`upscale.json`: what one run of `pairmill upscale` came to."""

    network: NetworkView
    """The network."""
    config: InferenceConfig
    """How it was run."""
    settings: tuple[tuple[str, str], ...] = ()
    """Of a method that learns from the image itself: what it was told, in words and values."""
    images: tuple[UpscaledImage, ...]
    """Finished images, by output."""
    found: int
    """How many of them were finished before this run."""
    left_out: tuple[LeftOut, ...]
    """Files that could not be used."""
