"""Groups of photographs that share a camera: settings, what was found, and what a pool says of its
rows.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.camera import CameraFacts


class GroupsConfig(Frozen):
    """How the real images are divided into groups that share a camera; a sample takes kernel, noise
    and compression from one group.
    """

    by: Literal["auto", "names", "exif", "spectra", "one"] = "auto"
    """`names` of `images.real`, `exif` of the files, `spectra` of the images, `one` group of all;
    `auto`: of these, in this order, the first that there is."""
    min_photographs: int = Field(default=4, ge=1)
    """Fewest photographs of a group; smaller ones stay with others. Named groups may be smaller."""


class GroupSource(StrEnum):
    """What a group comes from."""

    NAMES = "names"
    """The recipe names it."""
    EXIF = "exif"
    """The files tell their camera, lens and exposure."""
    SPECTRA = "spectra"
    """The spectra of the images are alike."""
    ONE = "one"
    """Nothing tells the photographs apart."""


class PhotographGroup(Frozen):
    """Photographs that share a camera, as far as is known."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", max_length=100)
    """For people: a name of the recipe, or one made of what the photographs share, such as
    `nikon-d5-50mm`."""
    source: GroupSource
    """What it comes from."""
    photographs: tuple[Digest, ...] = Field(min_length=1)
    """Pixel digests, in the order of the image set."""
    shared: CameraFacts | None = None
    """What all of them say alike; none if that is nothing."""
    notes: tuple[str, ...] = ()
    """What is uncertain about it, in plain words."""


class PhotographGroups(Frozen):
    """All real images, each in one group; groups in the order of their first image."""

    groups: tuple[PhotographGroup, ...]
    """The groups; none without real images."""

    @property
    def several(self) -> bool:
        """Whether there are groups to choose among; with one, draws are what they were without
        groups.
        """
        return len(self.groups) > 1

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Number of the group of each photograph, by pixel digest."""
        return {
            digest: number
            for number, group in enumerate(self.groups)
            for digest in group.photographs
        }

    def group_of(self, digest: str) -> PhotographGroup:
        """The group of a photograph."""
        return self.groups[self.number_of[digest]]


class RowGroups(Frozen):
    """Which group each row of a pool comes from."""

    rows: tuple[int, ...]
    """Number of the group of each row, from 0."""
    photographs: tuple[int, ...]
    """Photographs of each group; a sample draws its group in this proportion."""
    shares: tuple[float, ...] = ()
    """Share of each group's photographs that its rows stand for; without them it is 1."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        count = len(self.photographs)
        if any(not 0 <= row < count for row in self.rows):
            raise ValueError(f"a row is of a group that is not there; there are {count}")
        if self.shares and len(self.shares) != count:
            raise ValueError(f"{len(self.shares)} shares for {count} groups")
        return self


class GroupRecord(Frozen):
    """One group as a version remembers it; its number is its place."""

    name: str
    """Its name."""
    source: GroupSource
    """What it comes from."""
    photographs: int
    """How many photographs it has."""
    shared: CameraFacts | None = None
    """What all of them say alike."""
    notes: tuple[str, ...] = ()
    """What is uncertain about it."""


class GroupView(Frozen):
    """One group in a report."""

    group: GroupRecord
    """The group."""
    rows: dict[str, int]
    """Rows of its own by kind of pool."""
    borrows: tuple[str, ...]
    """Kinds of which it has no row, so that its samples draw from the whole pool."""
    takes_part: bool
    """Whether samples draw it; not without any kernel and any noise."""


class GroupsSection(Frozen):
    """The groups of a version."""

    shown: tuple[GroupView, ...]
    """All groups."""
