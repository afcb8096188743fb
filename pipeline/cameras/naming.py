"""Names of groups, for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pairmill.schemas.groups import GroupSource

P = TypeVar("P")
LONGEST = 80
"""Characters of a name, before its number."""
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Part(Generic[P]):
    """Photographs that belong together."""

    title: str
    """What they share, in a few words."""
    source: GroupSource
    """How that is known."""
    photographs: Sequence[P]
    """By digest."""
    notes: tuple[str, ...] = ()
    """What is uncertain."""


def slug(text: str) -> str:
    """Lower-case words with dashes between them: a key, such as `nikon-d5-50mm`."""
    return _OTHER.sub("-", text.lower()).strip("-")[:LONGEST].strip("-") or "camera"


def unique_names(parts: Sequence[Part[P]]) -> list[str]:
    """A name for each; of equal ones the later get a number. Names of a recipe stay as they are."""
    given = {part.title for part in parts if part.source is GroupSource.NAMES}
    taken, names = set(given), list[str]()
    for part in parts:
        name = part.title if part.source is GroupSource.NAMES else _free(slug(part.title), taken)
        taken.add(name)
        names.append(name)
    return names


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
