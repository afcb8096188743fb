"""Values counted in intervals."""

from __future__ import annotations

from pairmill.schemas.base import Frozen


class Histogram(Frozen):
    """How many values lie between neighbouring edges."""

    edges: tuple[float, ...]
    """Ascending; one more than the counts."""
    counts: tuple[int, ...]
    """Values in each interval; the last one includes its upper edge."""
