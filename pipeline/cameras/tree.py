"""A tree of cameras, lenses, zooms, focal lengths and apertures, as deep as there are photographs
for.

A node is divided where parts of it are large enough. What is too small for a part of its own stays
in the node, or, where that leaves too little, goes to the part that is next to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from pairmill.pipeline.cameras.naming import Part
from pairmill.schemas.camera import CameraFacts
from pairmill.schemas.groups import GroupSource

WIDE_OPEN = 0.5
"""Stops below the widest aperture of a node that still count as wide open."""
STOPS = 3.0
"""Stops that share a bin when a lens is stopped down further."""
ENLARGED = 1.05
"""Digital zoom that counts as none."""


class Photographed(Protocol):
    """What the tree must know of a photograph."""

    @property
    def digest(self) -> str:
        """Pixel digest."""

    @property
    def camera(self) -> CameraFacts | None:
        """What its file says."""


P = TypeVar("P", bound=Photographed)
Label = str | int | None
Labels = Callable[[Sequence[CameraFacts]], list[Label]]
"""Which part of a node each of its photographs belongs to; none where nothing is said."""


@dataclass(frozen=True)
class Level:
    """One way to divide a node."""

    labels: Labels
    ordered: bool
    """Whether labels are numbers, so that one part is next to another."""
    title: Callable[[Sequence[CameraFacts]], str]
    """What the photographs of a part share, for their name."""
    noun: str
    """What differs between the parts."""


def camera_parts(photographs: Sequence[P], least: int) -> tuple[list[Part[P]], list[P]]:
    """Parts of at least `least` photographs, and those of all cameras that have fewer.

    Args:
        photographs: Photographs that name their camera, by digest.
        least: Fewest photographs of a part.
    """
    by_camera: dict[Label, list[P]] = {}
    for photograph, label in zip(photographs, _cameras(_facts(photographs)), strict=True):
        by_camera.setdefault(label, []).append(photograph)
    parts, various = list[Part[P]](), list[P]()
    for chosen in by_camera.values():
        if len(chosen) < least:
            various += chosen
        else:
            title = _facts(chosen)[0].name
            leaves = _divided(Part(title, GroupSource.EXIF, chosen), LEVELS, least)
            parts += [_with_focal_length(leaf) for leaf in leaves]
    return parts, sorted(various, key=lambda photograph: photograph.digest)


def _with_focal_length(leaf: Part[P]) -> Part[P]:
    """With the focal length in its name, if it is the same for all: most know a lens by it."""
    lengths = {camera.focal_length for camera in _facts(leaf.photographs)}
    said = _span(list(lengths), "mm") if len(lengths) == 1 else ""
    return leaf if said in leaf.title else replace(leaf, title=f"{leaf.title} {said}")


def _facts(photographs: Sequence[P]) -> list[CameraFacts]:
    return [photograph.camera or CameraFacts() for photograph in photographs]


def _divided(node: Part[P], levels: Sequence[Level], least: int) -> list[Part[P]]:
    """The leaves below a node."""
    if not levels:
        return [node]
    level, *deeper = levels
    labels = level.labels(_facts(node.photographs))
    members: dict[Label, list[P]] = {}
    for photograph, label in zip(node.photographs, labels, strict=True):
        members.setdefault(label, []).append(photograph)
    large = {label: chosen for label, chosen in members.items() if len(chosen) >= least}
    small = {label: chosen for label, chosen in members.items() if len(chosen) < least}
    if len(members) == 1 or not large:
        said = f"{len(members)} {level.noun}, too few photographs of each"
        notes = (*node.notes, said) if len(members) > 1 else node.notes
        return _divided(replace(node, notes=notes), deeper, least)
    rest = sorted((p for chosen in small.values() for p in chosen), key=lambda p: p.digest)
    kept = len(rest) >= least and not level.ordered
    parts = _parts(node, level, large, {} if kept else small)
    leaves = [leaf for part in parts for leaf in _divided(part, deeper, least)]
    if kept:
        said = f"{len(small)} {level.noun}, too few photographs of each"
        leaves.append(replace(node, photographs=rest, notes=(*node.notes, said)))
    return leaves


def _parts(
    node: Part[P], level: Level, large: dict[Label, list[P]], small: dict[Label, list[P]]
) -> list[Part[P]]:
    """The parts of a node, each with the small ones that are next to it."""
    taken: dict[Label, list[P]] = {label: [] for label in large}
    for label, chosen in small.items():
        taken[_next_to(label, large, ordered=level.ordered)] += chosen
    parts = []
    for label, chosen in large.items():
        title = node.title
        if len(large) > 1 or not taken[label]:
            title = f"{node.title} {level.title(_facts(chosen))}".strip()
        notes = node.notes
        if taken[label]:
            notes += (f"{len(taken[label])} of other {level.noun}",)
        together = sorted((*chosen, *taken[label]), key=lambda photograph: photograph.digest)
        parts.append(replace(node, title=title, photographs=together, notes=notes))
    return parts


def _next_to(label: Label, large: dict[Label, list[P]], *, ordered: bool) -> Label:
    numbers = sorted(other for other in large if isinstance(other, int))
    if ordered and isinstance(label, int) and numbers:
        return min(numbers, key=lambda other: (abs(other - label), other))
    return max(large, key=lambda other: (len(large[other]), large[other][0].digest))


def _cameras(facts: Sequence[CameraFacts]) -> list[Label]:
    return [f"{camera.make.casefold()}\n{camera.model.casefold()}" for camera in facts]


def _lenses(facts: Sequence[CameraFacts]) -> list[Label]:
    return [camera.lens.casefold() or None for camera in facts]


def _lens_title(facts: Sequence[CameraFacts]) -> str:
    camera = facts[0]
    lens, maker = camera.lens, camera.name.partition(" ")[0]
    return lens.removeprefix(maker).strip() if maker else lens


def _zooms(facts: Sequence[CameraFacts]) -> list[Label]:
    """0 without digital zoom, then one number per doubling."""
    return [
        0 if camera.digital_zoom <= ENLARGED else 1 + int(math.log2(camera.digital_zoom))
        for camera in facts
    ]


def _zoom_title(facts: Sequence[CameraFacts]) -> str:
    most = max(camera.digital_zoom for camera in facts)
    return "" if most <= ENLARGED else f"zoom {most:g}"


def _focal_lengths(facts: Sequence[CameraFacts]) -> list[Label]:
    """Octaves, whose middles are powers of 2."""
    return [
        None if camera.focal_length is None else round(math.log2(camera.focal_length))
        for camera in facts
    ]


def _focal_title(facts: Sequence[CameraFacts]) -> str:
    return _span([camera.focal_length for camera in facts], "mm")


def _apertures(facts: Sequence[CameraFacts]) -> list[Label]:
    """0 wide open, as far as these photographs tell, then one number per `STOPS`."""
    known = [camera.aperture for camera in facts if camera.aperture is not None]
    labels = list[Label]()
    for camera in facts:
        if camera.aperture is None:
            labels.append(None)
        else:
            stops = 2 * math.log2(camera.aperture / min(known))
            labels.append(0 if stops <= WIDE_OPEN else 1 + int((stops - WIDE_OPEN) / STOPS))
    return labels


def _aperture_title(facts: Sequence[CameraFacts]) -> str:
    said = _span([camera.aperture for camera in facts], "")
    return f"f{said}" if said else ""


def _span(values: Sequence[float | None], unit: str) -> str:
    known = sorted({value for value in values if value is not None})
    if not known:
        return ""
    first, last = f"{known[0]:.3g}", f"{known[-1]:.3g}"
    return f"{first}{unit}" if first == last else f"{first}-{last}{unit}"


LEVELS = (
    Level(_lenses, False, _lens_title, "lenses"),
    Level(_zooms, True, _zoom_title, "digital zooms"),
    Level(_focal_lengths, True, _focal_title, "focal lengths"),
    Level(_apertures, True, _aperture_title, "apertures"),
)
"""Ways to divide the photographs of one camera, one after the other."""
