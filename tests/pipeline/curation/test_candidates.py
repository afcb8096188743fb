"""Which images are worth comparing: by keypoints and by hashes."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pairmill.pipeline.curation.candidates import by_hash, by_keypoints
from pairmill.pipeline.curation.groups import components
from pairmill.pipeline.curation.keypoints import distance
from pairmill.schemas.curation import AlikePair


def brute(codes: NDArray[np.uint64], picture: NDArray[np.int64]) -> set[tuple[int, int]]:
    near = (distance(codes[:, None], codes[None]) <= 12) & (picture[:, None] < picture[None])
    found = set()
    for a in range(int(picture.max()) + 1):
        for b in range(a + 1, int(picture.max()) + 1):
            part = near[np.ix_(picture == a, picture == b)]
            if min(part.any(axis=1).sum(), part.any(axis=0).sum()) >= 4:
                found.add((a, b))
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_candidates_are_those_of_comparing_all_with_all(seed: int) -> None:
    """Codes of copies differ in a few bits; sorted five ways, next to all of a pair's keypoints
    meet, and no pair is made up."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << 63, (6, 20, 2), dtype=np.uint64) * np.uint64(2)
    flips = np.where(
        rng.random((20, 2)) < 0.8,
        np.uint64(1) << rng.integers(0, 63, (20, 2)).astype(np.uint64),
        np.uint64(0),
    )
    codes[4] = codes[1] ^ flips
    codes[5, :3] = codes[0, :3]  # three are too few
    flat_codes, picture = codes.reshape(-1, 2), np.repeat(np.arange(6), 20)
    found = {tuple(pair) for pair in by_keypoints(flat_codes, picture).tolist()}
    assert found == brute(flat_codes, picture) == {(1, 4)}


def test_a_repeated_pattern_votes_once() -> None:
    """Twenty keypoints that are all alike, in two images, are one piece of evidence."""
    codes = np.repeat(
        np.random.default_rng(1).integers(0, 1 << 62, (1, 2), dtype=np.uint64), 20, axis=0
    )
    codes[0] ^= np.uint64(1 << 60)  # so that the image has two
    assert len(by_keypoints(np.concatenate([codes[:2], codes]), np.repeat([0, 1], [2, 20]))) == 0


def test_very_many_copies_of_one_picture_stay_together() -> None:
    """Two hundred copies: not all pairs are compared, but enough to tie all together, and the
    number of pairs is bounded."""
    one = np.random.default_rng(2).integers(0, 1 << 63, (30, 2), dtype=np.uint64)
    pairs = by_keypoints(np.tile(one, (200, 1)), np.repeat(np.arange(200), 30))
    assert 199 <= len(pairs) <= 200 * 64
    names = [str(number) for number in range(200)]
    pair: Any = AlikePair.model_construct
    tied = [pair(first=names[a], second=names[b]) for a, b in pairs.tolist()]
    assert len(components(names, tied)) == 1


@given(st.lists(st.integers(0, 63), max_size=6, unique=True), st.integers(0, 2**64 - 1))
def test_hashes_of_up_to_six_different_bits_meet(bits: list[int], value: int) -> None:
    other = value
    for bit in bits:
        other ^= 1 << bit
    far = value ^ sum(1 << bit for bit in range(0, 56, 8))
    assert by_hash([value, None, other, None]).tolist() == [[0, 2]]
    assert by_hash([value, far]).tolist() == []
    assert by_hash([]).tolist() == []
