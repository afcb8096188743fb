"""Deterministic choices of what to show when there is more than fits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from pairmill.schemas.report import Histogram

T = TypeVar("T")


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 .. count - 1, evenly spread, the first one included."""
    shown = min(count, most)
    return [number * count // shown for number in range(shown)]


def lottery(text: str) -> bytes:
    """A place in an order that has nothing to do with the content."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def in_turn(items: Iterable[T], group: Callable[[T], Any]) -> list[T]:
    """Items in an order that takes one of each group in turn; groups in the order of their first
    item.
    """
    queues: dict[Any, list[T]] = {}
    for item in items:
        queues.setdefault(group(item), []).append(item)
    turns: list[T] = []
    for turn in range(max(map(len, queues.values()), default=0)):
        turns += [queue[turn] for queue in queues.values() if turn < len(queue)]
    return turns


def histogram(values: Sequence[float], bins: int = 24, *, whole: bool = False) -> Histogram:
    """Values counted in equal intervals over their range; `whole` numbers get intervals around
    integers.
    """
    if not values:
        return Histogram(edges=(0.0, 1.0), counts=(0,))
    low, high = min(values), max(values)
    if whole:
        width = max(1, -(-(int(high) - int(low) + 1) // bins))
        edges = np.arange(int(low), int(high) + width + 1, width) - 0.5
    else:
        margin = 0.0 if high > low else max(abs(high), 1.0) * 0.05
        edges = np.linspace(low - margin, high + margin, min(bins, max(6, len(values) // 2)) + 1)
    counts, _ = np.histogram(values, edges)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))
