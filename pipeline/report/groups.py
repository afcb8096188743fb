"""The groups of photographs that share a camera."""

from __future__ import annotations

from pairmill.pipeline.html.markup import Raw, counted, el, section, table
from pairmill.pipeline.pools.groups import COLUMNS, group_row, group_views
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.groups import GroupsSection


def collect_groups(manifest: CorpusManifest) -> GroupsSection | None:
    """The groups of a version; none where its pools are of no photographs."""
    if not manifest.groups:
        return None
    return GroupsSection(shown=group_views(manifest.groups, manifest.identity.pools))


def groups_html(groups: GroupsSection) -> Raw:
    """Which photographs belong together, how that is known, and what they gave."""
    rows: list[list[object]] = []
    for view in groups.shown:
        name, *others = group_row(view)
        rows.append([el("bdi", name), *others])
    return section(
        "groups",
        "Cameras",
        _lead(groups),
        table(COLUMNS, rows, "Groups of photographs", frozenset({1})),
    )


def _lead(groups: GroupsSection) -> str:
    if len(groups.shown) == 1:
        return (
            "All real images are one group: kernels, noise and compression of any of them are "
            "combined."
        )
    return (
        f"The real images are {counted(len(groups.shown), 'group')} that share a camera each. "
        "Kernel, noise and compression of a sample come from one group, drawn in proportion to "
        "its photographs."
    )
