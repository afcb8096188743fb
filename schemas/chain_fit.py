"""Hand-made chains fitted to photographs: settings of the fit, what is tried, what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders import DegraderConfig
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.hr import HrTile
from pairmill.schemas.work import Payload

Path = tuple[str | int, ...]
"""Keys and numbers of list entries that lead to a setting of a degrader."""


class ChainFitConfig(Frozen):
    """How a chain is fitted."""

    seed: int = Field(default=0, ge=0)
    """Seed of all draws."""
    rounds: int = Field(default=10, ge=1, le=20)
    """Most rounds of trying and narrowing."""
    trials: int = Field(default=1600, ge=50)
    """Sub-ranges that are tried in a round."""
    judged: int = Field(default=400, ge=20)
    """Draws that a distance is measured on."""
    tiles: int = Field(default=2, ge=1, le=16)
    """HR tiles that each of them is applied to."""
    side: int = Field(default=64, ge=24, le=256)
    """Side of the LR of a tile, in pixels; less where the recipe's tiles are smaller."""
    bins: int = Field(default=8, ge=2, le=32)
    """Sub-ranges that a range is divided into."""


class Curve(Frozen):
    """Noise of one camera before compression: variance = shot * level + read^2."""

    shot: float = Field(ge=0)
    """Variance per intensity level."""
    read: float = Field(ge=0)
    """Standard deviation in the dark, in intensity levels."""


class TwinConfig(DegraderBase):
    """The camera as it was estimated: a pooled kernel, noise by level, JPEG as the photographs
    have it.
    """

    kind: Literal["twin"] = "twin"
    """Which degrader; recipes do not have it."""
    curves: tuple[Curve, ...] = Field(min_length=1)
    """Noise of each group of photographs."""


def _which(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else value.kind
    return "the camera" if kind == "twin" else "a chain"


if TYPE_CHECKING:
    TriedChain = DegraderBase
else:
    TriedChain = Annotated[
        Annotated[TwinConfig, Tag("the camera")] | Annotated[DegraderConfig, Tag("a chain")],
        Discriminator(_which),
    ]


class TryConfig(Frozen):
    """What a chain is tried on."""

    scale: int
    """HR side over LR side."""
    side: int
    """Side of an HR tile, in pixels."""
    tiles: int
    """Tiles per trial."""
    seed: int
    """Seed of all draws."""
    bins: int
    """Sub-ranges that a range is divided into where only one of them is tried at a time; 0: all of
    the chain is drawn from."""
    chain: TriedChain
    """What is tried."""
    pools: tuple[PoolRef, ...] = ()
    """What it draws from."""


class TryPayload(Payload):
    """Some trials in a row."""

    first: int
    """Number of the first."""
    count: int
    """How many."""
    hr: tuple[HrTile, ...]
    """Tiles to choose from."""
    places: tuple[str, ...]
    """Zarr groups of the config's pools; places, which do not matter."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"trials {self.first} to {self.first + self.count - 1}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.first, self.count, [one.identity() for one in self.hr]]


class TryRecord(Frozen):
    """What some trials gave: `tried.npz` of their unit."""

    count: int
    """How many."""


class Tried(Frozen):
    """All trials of one chain."""

    units: tuple[Digest, ...]
    """Units that hold them, in order."""


class SettingRow(Frozen):
    """One setting before and after."""

    path: str
    """Where it stands, such as `first.sigma`."""
    before: str
    """As it was."""
    after: str
    """As it is now."""
    kept: float
    """Share of the range that is left; of weights and probabilities, how much of what was drawn
    before is drawn still (1 minus the total variation)."""
    bins: tuple[float, ...]
    """How much likelier the photographs' degradation is in each sub-range of the first round, or
    with each choice, than on average; 1 everywhere if it does not matter."""


class DistanceRow(Frozen):
    """How far one side is from the photographs."""

    label: str
    """Which side."""
    camera: float
    """Fréchet distance of blur, noise and compression to those of the estimated camera."""
    photographs: float | None
    """Fréchet distance to patches of the photographs that show something alike; none if there are
    too few."""


class ChainFitReport(Frozen):
    """What a fit did."""

    degrader: str
    """Label of the degrader."""
    photographs: int
    """Photographs that the camera was estimated from."""
    settings: tuple[SettingRow, ...]
    """All settings that could be narrowed."""
    distances: tuple[DistanceRow, ...]
    """As published, fitted, bicubic, and the control."""
    rounds: tuple[float, ...]
    """Distance to the camera of the chain at the start of each round."""
    notes: tuple[str, ...] = ()
    """What is uncertain about it."""
