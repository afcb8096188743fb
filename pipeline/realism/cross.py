"""The cross-camera matrix: LR that was made after one group of photographs against the photographs
of every group.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pairmill.pipeline.realism.compare import compare, real_against_real
from pairmill.pipeline.realism.patches import Patches
from pairmill.schemas.realism import RealismConfig, RealismResult
from pairmill.schemas.realism_card import CrossCamera, Score

GROUPS, PATCHES, FOLDS = 4, 250, 3
"""Most groups, those with most photographs; most patches of either side of a comparison, half of a
report's; and folds: there are many comparisons, and other cameras are told easily."""


def cross_camera(
    photographs: Mapping[str, Patches], made: Mapping[str, Patches], config: RealismConfig
) -> CrossCamera | None:
    """AUC of every group's LR against every group's photographs, without the network, and of
    photographs against photographs.

    LR of a group should be guessed among its own photographs, and be told from those of another
    camera as surely as that camera's photographs are.

    Args:
        photographs: Patches of photographs by group.
        made: Patches of LR by the group that it was made after.
        config: How to measure.

    Returns:
        The matrix; none where there are no two groups with photographs and LR.
    """
    counts = {name: len(set(side.sources.tolist())) for name, side in photographs.items()}
    known = [name for name in photographs if name in made and counts[name]]
    names = sorted(known, key=lambda name: (-counts[name], name))[:GROUPS]
    if len(names) < 2:
        return None
    config = config.with_(
        network=False, patches=min(PATCHES, config.patches), folds=min(FOLDS, config.folds)
    )
    lr = [[_score(compare(photographs[b], made[a], config).result) for b in names] for a in names]
    return CrossCamera(
        groups=tuple(names),
        photographs=tuple(counts[name] for name in names),
        lr=tuple(map(tuple, lr)),
        control=_control([photographs[name] for name in names], config),
    )


def _control(sides: list[Patches], config: RealismConfig) -> tuple[tuple[Score | None, ...], ...]:
    """Photographs against photographs; the lower half of the matrix is the upper one."""
    rows: list[list[Score | None]] = [[None] * len(sides) for _ in sides]
    for a, first in enumerate(sides):
        rows[a][a] = _score(real_against_real(first, config))
        for b in range(a + 1, len(sides)):
            found = compare(first, sides[b], config).result
            rows[a][b] = rows[b][a] = _score(found)
    return tuple(map(tuple, rows))


def _score(result: RealismResult) -> Score | None:
    if result.auc is None:
        return None
    return Score(value=result.auc, interval=result.interval)


def by_group(patches: Patches, groups: Mapping[str, str]) -> dict[str, Patches]:
    """Patches of the sources of every group.

    Args:
        patches: Patches of photographs.
        groups: Name of the group by source; sources without one are left out.
    """
    of = np.array([groups.get(name, "") for name in patches.sources.tolist()])
    return {name: patches[np.flatnonzero(of == name)] for name in sorted(set(of.tolist()) - {""})}
