"""What the libraries' calls of a synthesis take by themselves: with the sizes, parameters and
pixels of the programs that a corpus drew, and nothing between them.

Each call is repeated where a synthesis makes it, and its shortest time counts, in processor time.
Not counted are numpy's sums and products between the calls, records, the digest of the shard, and
files: so this is a floor of the time, for any code that makes the same bits by these calls.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest import mock

import cv2
import numpy as np
import torch

from benchmarks.bench_synthesis import batch_of
from benchmarks.common import forget
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.ops import noise
from pairmill.pipeline.runner.execution import run_batch
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.shards import tar
from pairmill.pipeline.stages import clean_up, synthesize

CALLS: dict[str, tuple[tuple[Any, str], ...]] = {
    "transforms": ((cv2, "dft"), (cv2, "mulSpectrums")),
    "matrix products": ((np, "matmul"), (torch, "_int_mm")),
    "JPEG": ((cv2, "imencode"), (cv2, "imdecode")),
    "random words": ((noise, "raw_words"),),
    "look-ups": ((np, "take"), (cv2, "LUT")),
    "decoding, PNG": ((clean_up, "read_hr"), (tar, "encode")),
    "SHA-256": ((synthesize, "pixel_digest"),),
}
"""Where each call is found, by what it is for."""
IN_PLACE = {"dft": 1, "mulSpectrums": 3}
"""The place of the array that a call writes to, among its arguments: the repeats get none, for it
may be one that they read."""
REPEATS = 2


def milliseconds(made: BuildResult, profile: Profile) -> dict[str, float]:
    """By what calls are for: milliseconds per megapixel of HR of a corpus that was made."""
    batch = batch_of(made, profile)
    forget(batch)
    with _timed() as seconds:
        run_batch(batch)
    pixels = made.hr.manifest.tiles * made.recipe.tiles.size**2 / 1e6
    return {what: 1e3 * seconds[what] / pixels for what in CALLS}


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """While this is open, calls add what they take, in seconds."""
    seconds = defaultdict[str, float](float)
    with ExitStack() as stack:
        for what, calls in CALLS.items():
            for owner, name in calls:
                timed = _repeated(getattr(owner, name), what, seconds)
                stack.enter_context(mock.patch.object(owner, name, timed))
        yield seconds


def _repeated(call: Callable[..., Any], what: str, seconds: dict[str, float]) -> Callable[..., Any]:
    place = IN_PLACE.get(getattr(call, "__name__", ""))

    @wraps(call)
    def timed(*arguments: Any, **named: Any) -> Any:
        again = list(arguments)
        if place is not None and place < len(again):
            again[place] = None
        times = [_seconds(call, again, named)[0] for _ in range(REPEATS)]
        last, found = _seconds(call, arguments, named)
        seconds[what] += min(*times, last)
        return found

    return timed


def _seconds(call: Callable[..., Any], arguments: Any, named: Any) -> tuple[float, Any]:
    start = time.process_time()
    found = call(*arguments, **named)
    return time.process_time() - start, found
