"""Real pairs: which are good enough, and what was measured on each."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen


class AlignedConfig(Frozen):
    """When a real pair of `images.aligned` is good enough."""

    min_side: int = Field(default=96, ge=96)
    """Shortest side of LR, in LR pixels; less shows too little to register by."""
    min_contrast: float = Field(default=2.0, ge=0)
    """Smallest standard deviation of intensity of either image, in intensity levels."""
    min_correlation: float = Field(default=0.5, ge=0, le=1)
    """Smallest correlation of the detail that both show, once one is laid over the other; pairs of
    one scene have 0.9 and more."""
    max_scale_error: float = Field(default=0.05, gt=0, le=0.2)
    """Largest relative difference between the pair's scale, measured on its content, and the
    recipe's."""
    max_rotation: float = Field(default=3.0, gt=0, le=15)
    """Largest rotation of LR against HR, in degrees."""
    min_overlap: float = Field(default=0.8, gt=0, le=1)
    """Smallest share of LR that HR shows too."""
    max_colour: float = Field(default=12.0, gt=0)
    """Largest root mean square difference of colour, in intensity levels, apart from brightness;
    pairs of one camera have 1 to 4."""
    min_registered: float = Field(default=0.5, ge=0, le=1)
    """Smallest share of the blocks with texture that register."""
    max_shift: float = Field(default=0.25, gt=0, le=1)
    """Largest shift of a block beyond the registration, in LR pixels; more is parallax or something
    that moved, and its tiles are left out."""
    max_tiles: int = Field(default=20_000, ge=1)
    """Maximum number of tiles of all pairs; of more, evenly spread ones are taken. Bounds the
    pool."""


class AlignedReason(StrEnum):
    """Why a pair is not used."""

    UNUSABLE = "unusable"
    SWAPPED = "swapped"
    TOO_SMALL = "too-small"
    BLANK = "blank"
    OTHER_SCENE = "other-scene"
    OTHER_SCALE = "other-scale"
    ROTATED = "rotated"
    LITTLE_OVERLAP = "little-overlap"
    OTHER_COLOURS = "other-colours"
    NOT_REGISTERED = "not-registered"


class AlignedFigures(Frozen):
    """What was measured on a pair, as far as its judgement went; 0 for what was not."""

    scale: float = 0.0
    """HR pixels per LR pixel, by content."""
    rotation: float = 0.0
    """Of LR against HR, in degrees."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Of the middle of LR on HR, (rows, columns) in HR pixels."""
    overlap: float = 0.0
    """Share of LR that HR shows too."""
    correlation: float = 0.0
    """Correlation of the detail that both show."""
    colour: float = 0.0
    """Root mean square difference of colour apart from brightness, in intensity levels."""
    gain: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Contrast of LR over that of HR, per channel; HR was multiplied by it."""
    blocks: int = 0
    """Blocks with texture enough to register."""
    registered: float = 0.0
    """Share of them that do."""
    shift_left: float = 0.0
    """Root mean square shift per axis that is left in blocks that register, in HR pixels."""
    residual_before: float = 0.0
    """Root mean square difference between LR and blurred HR before registration, at its best
    brightness, in intensity levels."""
    residual_after: float = 0.0
    """The same after it."""


class AlignedPair(Frozen):
    """What became of a pair: `hr.png`, `lr.png`, `good.npy` and perhaps `kernel.npy` of its unit
    where it is used.
    """

    name: str
    """Name of its files, without the ending; of a file that is no usable image with it."""
    lr: Digest | None
    """Pixel digest of the LR photograph; none if a file is no usable image."""
    hr: Digest | None
    """Pixel digest of the HR photograph."""
    reason: AlignedReason | None
    """Why it is not used; none if it is."""
    detail: str
    """One sentence: the figure that decided, and what is allowed."""
    reduced: bool = False
    """Whether LR was as large as HR, and was downscaled."""
    kernel: bool = False
    """Whether it shows its kernel."""
    figures: AlignedFigures = AlignedFigures()
    """What was measured."""


class AlignConfig(Frozen):
    """All that determines a registration."""

    scale: int
    """HR side over LR side."""
    aligned: AlignedConfig
    """When a pair is good enough; `max_tiles` is not asked here."""


class AlignedRef(Frozen):
    """A pair and the unit that holds its images."""

    key: Digest
    """Key of the unit."""
    pair: AlignedPair
    """What became of it."""


class AlignedSet(Frozen):
    """All pairs, by name."""

    pairs: tuple[AlignedRef, ...]
    """Used and rejected ones."""

    @property
    def used(self) -> tuple[AlignedRef, ...]:
        """Pairs that are good enough, by the digest of their HR; of equal ones the first by
        name.
        """
        found: dict[tuple[str, str], AlignedRef] = {}
        for ref in self.pairs:
            if ref.pair.reason is None and ref.pair.hr and ref.pair.lr:
                found.setdefault((ref.pair.hr, ref.pair.lr), ref)
        return tuple(found[digests] for digests in sorted(found))


class PairTiles(Frozen):
    """The tiles of one pair, which are consecutive rows of a pool."""

    lr: Digest
    """Pixel digest of the LR photograph."""
    image: Digest
    """Pixel digest of the HR photograph."""
    hr: Digest
    """Digest of the HR tiles, after registration."""
    tiles: tuple[tuple[int, int], ...]
    """(left, top) of each on the registered HR, in HR pixels."""
