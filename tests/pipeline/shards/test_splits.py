"""Splits and shards: every image in one split, every tile in one shard."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairmill.pipeline.rng import stream
from pairmill.pipeline.shards.packing import pack
from pairmill.pipeline.shards.splits import split_images
from pairmill.schemas.image import ImageRecord, Role
from pairmill.schemas.recipe import SplitsConfig
from pairmill.schemas.shard import TilesOfImage


def digests(count: int, start: int = 0) -> list[str]:
    return [
        hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + count)
    ]


THREE = SplitsConfig(train=0.8, val=0.15, test=0.05)


@given(
    st.integers(0, 40),
    st.integers(0, 9),
    st.sampled_from([SplitsConfig(), THREE, SplitsConfig(train=1, val=0)]),
)
def test_every_image_is_in_one_split(count: int, seed: int, config: SplitsConfig) -> None:
    images = digests(count)
    chosen = split_images(images, config, seed)
    assert set(chosen) == set(images)
    assert set(chosen.values()) <= set(config.shares())
    if count >= 2 * len(config.shares()):
        assert set(chosen.values()) == set(config.shares())  # no split stays empty
    assert split_images(images[::-1], config, seed) == chosen


@given(st.integers(60, 90), st.integers(1, 60), st.integers(0, 9))
def test_new_images_move_no_old_one(old: int, new: int, seed: int) -> None:
    """With so many images that none had to be moved to fill an empty split."""
    config = SplitsConfig(train=0.6, val=0.4)
    before, after = (
        split_images(digests(old), config, seed),
        split_images(digests(old + new), config, seed),
    )
    assert all(after[image] == split for image, split in before.items())


def test_moves_fill_an_empty_split_and_nothing_else() -> None:
    """Among a handful, more images move at most those that had been moved, back to where they
    fell."""
    config = SplitsConfig(train=0.9, val=0.1)
    for seed in range(30):
        alone = {image: split_images([image], config, seed)[image] for image in digests(6)}
        chosen = split_images(digests(6), config, seed)
        moved = [image for image in chosen if chosen[image] != alone[image]]
        assert len(moved) == (0 if len(set(alone.values())) == 2 else 1)


def test_the_image_that_fell_nearest_is_moved() -> None:
    """An empty first split takes the image with the least draw, an empty last one that with the
    greatest."""
    images = digests(5)
    for config, empty in (
        (SplitsConfig(train=1e-9, val=1), "train"),
        (SplitsConfig(train=1, val=1e-9), "val"),
    ):
        draws = {image: stream(4, "split", image).random() for image in images}
        wanted = (min if empty == "train" else max)(images, key=lambda image: draws[image])
        assert [
            image for image, split in split_images(images, config, 4).items() if split == empty
        ] == [wanted]


def test_shares_are_about_right() -> None:
    counts = Counter(split_images(digests(4000), THREE, 5).values())
    assert counts["train"] == pytest.approx(3200, rel=0.03)
    assert counts["val"] == pytest.approx(600, rel=0.12)
    assert counts["test"] == pytest.approx(200, rel=0.2)


def test_seeds_split_differently() -> None:
    assert split_images(digests(50), THREE, 0) != split_images(digests(50), THREE, 1)


def test_a_lone_image_trains() -> None:
    for seed in range(30):
        assert len(split_images(digests(1), THREE, seed)) == 1


def test_shares_are_relative() -> None:
    assert SplitsConfig(train=8, val=1, test=1).shares() == {"train": 0.8, "val": 0.1, "test": 0.1}
    assert SplitsConfig(train=3, val=0).shares() == {"train": 1.0}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, {"train": 0.9, "val": 0.1}),
        ({"train": 1.0}, {"train": 1.0}),
        ({"train": 0.9, "test": 0.1}, {"train": 0.9, "test": 0.1}),
        ({"train": 0.9}, {"train": 0.9, "val": 0.1}),
        ({"train": 1.0, "val": 0.25}, {"train": 0.8, "val": 0.2}),
    ],
)
def test_val_is_nothing_where_others_take_all(
    said: dict[str, float], meant: dict[str, float]
) -> None:
    assert SplitsConfig.model_validate(said).shares() == pytest.approx(meant)


def part(number: int, tiles: int) -> TilesOfImage:
    digest = digests(1, number)[0]
    image = ImageRecord(
        url=f"/{number}",
        role=Role.REAL,
        format="PNG",
        width=9,
        height=9,
        bytes=9,
        file_sha256=digest,
        pixel_sha256=digest,
    )
    return TilesOfImage(
        image=image, hr_key=digest, cleaned=True, tiles=tuple((x, number) for x in range(tiles))
    )


def packed(sizes: list[int], target: int) -> list[tuple[TilesOfImage, ...]]:
    """Shards of images with so many tiles, in the order of their digests, as a plan has them."""
    return pack(
        sorted(
            (part(number, size) for number, size in enumerate(sizes)),
            key=lambda p: p.image.pixel_sha256,
        ),
        target,
    )


@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 10))
def test_packing_is_an_exact_cover_within_bounds(sizes: list[int], target: int) -> None:
    shards = packed(sizes, target)
    flat = [
        (piece.image.pixel_sha256, tile)
        for shard in shards
        for piece in shard
        for tile in piece.tiles
    ]
    parts = sorted(
        (part(number, size) for number, size in enumerate(sizes)),
        key=lambda p: p.image.pixel_sha256,
    )
    assert flat == [(whole.image.pixel_sha256, tile) for whole in parts for tile in whole.tiles]
    lengths = [sum(len(piece.tiles) for piece in shard) for shard in shards]
    least, most = max(1, target // 2), max(1, 3 * target // 2)
    assert all(min(least, sum(sizes)) <= length <= most for length in lengths)
    assert all(piece.tiles for shard in shards for piece in shard)


def test_shards_are_of_the_length_asked_for_on_average() -> None:
    for tiles, target in ((1, 16), (7, 64), (40, 512)):
        lengths = [
            sum(len(piece.tiles) for piece in shard)
            for shard in packed([tiles] * (60 * target // tiles), target)
        ]
        assert sum(lengths) / len(lengths) == pytest.approx(target, rel=0.1)


def test_shards_end_between_images_where_they_can() -> None:
    shards = packed([10] * 80, 40)
    assert all(len(piece.tiles) == 10 for shard in shards for piece in shard)
    inside = packed([1000], 40)  # one image that fills many shards
    assert len(inside) > 15


@pytest.mark.parametrize(("tiles", "target"), [(1, 16), (6, 64), (11, 128), (40, 512), (300, 512)])
def test_an_added_image_changes_a_couple_of_shards(tiles: int, target: int) -> None:
    """Of about twenty; counted borders would change half of them."""
    count = max(8, 20 * target // tiles)
    changed, total = [], 0
    for added in range(20):
        sizes = [tiles] * (count + 1)
        without = [
            0 if number == added * count // 20 else size for number, size in enumerate(sizes)
        ]
        before, after = packed(without, target), packed(sizes, target)
        changed.append(len(set(after) - set(before)))
        total = len(after)
    assert total > 12
    assert sum(changed) / len(changed) < 2
    assert max(changed) <= 4  # whatever lies between the borders to both sides


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=60), st.integers(0, 59), st.integers(1, 30)
)
def test_shards_far_from_an_added_image_stay(sizes: list[int], added: int, target: int) -> None:
    """The property behind: whatever the sizes, shards more than a few targets of tiles away are the
    same."""
    digest = part(added % len(sizes), 1).image.pixel_sha256
    without = [0 if number == added % len(sizes) else size for number, size in enumerate(sizes)]
    before, after = packed(without, target), packed(sizes, target)
    place = next(
        n
        for n, shard in enumerate(after)
        if any(piece.image.pixel_sha256 == digest for piece in shard)
    )
    far = [shard for n, shard in enumerate(after) if abs(n - place) > 8 + 3 * max(sizes) // target]
    assert set(far) <= set(before)
