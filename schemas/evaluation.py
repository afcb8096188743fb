"""How networks are put to work and judged: settings of inference, scores, and all that an
evaluation page shows.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen


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


class EvaluationConfig(Frozen):
    """How networks are evaluated."""

    inference: InferenceConfig = InferenceConfig()
    """How each network is run."""
    scale: int | None = Field(default=None, ge=1, le=16)
    """HR side over LR side; none takes that of the networks, the pairs or the corpus."""
    limit: int | None = Field(default=None, ge=1)
    """Maximum number of images of each group, taken evenly; none takes all."""
    shown: int = Field(default=4, ge=0, le=64)
    """Images of each group that the page shows."""


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

    def count(self, metric: str) -> int:
        """How many images the means of a metric are over."""
        return self.counts.get(metric, self.pictures)


class PictureView(Frozen):
    """One image and its scores."""

    name: str
    """File name, or key in the corpus."""
    group: str
    """Group that it is in."""
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


class LeftOut(Frozen):
    """A file that took no part, and why."""

    name: str
    """The file."""
    reason: str
    """Why, in a sentence."""


class EvaluationReport(Frozen):
    """`evaluation.json`: all that an evaluation found."""

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
