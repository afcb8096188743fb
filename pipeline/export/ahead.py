"""Entries of a stream made by a thread, some batches before they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

BATCH = 2 << 20
"""Bytes after which a batch is handed over: few enough to begin early, enough to switch threads
seldom."""
BATCHES = 32


def ahead(entries: Iterator[T], size: Callable[[T], int]) -> Iterator[T]:
    """The same entries in the same order, at most about `BATCH * BATCHES` bytes of them waiting.

    What a thread gains is that reading and hashing, which leave the interpreter to others, go on
    while the caller writes. An entry of size 0 ends its batch: if the next one cannot be made, all
    before it arrive all the same.

    Raises:
        Exception: what making an entry raises, where that entry would be.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        waiting = deque(pool.submit(_batch, entries, size) for _ in range(BATCHES))
        try:
            while batch := waiting.popleft().result():
                waiting.append(pool.submit(_batch, entries, size))
                yield from batch
        finally:
            pool.shutdown(cancel_futures=True)


def _batch(entries: Iterator[T], size: Callable[[T], int]) -> list[T]:
    """The next entries, up to `BATCH` bytes; none when there are no more."""
    batch: list[T] = []
    total = 0
    for entry in entries:
        batch.append(entry)
        weight = size(entry)
        total += weight
        if total >= BATCH or weight == 0:
            break
    return batch
