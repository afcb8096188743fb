"""The groups of photographs that share a camera."""

from __future__ import annotations

from pairmill.pipeline.html.markup import Raw, counted, el, of, section, table
from pairmill.pipeline.pools.groups import COLUMNS, group_row, group_views
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.groups import GroupsSection

SHOWN = 100
"""Maximum number of groups that are listed."""


def collect_groups(manifest: CorpusManifest) -> GroupsSection | None:
    """The groups of a version; none where its pools are of no photographs."""
    if not manifest.groups:
        return None
    return GroupsSection(shown=group_views(manifest.groups, manifest.identity.pools))


def groups_html(groups: GroupsSection) -> Raw:
    """Which photographs belong together, how that is known, and what they gave."""
    rows: list[list[object]] = []
    for view in groups.shown[:SHOWN]:
        name, *others = group_row(view)
        rows.append([el("bdi", name), *others])
    return section(
        "groups",
        "Cameras",
        _lead(groups),
        table(COLUMNS, rows, "Groups of photos", frozenset({1})),
        el("p", of(len(rows), len(groups.shown)), class_="quiet small gap")
        if len(rows) < len(groups.shown)
        else None,
        folded=True,
    )


def _lead(groups: GroupsSection) -> str:
    if len(groups.shown) == 1:
        return (
            "All real images count as one camera: a sample may combine the kernel of one with the "
            "noise and the compression of others."
        )
    return (
        f"The real images come from {counted(len(groups.shown), 'camera')}. Kernel, noise and "
        "compression of a sample are all of one camera, drawn in proportion to its photos."
    )
