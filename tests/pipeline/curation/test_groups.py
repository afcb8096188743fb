"""What is decided about copies, leaks and scores."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pairmill.pipeline.curation.copies import small_copies
from pairmill.pipeline.curation.groups import Found, components, decide
from pairmill.pipeline.shards.splits import split_images
from pairmill.schemas.curation import AlikePair, CurationConfig, Scores
from pairmill.schemas.image import ImageReason, ImageRecord, ImageSet, Role
from pairmill.schemas.recipe import SplitsConfig

WHOLE = (0.0, 0.0, 1.0, 1.0)


def digest(name: str | int) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def record(name: str, role: Role = Role.REAL, side: int = 100) -> ImageRecord:
    return ImageRecord(
        url=f"/{name}",
        role=role,
        format="PNG",
        width=side,
        height=side,
        bytes=9,
        file_sha256=digest(name),
        pixel_sha256=digest(name),
    )


def pair(one: str, other: str) -> AlikePair:
    first, second = sorted((digest(one), digest(other)))
    return AlikePair(
        first=first, second=second, overlap=0.9, correlation=0.9, matches=20, boxes=(WHOLE, WHOLE)
    )


def found(names: str, pairs: list[tuple[str, str]], **more: Any) -> Found:
    images = tuple(record(name, side=100 + place) for place, name in enumerate(names))
    known = {
        image.pixel_sha256: more.pop("score", Scores(blockiness=0.0, blur=2.0)) for image in images
    }
    return Found(ImageSet(accepted=images, rejected=()), [pair(*p) for p in pairs], known, **more)


def test_a_group_shares_one_key_and_others_have_their_own() -> None:
    curated = decide(found("abcd", [("a", "b"), ("b", "c")]), CurationConfig())
    keys = {name: curated.split_keys.get(digest(name), digest(name)) for name in "abcd"}
    assert keys["a"] == keys["b"] == keys["c"] == min(map(digest, "abc"))
    assert keys["d"] == digest("d")
    assert len(curated.images.accepted) == 4


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14),
    st.integers(2, 12),
    st.integers(0, 5),
)
def test_added_copies_move_no_old_image(links: list[tuple[int, int]], old: int, seed: int) -> None:
    """Build with some images, then with all: who was there keeps its split, and groups that are new
    are in one split."""
    names = [chr(97 + number) for number in range(12)]
    pairs = [(names[a], names[b]) for a, b in links if a != b]
    before = [(a, b) for a, b in pairs if a in names[:old] and b in names[:old]]
    config = SplitsConfig(train=0.5, val=0.5)

    def splits(curated: Any) -> dict[str, str]:
        return split_images(
            [i.pixel_sha256 for i in curated.images.accepted], config, seed, curated.split_keys
        )

    first = decide(found("".join(names[:old]), before), CurationConfig())
    keys = {
        i.pixel_sha256: first.split_keys.get(i.pixel_sha256, i.pixel_sha256)
        for i in first.images.accepted
    }
    second = decide(found("".join(names), pairs, earlier=keys), CurationConfig())
    later = {
        i.pixel_sha256: second.split_keys.get(i.pixel_sha256, i.pixel_sha256)
        for i in second.images.accepted
    }
    assert {image: later[image] for image in keys} == keys
    if (
        len(set(splits(first).values())) == len(set(splits(second).values())) == 2
        and len(set(keys.values())) > 5
    ):
        fallen = {
            image: split_images([key], SplitsConfig(), seed)[key] for image, key in keys.items()
        }
        assert {
            image: split_images([later[image]], SplitsConfig(), seed)[later[image]]
            for image in keys
        } == fallen
    left = [p for p in second.pairs if p.first in later and p.second in later]
    for group in components(later, left):
        new = [image for image in group if image not in keys]
        assert not new or len({later[image] for image in group}) == 1


def test_a_new_image_that_ties_old_groups_together_is_rejected() -> None:
    keys = {digest("a"): digest("a"), digest("b"): digest("b")}
    curated = decide(found("abc", [("a", "c"), ("b", "c")], earlier=keys), CurationConfig())
    assert [image.url for image in curated.images.accepted] == ["/a", "/b"]
    assert [(image.url, image.reason) for image in curated.images.rejected] == [
        ("/c", ImageReason.NEAR_DUPLICATE)
    ]


def test_of_copies_the_largest_stays_unless_another_came_first() -> None:
    reject = CurationConfig(duplicates="reject")
    curated = decide(
        found("abc", [("a", "b"), ("b", "c")]), reject
    )  # c is the largest, and a is no copy of it
    assert [image.url for image in curated.images.accepted] == ["/a", "/c"]
    assert curated.split_keys.get(digest("a"), digest("a")) == curated.split_keys.get(
        digest("c"), digest("c")
    )
    assert "shows the same as /c" in curated.images.rejected[0].detail
    first = decide(
        found("abc", [("a", "b"), ("b", "c")], earlier={digest("b"): digest("b")}), reject
    )
    assert [image.url for image in first.images.accepted] == ["/b"]


def test_limits_reject_with_the_score_and_the_limit() -> None:
    bad = Scores(blockiness=0.5, blur=7.0)
    for limits, reason in (({"max_blockiness": 0.4}, "blocky"), ({"max_blur": 6.0}, "blurred")):
        curated = decide(found("a", [], score=bad), CurationConfig.model_validate({"real": limits}))
        assert [str(image.reason) for image in curated.images.rejected] == [reason]
        assert (
            decide(
                found("a", [], score=bad), CurationConfig.model_validate({"clean": limits})
            ).images.rejected
            == ()
        )
    edgeless = found("a", [], score=Scores(blockiness=0.0, blur=None))
    assert (
        decide(edgeless, CurationConfig.model_validate({"real": {"max_blur": 1}})).images.rejected
        == ()
    )


def test_what_a_benchmark_shows_is_rejected() -> None:
    leaks = decide(
        found("abc", [("a", "x"), ("b", "c")], benchmarks=[record("x"), record("c")]),
        CurationConfig(),
    )
    rejected = {image.url: image for image in leaks.images.rejected}
    assert {url: str(image.reason) for url, image in rejected.items()} == dict.fromkeys(
        ("/a", "/b", "/c"), "in-benchmark"
    )
    assert "/x" in rejected["/a"].detail
    assert "same pixels" in rejected["/c"].detail


def test_small_copies_of_larger_images_are_counted() -> None:
    """Half the sides and all of it: a crop, and a copy of nearly its size, are no thumbnails."""
    sides = {"a": 400, "b": 200, "c": 200, "d": 390}
    records = {digest(name): record(name, side=side) for name, side in sides.items()}
    crop = pair("a", "c").with_(boxes=((0.0, 0.0, 0.5, 0.5), WHOLE))
    pairs = [pair("a", "b"), crop, pair("a", "d")]
    assert small_copies(pairs, records) == 1
    assert small_copies([*pairs, pair("d", "b"), pair("x", "c")], records) == 1
    assert small_copies([*pairs, pair("a", "c")], records) == 2
