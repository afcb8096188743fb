"""Which way to make noise a group of photographs needs, as realism found it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.hr import HrTile
from pairmill.schemas.image import ImageRecord
from pairmill.schemas.noise_levels import NoiseWay
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.work import Payload


class ChoiceConfig(Frozen):
    """How the ways are compared."""

    scale: int
    """HR side over LR side."""
    side: int
    """Side of an HR tile, in pixels."""
    pools: tuple[PoolRef, ...]
    """What LR is drawn from."""
    realism: RealismConfig
    """How LR is told from photographs."""
    seed: int = Field(ge=0)
    """Seed of all draws."""


class ChoicePayload(Payload):
    """One group, and HR tiles to try both ways on."""

    group: int
    """Its number."""
    photographs: tuple[ImageRecord, ...]
    """Those that LR is compared with."""
    hr: tuple[HrTile, ...]
    """What LR is made of."""
    places: tuple[str, ...]
    """Zarr groups of the config's pools; places, which do not matter."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"group {self.group}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        digests = [photograph.pixel_sha256 for photograph in self.photographs]
        return [self.group, digests, [tile.identity() for tile in self.hr]]


class WayRealism(Frozen):
    """How well LR made one way is told from the photographs."""

    auc: float = Field(ge=0, le=1)
    """Area under the ROC curve; 0.5 is not at all."""
    interval: tuple[float, float]
    """95 % interval over a new choice of images."""


class GroupChoice(Frozen):
    """What was chosen for a group."""

    way: NoiseWay
    """The way."""
    why: str
    """In a sentence."""
    by_level: WayRealism | None = None
    """LR with patches by level; none if it was not measured."""
    raw: WayRealism | None = None
    """LR with noise on the sensor."""


class ChoiceManifest(Frozen):
    """What a sealed pool of choices holds."""

    kind: Literal["noise_choice"] = "noise_choice"
    """Kind of pool."""
    digest: Digest
    """Digest of the numbers of the ways."""
    groups: tuple[GroupChoice, ...]
    """One record per row: groups in their order."""
    photographs: tuple[Digest, ...]
    """A photograph of each group, which tells it."""
