"""One random stream per purpose and key; the same parts give the same stream on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def stream_key(*parts: str | int) -> int:
    """128-bit key of a stream: blake2b over the length-prefixed, typed parts, so that no two lists
    of parts collide.
    """
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = f"{type(part).__name__}:{part}".encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(state.digest(), "little")


def stream(*parts: str | int) -> np.random.Generator:
    """Philox generator keyed by `parts`, such as (seed, "draw", sample key)."""
    return np.random.Generator(np.random.Philox(key=stream_key(*parts)))


def pick(rng: np.random.Generator, count: int) -> int:
    """A uniform integer in [0, count), from one double, which numpy promises never to change."""
    return min(int(rng.random() * count), count - 1)


def picks(rng: np.random.Generator, counts: Sequence[int]) -> list[int]:
    """What `pick` would give for each of these counts, one after the other, in a fraction of the
    time.
    """
    values = rng.random(len(counts)).tolist()
    return [min(int(value * count), count - 1) for value, count in zip(values, counts, strict=True)]


def raw_words(key: str, count: int) -> NDArray[np.uint64]:
    """The first words of the Philox stream with a key of 32 hexadecimal digits: what a program
    means by a field's key.
    """
    return np.random.Philox(key=int(key, 16)).random_raw(count)
