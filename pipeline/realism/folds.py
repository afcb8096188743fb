"""Cross-validation by image: every source image, with all its real and synthetic patches, is in one
fold.
"""

from __future__ import annotations

from collections.abc import Mapping

from pairmill.pipeline.rng import stream


def assign_folds(groups: Mapping[str, str], folds: int, seed: int) -> dict[str, int]:
    """Deal source images to folds like cards, one group after the other, so that every fold gets
    its share of each.

    Args:
        groups: Group of each source image, such as whether it gives real patches, synthetic ones or
            both.
        folds: Number of folds.
        seed: Seed of the draws.

    Returns:
        The fold of each source, 0 .. folds - 1.
    """
    lots = {name: float(stream("realism", seed, "fold", name).random()) for name in groups}
    order = sorted(groups, key=lambda name: (groups[name], lots[name], name))
    return {name: place % folds for place, name in enumerate(order)}


def halves(sources: list[str], seed: int, repeat: int) -> set[str]:
    """Half of the sources, at random: those that play the synthetic side in the control of real
    against real.
    """
    lots = {name: float(stream("realism", seed, "half", repeat, name).random()) for name in sources}
    return set(sorted(sources, key=lambda name: (lots[name], name))[: len(sources) // 2])
