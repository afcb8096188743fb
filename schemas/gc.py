"""What collecting garbage would delete, or has deleted, and what it keeps and why."""

from __future__ import annotations

from pydantic import Field

from pairmill.schemas.base import Frozen


class KeepConfig(Frozen):
    """Which versions stay, besides tagged and newest ones and those whose pools others use."""

    last: int = Field(default=5, ge=1)
    """How many of the newest versions of a corpus stay; the newest always does."""
    days: float = Field(default=30.0, ge=0)
    """Versions, stages and units younger than so many days stay."""


class JudgedVersion(Frozen):
    """A version that goes or stays."""

    corpus: str
    """Name of the corpus."""
    version: str
    """The version."""
    time: str
    """When it was last sealed or found, ISO 8601, UTC."""
    kept: str
    """Why it stays; empty if it goes."""


class StageGarbage(Frozen):
    """What goes of one stage."""

    stage: str
    """Name of the stage."""
    sealed: tuple[str, ...]
    """Keys of sealed results that go."""
    units: tuple[str, ...]
    """Keys of units that go."""
    kept: int
    """Units that stay."""


class Garbage(Frozen):
    """All that goes, and which versions stay."""

    versions: tuple[JudgedVersion, ...]
    """All versions, oldest first."""
    unfinished: tuple[str, ...]
    """Folders of versions that were never finished or only partly deleted, as CORPUS/VERSION."""
    stages: tuple[StageGarbage, ...]
    """Sealed results and units that no version needs."""
    bytes: int
    """Bytes that become free: a file with several names counts when all of them go."""
    notes: tuple[str, ...] = ()
    """What else is worth knowing, in sentences."""

    @property
    def going(self) -> tuple[JudgedVersion, ...]:
        """Versions that go."""
        return tuple(version for version in self.versions if not version.kept)

    @property
    def empty(self) -> bool:
        """Whether nothing goes."""
        return not (
            self.going
            or self.unfinished
            or any(stage.sealed or stage.units for stage in self.stages)
        )
