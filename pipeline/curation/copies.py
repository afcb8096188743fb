"""Near-duplicates as groups: which images show the same, and the pairs that tie a group
together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pairmill.pipeline.curation.groups import components
from pairmill.pipeline.subset import in_turn
from pairmill.schemas.curation import AlikePair, Curated
from pairmill.schemas.curation_report import CopyGroup
from pairmill.schemas.image import ImageRecord

WHOLE, TWICE = 0.9, 4
"""Share of both images that the other has to show as well, and how many times as many pixels the
larger has at least."""
NAMED = 24
"""Maximum number of images of a group that are named."""


def telling(pairs: Sequence[AlikePair], kind: Callable[[str], str]) -> list[AlikePair]:
    """Pairs of a real and a clean image first, then those that share most."""

    def order(pair: AlikePair) -> tuple[bool, float, str, str]:
        return (
            kind(pair.first) == kind(pair.second),
            -pair.overlap * pair.correlation,
            pair.first,
            pair.second,
        )

    return sorted(pairs, key=order)


def tied(pairs: Sequence[AlikePair]) -> list[list[str]]:
    """Images that pairs tie together, largest groups first."""
    images = {digest for pair in pairs for digest in (pair.first, pair.second)}
    return sorted(components(images, pairs), key=lambda group: (-len(group), group))


def small_copies(pairs: Sequence[AlikePair], records: Mapping[str, ImageRecord]) -> int:
    """How many images are the whole of another one that has at least twice their sides, as
    thumbnails and exports of photos are.
    """
    found = set()
    for pair in pairs:
        known = pair.first in records and pair.second in records
        if not known or min(map(_shown, pair.boxes)) < WHOLE:
            continue
        small, large = sorted((records[pair.first], records[pair.second]), key=_area)
        if _area(large) >= TWICE * _area(small):
            found.add(small.pixel_sha256)
    return len(found)


def _shown(box: tuple[float, float, float, float]) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _area(image: ImageRecord) -> int:
    return image.width * image.height


def mixed(groups: Sequence[Sequence[str]], kind: Callable[[str], str]) -> int:
    """How many groups have both real and clean images."""
    return sum(len({kind(digest) for digest in group}) > 1 for group in groups)


def shown_pairs(pairs: Sequence[AlikePair], groups: Sequence[Sequence[str]]) -> list[AlikePair]:
    """One pair fewer than images of each group: the most telling that tie it together, one of
    each group in turn.
    """
    place = {digest: number for number, group in enumerate(groups) for digest in group}
    root = {digest: digest for digest in place}
    kept = []
    for pair in pairs:
        first, second = _root(root, pair.first), _root(root, pair.second)
        if first != second:
            root[first] = second
            kept.append(pair)
    return in_turn(kept, lambda pair: place[pair.first])


def _root(parents: dict[str, str], digest: str) -> str:
    while parents[digest] != digest:
        parents[digest] = digest = parents[parents[digest]]
    return digest


def copy_group(
    group: Sequence[str],
    pairs: Sequence[AlikePair],
    found: Curated,
    records: Mapping[str, ImageRecord],
    name: Callable[[str], str],
) -> CopyGroup:
    """What there is to say of a group: it is named after an image that stays, the largest of
    them.
    """
    left, members = found.images.by_digest(), set(group)

    def order(digest: str) -> tuple[bool, int, str]:
        return (
            digest not in left,
            -records[digest].width * records[digest].height if digest in records else 0,
            digest,
        )

    ordered, roles = (
        sorted(group, key=order),
        [str(records[digest].role) for digest in group if digest in records],
    )
    inside = [pair for pair in pairs if pair.first in members]
    overlaps = [pair.overlap for pair in inside]
    return CopyGroup(
        names=tuple(name(digest) for digest in ordered[:NAMED]),
        images=len(group),
        pairs=len(inside),
        real=roles.count("real"),
        clean=roles.count("clean"),
        overlaps=(min(overlaps), max(overlaps)),
        outcome=_outcome(
            [digest for digest in group if digest in left], len(group), found.split_keys
        ),
    )


def _outcome(left: Sequence[str], total: int, keys: Mapping[str, str]) -> str:
    gone = ""
    if len(left) < total:
        gone = f"{total - len(left)} rejected"
    if len(left) < 2:
        return gone
    together = "in splits of their own"
    if len({keys.get(digest, digest) for digest in left}) == 1:
        together = "in one split"
    if gone:
        return f"{gone}, the others {together}"
    return together
