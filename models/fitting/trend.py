"""The trend of a fit's AUC over its checks: whether it still falls, and which check to keep."""

from __future__ import annotations

import math
from collections.abc import Sequence

MARGIN = 0.02
"""How much higher than the lowest an AUC may be for the later check to be kept: less than this is
chance."""
ALWAYS = 0.98
"""From here on nearly every patch is told, and differences between AUCs say nothing."""


def stalled(aucs: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` measured checks brought no AUC lower than the lowest before them;
    never with patience 0.

    Args:
        aucs: of all checks, oldest first; not a number where it could not be measured.
        patience: checks to wait.
    """
    known = _known(aucs)
    return 0 < patience < len(known) and min(known[-patience:]) >= min(known[:-patience])


def keeps_up(aucs: Sequence[float]) -> bool:
    """Whether the last check is the one to keep: not measured at all, or hardly above the lowest
    AUC so far.
    """
    known = _known(aucs)
    return not known or (not math.isnan(aucs[-1]) and aucs[-1] <= limit(min(known)))


def lowest(aucs: Sequence[float]) -> bool:
    """Whether the last check was measured, and is lower than all before it."""
    known = _known(aucs)
    return not math.isnan(aucs[-1]) and all(aucs[-1] < value for value in known[:-1])


def limit(low: float) -> float:
    """The AUC up to which a later check is kept: `MARGIN` above the lowest, but no more than
    half-way to 1.
    """
    if low >= ALWAYS:
        return 1.0
    return min(low + MARGIN, (low + 1) / 2)


def finite_or_none(aucs: Sequence[float]) -> tuple[float | None, ...]:
    """The trend to be stored: none where there is no number."""
    return tuple(None if math.isnan(value) else value for value in aucs)


def _known(aucs: Sequence[float]) -> list[float]:
    return [value for value in aucs if not math.isnan(value)]
