"""What a preview and an explanation show: programs step by step, what was drawn from pools, and
what a build would cost.
"""

from __future__ import annotations

from pydantic import Field

from pairmill.schemas.base import Frozen


class StepView(Frozen):
    """One op of a program and the image after it."""

    op: str
    """Name of the op."""
    words: str
    """The op in words."""
    picture: str
    """The part that is shown, one file pixel per pixel of the image at this step."""
    width: int = Field(ge=1)
    """Width of the whole image after the op, in pixels."""
    height: int = Field(ge=1)
    """Height of the whole image after the op, in pixels."""
    change: float | None
    """Root mean square of what the op changed, in intensity levels; none where it changed the
    size."""
    inset: str = ""
    """Image of the blur kernel of the op; empty if it has none."""
    stand_in: bool = False
    """Whether the op draws on a pool that only stands in for the one that a build would make."""


class StripView(Frozen):
    """One program applied to one HR tile: HR, every op, LR."""

    source: str
    """File name of the source image."""
    left: int
    """First column of the tile in the HR image, in HR pixels."""
    top: int
    """First row of the tile in the HR image, in HR pixels."""
    scale: int
    """HR side over LR side."""
    side: int
    """Side of the part that is shown, in HR pixels."""
    hr: str
    """Image of the HR part."""
    hr_width: int
    """Width of the tile, in HR pixels."""
    hr_height: int
    """Height of the tile, in HR pixels."""
    steps: tuple[StepView, ...]
    """All ops in order; the image after the last one is the LR."""
    milliseconds: float | None = None
    """Time that the program took on this tile; none if it was not measured."""
    program: str
    """The program, as canonical JSON."""


class DegraderView(Frozen):
    """One degrader of a recipe and a few of its programs."""

    kind: str
    """Name of the degrader."""
    label: str
    """What it is called on the page; unlike `kind` it is unique."""
    share: str
    """Share of the samples, for people."""
    about: str
    """What it is, in a sentence."""
    settings: dict[str, str]
    """Settings of the recipe that are not the default."""
    strips: tuple[StripView, ...]
    """Drawn programs."""
    problem: str = ""
    """Why nothing could be drawn; empty if something was."""


class SupplyView(Frozen):
    """A pool that programs of the preview draw on."""

    kind: str
    """What the pool holds."""
    count: int
    """Number of items."""
    sealed: bool
    """Whether it is the sealed pool of this recipe; otherwise it stands in for it."""
    note: str
    """Where it comes from, in a sentence."""
    pictures: tuple[str, ...]
    """Some of the items."""


class ImageView(Frozen):
    """An image that the preview took its tiles from."""

    name: str
    """File name."""
    role: str
    """`real` or `clean`."""
    width: int
    """Width of the source, in pixels."""
    height: int
    """Height of the source, in pixels."""
    picture: str
    """Small image of the HR image."""
    tile: tuple[float, float, float, float]
    """Left, top, width and height of the tile that is shown, as fractions of the HR image."""
    used: int
    """Tiles of it that a build would use."""
    skipped: dict[str, int]
    """Tiles that a build would skip, by reason."""


class CostRow(Frozen):
    """What one stage of a build is expected to take."""

    stage: str
    """Name of the stage, for people."""
    seconds: float = Field(ge=0)
    """Time with all workers, in seconds."""
    bytes: float = Field(default=0, ge=0)
    """Space that it takes in the workspace, in bytes."""
    basis: str
    """What the figure rests on."""
    found: bool = False
    """Whether the stage is sealed already, so that nothing is left to do."""


class CostView(Frozen):
    """What a build of the recipe is expected to take."""

    images: int
    """Files that the recipe names."""
    tiles: int
    """HR tiles that are expected."""
    pairs: int
    """HR/LR pairs that are expected."""
    workers: int
    """Worker processes that the time is for."""
    rows: tuple[CostRow, ...]
    """One per stage, in order."""
    seconds: tuple[float, float, float]
    """Time of the whole build: low, expected, high, in seconds."""
    bytes: tuple[float, float, float]
    """Space of the whole build: low, expected, high, in bytes."""
    notes: tuple[str, ...]
    """What the figures rest on, and what they leave out."""


class PreviewData(Frozen):
    """All that the page of a preview says."""

    name: str
    """Name of the recipe."""
    recipe: str
    """File name of the recipe."""
    scale: int
    """HR side over LR side."""
    degraders: tuple[DegraderView, ...]
    """Degraders in the order of the recipe."""
    supplies: tuple[SupplyView, ...]
    """Pools that programs draw on."""
    images: tuple[ImageView, ...]
    """Images that tiles were taken from."""
    left_out: tuple[tuple[str, str], ...]
    """Files that were tried and cannot be used, each with the reason."""
    cost: CostView
    """What a build is expected to take."""
    warnings: tuple[str, ...]
    """What will stand in the way of a build, as far as can be seen."""
    seconds: float
    """Time that the preview took, in seconds."""


class PoolRowView(Frozen):
    """One item of a pool that a program used."""

    kind: str
    """What the pool holds."""
    index: int
    """Row in the pool."""
    count: int
    """Rows of the pool."""
    pool: str
    """Digest of the pool."""
    picture: str
    """Image of the item; empty if it has none."""
    source: str
    """The image that it was taken from."""
    facts: tuple[tuple[str, str], ...]
    """What else is known of it: terms and values."""


class OriginView(Frozen):
    """Where the HR of a sample comes from."""

    source: str
    """Place of the source image, or its digest where the place is not known."""
    picture: str
    """Small image of the HR image; empty if it cannot be read."""
    box: tuple[float, float, float, float]
    """Left, top, width and height of the tile, as fractions of the HR image."""
    note: str
    """What was checked, in a sentence."""


class ExplainData(Frozen):
    """All that the page of a sample says."""

    corpus: str
    """NAME@VERSION."""
    key: str
    """Key of the sample."""
    split: str
    """Split that it is in."""
    shard: str
    """Shard that it is in."""
    degrader: str
    """Degrader that drew the program."""
    seed: int
    """Seed of the corpus."""
    strip: StripView
    """The program step by step."""
    identical: bool
    """Whether the last image equals the sealed LR bit for bit."""
    stored: str
    """Image of the stored LR, of the part that is shown."""
    origin: OriginView
    """Where the HR comes from."""
    rows: tuple[PoolRowView, ...]
    """Items of pools that the program used."""
