"""The groups of photographs that samples draw from: what they gave to the pools, in words and
numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pairmill.pipeline.degraders.one_group import taking_part
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.base import PoolTable
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.groups import GroupRecord, GroupView, PhotographGroups


def group_records(groups: PhotographGroups | None) -> tuple[GroupRecord, ...]:
    """The groups, without the digests of their photographs."""
    return tuple(
        GroupRecord(
            name=group.name,
            source=group.source,
            photographs=len(group.photographs),
            shared=group.shared,
            notes=group.notes,
        )
        for group in (groups.groups if groups else ())
    )


def group_views(records: Sequence[GroupRecord], refs: Sequence[PoolRef]) -> tuple[GroupView, ...]:
    """What each group gave to the pools, and what it borrows from the others.

    Args:
        records: The groups by number.
        refs: The pools of a version.
    """
    known = {ref.kind: ref.groups for ref in refs if ref.groups is not None}
    rows = {kind: Counter(groups.rows) for kind, groups in known.items()}
    needed = [kind for kind in known if not POOLS[kind].by_share]
    taking = taking_part([known[kind] for kind in needed]) if needed else {}
    views = []
    for number, record in enumerate(records):
        own = {kind: counts[number] for kind, counts in rows.items()}
        if len(records) == 1:
            own = {ref.kind: ref.count for ref in refs}
        takes = len(records) == 1 or number in taking
        lacking = tuple(kind for kind in needed if not own[kind]) if takes else ()
        views.append(GroupView(group=record, rows=own, borrows=lacking, takes_part=takes))
    return tuple(views)


def group_counts(groups: PhotographGroups | None, refs: Sequence[PoolRef]) -> dict[str, int]:
    """How many groups there are, for the manifest of a version; nothing where there is one."""
    if groups is None or not groups.several:
        return {}
    views = group_views(group_records(groups), refs)
    counts = {
        "groups": len(views),
        "groups_borrowing": sum(bool(view.borrows) for view in views),
        "groups_unused": sum(not view.takes_part for view in views),
    }
    return {name: count for name, count in counts.items() if count}


COLUMNS = ("group", "photographs", "known from", "in the pools", "uncertain")


def group_row(view: GroupView) -> list[object]:
    """A group in a table of `COLUMNS`."""
    group = view.group
    return [
        group.name,
        group.photographs,
        str(group.source),
        ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in view.rows.items()),
        "; ".join((*group.notes, *borrowing(view))),
    ]


def borrowing(view: GroupView) -> list[str]:
    """What a group takes from the others, in words."""
    if not view.takes_part:
        return ["gave nothing to the pools: no sample is of it"]
    if not view.borrows:
        return []
    kinds = " and ".join(kind.replace("_", " ") for kind in view.borrows)
    return [f"has no {kinds} of its own: taken from all groups"]


def group_table(groups: PhotographGroups, refs: Sequence[PoolRef]) -> PoolTable:
    """The groups, for a terminal."""
    views = group_views(group_records(groups), refs)
    title = "one group of photographs"
    if groups.several:
        title = f"{len(views)} groups of photographs; a sample takes all from one"
    return PoolTable(title, COLUMNS, [group_row(view) for view in views], ("",))
