"""The pool of tiles of real pairs, and what a report says of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.aligned import AlignedPair, PairTiles
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.recipe import TilesConfig


class CutPairsConfig(Frozen):
    """How registered pairs are cut."""

    scale: int
    """HR side over LR side."""
    tiles: TilesConfig
    """Size, stride and least content of tiles."""
    max_tiles: int
    """Maximum number of tiles of all pairs."""


class CutPair(Frozen):
    """The tiles of one registered pair."""

    tiles: tuple[tuple[int, int], ...]
    """(left, top) of each tile that is used, in HR pixels."""
    skipped: dict[str, int]
    """Tiles that are not used, by reason."""


class TileRow(Frozen):
    """Where a row of the pool comes from."""

    image: Digest
    """Pixel digest of its LR photograph."""
    left: int
    """First column on the registered HR, in pixels."""
    top: int
    """First row."""


class AlignedManifest(Frozen):
    """The sealed pool of tiles of real pairs."""

    kind: Literal["aligned"] = "aligned"
    """Kind of pool."""
    digest: Digest
    """Digest of the LR tiles; programs name the pool by this."""
    count: int = Field(ge=1)
    """Tiles."""
    side: int
    """Side of an LR tile, in pixels."""
    pairs: tuple[PairTiles, ...]
    """Where the tiles come from, in the order of the rows."""
    skipped: dict[str, int]
    """Tiles that are not used, by reason."""
    judged: tuple[AlignedPair, ...]
    """All pairs, used and rejected."""


class AlignedSection(Frozen):
    """The real pairs."""

    used: tuple[AlignedPair, ...]
    """Pairs that take part, as many as are listed."""
    rejected: tuple[AlignedPair, ...]
    """Pairs that do not."""
    pairs_used: int
    """Pairs that take part."""
    pairs_rejected: int
    """Pairs that do not."""
    reduced: int
    """Pairs whose LR was as large as HR, and was downscaled."""
    tiles: int
    """Tiles of the pool."""
    skipped: dict[str, int]
    """Tiles that are not used, by reason."""
    before: float
    """Median root mean square difference between LR and blurred HR before registration, in
    intensity levels."""
    after: float
    """The same after it."""
