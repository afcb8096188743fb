"""Copies, leaks, scores: what is found, what is left alone, and what is decided about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from flows.cli.checked import check_images
from pipeline.corpora.earlier import earlier_keys
from pipeline.corpora.reproduce import Bench, reproduce
from pipeline.corpora.seal import identity_of
from pipeline.corpora.splits import split_images
from pipeline.curation.align import agreement, overlay, whole
from pipeline.curation.candidates import by_hash, by_keypoints
from pipeline.curation.groups import Found, components, decide
from pipeline.curation.keypoints import distance, grey_of, keypoints, whole_hash
from pipeline.curation.scores import scores
from pipeline.execution import SerialExecutor
from pipeline.stage import Profile, Watcher
from pipeline.stages import synthesize
from pipeline.storage import Storage
from schemas.corpus import VersionSources
from schemas.curation import AlikePair, CurationConfig, Scores
from schemas.diff import Outcome
from schemas.errors import UserError
from schemas.image import ImageReason, ImageRecord, ImageSet, Role
from schemas.recipe import SplitsConfig
from schemas.shard import SynthesizeConfig
from tests.make import Counting, build, make_stages, photograph, save, tiny_recipe

Pixels = NDArray[np.uint8]
WHOLE = (0.0, 0.0, 1.0, 1.0)


def scene(seed: int) -> Pixels:
    """A photograph with content of its own everywhere."""
    rng = np.random.default_rng([7, seed])
    blobs = [cv2.GaussianBlur(rng.standard_normal((181, 233, 3)), (0, 0), s) * s * 60 for s in (1.5, 4.0, 11.0)]
    return np.clip(120 + np.sum(blobs, axis=0), 0, 255).astype(np.uint8)


def recompressed(image: Pixels, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def resized(image: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "recompressed": lambda image: recompressed(image, 30),
    "half as large": lambda image: resized(image, 0.5),
    "enlarged": lambda image: np.asarray(cv2.resize(image, None, fx=1.7, fy=1.7, interpolation=cv2.INTER_CUBIC), np.uint8),
    "a quarter of it": lambda image: image[40:131, 60:177],
    "turned": lambda image: np.ascontiguousarray(np.rot90(image)),
    "brighter": lambda image: np.clip(image * 1.15 + 8, 0, 255).astype(np.uint8),
    "crop, smaller, recompressed": lambda image: recompressed(resized(image[20:161, 30:203], 0.7), 60),
}


def alike(first: Pixels, second: Pixels) -> tuple[float, float]:
    """Overlap and correlation, as the stage finds them."""
    a, b = grey_of(np.ascontiguousarray(first)), grey_of(np.ascontiguousarray(second))
    found = overlay(keypoints(a), keypoints(b)) or whole(a.shape, b.shape)
    result = agreement(a, b, found) if found else None
    return (result.overlap, result.correlation) if result else (0.0, 0.0)


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_laid_over_its_original(name: str) -> None:
    for seed in range(3):
        original, copy = scene(seed), COPIES[name](scene(seed))
        for pair in ((original, copy), (copy, original)):
            overlap, correlation = alike(*pair)
            assert overlap > 0.9, seed
            assert correlation > 0.8, seed


def test_the_part_that_both_show_is_found() -> None:
    image = scene(1)
    found = overlay(keypoints(grey_of(image)), keypoints(grey_of(np.ascontiguousarray(image[40:131, 60:177]))))
    assert found is not None
    np.testing.assert_allclose(found.matrix, [[1, 0, -60], [0, 1, -40]], atol=0.2)
    seen = agreement(grey_of(image), grey_of(np.ascontiguousarray(image[40:131, 60:177])), found)
    np.testing.assert_allclose(seen.boxes[0], [60 / 233, 40 / 181, 177 / 233, 131 / 181], atol=0.01)
    np.testing.assert_allclose(seen.boxes[1], WHOLE, atol=0.02)


def test_crops_side_by_side_are_no_copies() -> None:
    image = scene(2)
    assert alike(image[:, :110], image[:, 118:])[1] < 0.5


def test_other_pictures_are_no_copies() -> None:
    for seed in range(6):
        assert alike(scene(seed), scene(seed + 20))[1] < 0.5
        assert alike(photograph(seed, 131, 113), photograph(seed + 20, 131, 113))[1] < 0.5


def flat(value: int, shape: tuple[int, int] = (97, 121)) -> Pixels:
    return np.full((*shape, 3), value, np.uint8)


def ramp(gain: float, sideways: bool) -> Pixels:
    rows, columns = np.mgrid[:97, :121]
    return np.repeat((40 + gain * (columns if sideways else rows)).astype(np.uint8)[..., None], 3, axis=2)


def noisy(seed: int) -> Pixels:
    return np.clip(128 + np.random.default_rng(seed).standard_normal((97, 121, 3)) * 3, 0, 255).astype(np.uint8)


DULL = {
    "grey": (flat(128), flat(129)), "black and white": (flat(0), flat(255)), "ramps": (ramp(1, True), ramp(0.7, True)),
    "steeper ramps": (ramp(1.2, False), ramp(1.7, False)), "noise": (noisy(1), noisy(2)),
    "tiny": (photograph(1, 16, 17), photograph(2, 16, 17)), "a ramp and a flat": (ramp(1, True), flat(90)),
}  # fmt: skip


@pytest.mark.parametrize("name", DULL)
def test_pictures_that_show_nothing_are_no_copies_of_one_another(name: str) -> None:
    assert alike(*DULL[name])[1] < 0.5


def test_flat_pictures_have_no_hash_and_no_keypoints() -> None:
    assert whole_hash(grey_of(flat(128))) is None
    assert len(keypoints(grey_of(flat(128))).codes) == 0
    assert whole_hash(grey_of(noisy(1))) is None


def test_the_hash_stays_under_rescaling_and_compression() -> None:
    for seed in range(4):
        image = scene(seed)
        first = whole_hash(grey_of(image))
        for copy in (recompressed(image, 30), resized(image, 0.4)):
            second = whole_hash(grey_of(copy))
            assert first is not None
            assert second is not None
            assert (first ^ second).bit_count() <= 6


def test_keypoints_are_spread_and_bounded() -> None:
    found = keypoints(grey_of(np.tile(scene(3), (3, 3, 1))))
    assert 200 < len(found.codes) <= 320
    halves = np.histogram(found.places[:, 0], bins=3, range=(0, 3 * 233))[0]
    assert halves.min() > 0.2 * len(found.codes)


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
    """Codes of copies differ in a few bits; sorted five ways, next to all of a pair's keypoints meet, and no pair is made up."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << 63, (6, 20, 2), dtype=np.uint64) * np.uint64(2)
    flips = np.where(rng.random((20, 2)) < 0.8, np.uint64(1) << rng.integers(0, 63, (20, 2)).astype(np.uint64), np.uint64(0))
    codes[4] = codes[1] ^ flips
    codes[5, :3] = codes[0, :3]                          # three are too few
    flat_codes, picture = codes.reshape(-1, 2), np.repeat(np.arange(6), 20)
    found = {tuple(pair) for pair in by_keypoints(flat_codes, picture).tolist()}
    assert found == brute(flat_codes, picture) == {(1, 4)}


def test_a_repeated_pattern_votes_once() -> None:
    """Twenty keypoints that are all alike, in two pictures, are one piece of evidence."""
    codes = np.repeat(np.random.default_rng(1).integers(0, 1 << 62, (1, 2), dtype=np.uint64), 20, axis=0)
    codes[0] ^= np.uint64(1 << 60)                        # so that the picture has two
    assert len(by_keypoints(np.concatenate([codes[:2], codes]), np.repeat([0, 1], [2, 20]))) == 0


def test_very_many_copies_of_one_picture_stay_together() -> None:
    """Two hundred copies: not all pairs are compared, but enough to tie all together, and the number of pairs is bounded."""
    one = np.random.default_rng(2).integers(0, 1 << 63, (30, 2), dtype=np.uint64)
    pairs = by_keypoints(np.tile(one, (200, 1)), np.repeat(np.arange(200), 30))
    assert 199 <= len(pairs) <= 200 * 64
    names = [str(number) for number in range(200)]
    tied = [pair_of(names[a], names[b]) for a, b in pairs.tolist()]
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


def test_blur_and_blocks_raise_the_scores() -> None:
    image = scene(5)
    blurs = [scores(grey_of(np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8))).blur for sigma in (0.6, 1.5, 3.0, 5.0)]
    assert blurs == sorted(blurs, key=lambda blur: blur or 0)
    assert (blurs[-1] or 0) > 1.5 * (blurs[0] or 0)
    blocks = [scores(grey_of(recompressed(image, quality))).blockiness for quality in (95, 40, 10)]
    assert blocks == sorted(blocks)
    assert blocks[2] > blocks[0] + 0.3
    assert scores(grey_of(image)).blockiness < 0.2


def test_a_shifted_grid_is_as_blocky() -> None:
    image = recompressed(scene(5), 10)
    shifted = scores(grey_of(np.ascontiguousarray(image[3:, 5:]))).blockiness
    assert shifted == pytest.approx(scores(grey_of(image)).blockiness, rel=0.2)


def test_flat_pictures_have_no_blur() -> None:
    assert scores(grey_of(flat(90, (37, 31)))) == Scores(blockiness=0.0, blur=None)


# What is decided.


def pair_of(first: str, second: str) -> AlikePair:
    return AlikePair.model_construct(first=first, second=second)


def digest(name: str | int) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def record(name: str, role: Role = Role.REAL, side: int = 100) -> ImageRecord:
    return ImageRecord(url=f"/{name}", role=role, format="PNG", width=side, height=side, bytes=9, file_sha256=digest(name),
                       pixel_sha256=digest(name))  # fmt: skip


def pair(one: str, other: str) -> AlikePair:
    first, second = sorted((digest(one), digest(other)))
    return AlikePair(first=first, second=second, overlap=0.9, correlation=0.9, matches=20, boxes=(WHOLE, WHOLE))


def found(names: str, pairs: list[tuple[str, str]], **more: Any) -> Found:
    images = tuple(record(name, side=100 + place) for place, name in enumerate(names))
    known = {image.pixel_sha256: more.pop("score", Scores(blockiness=0.0, blur=2.0)) for image in images}
    return Found(ImageSet(accepted=images, rejected=()), [pair(*p) for p in pairs], known, **more)


def test_a_group_shares_one_key_and_others_have_their_own() -> None:
    curated = decide(found("abcd", [("a", "b"), ("b", "c")]), CurationConfig())
    keys = {name: curated.split_keys.get(digest(name), digest(name)) for name in "abcd"}
    assert keys["a"] == keys["b"] == keys["c"] == min(map(digest, "abc"))
    assert keys["d"] == digest("d")
    assert len(curated.images.accepted) == 4


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14), st.integers(2, 12), st.integers(0, 5))
def test_added_copies_move_no_old_image(links: list[tuple[int, int]], old: int, seed: int) -> None:
    """Build with some images, then with all: who was there keeps its split, and groups that are new are in one split."""
    names = [chr(97 + number) for number in range(12)]
    pairs = [(names[a], names[b]) for a, b in links if a != b]
    before = [(a, b) for a, b in pairs if a in names[:old] and b in names[:old]]
    config = SplitsConfig(train=0.5, val=0.5)

    def splits(curated: Any) -> dict[str, str]:
        return split_images([i.pixel_sha256 for i in curated.images.accepted], config, seed, curated.split_keys)

    first = decide(found("".join(names[:old]), before), CurationConfig())
    keys = {i.pixel_sha256: first.split_keys.get(i.pixel_sha256, i.pixel_sha256) for i in first.images.accepted}
    second = decide(found("".join(names), pairs, earlier=keys), CurationConfig())
    later = {i.pixel_sha256: second.split_keys.get(i.pixel_sha256, i.pixel_sha256) for i in second.images.accepted}
    assert {image: later[image] for image in keys} == keys
    if len(set(splits(first).values())) == len(set(splits(second).values())) == 2 and len(set(keys.values())) > 5:
        fallen = {image: split_images([key], SplitsConfig(), seed)[key] for image, key in keys.items()}
        assert {image: split_images([later[image]], SplitsConfig(), seed)[later[image]] for image in keys} == fallen
    left = [p for p in second.pairs if p.first in later and p.second in later]
    for group in components(later, left):
        new = [image for image in group if image not in keys]
        assert not new or len({later[image] for image in group}) == 1


def test_a_new_image_that_ties_old_groups_together_is_rejected() -> None:
    keys = {digest("a"): digest("a"), digest("b"): digest("b")}
    curated = decide(found("abc", [("a", "c"), ("b", "c")], earlier=keys), CurationConfig())
    assert [image.url for image in curated.images.accepted] == ["/a", "/b"]
    assert [(image.url, image.reason) for image in curated.images.rejected] == [("/c", ImageReason.NEAR_DUPLICATE)]


def test_of_copies_the_largest_stays_unless_another_came_first() -> None:
    reject = CurationConfig(duplicates="reject")
    curated = decide(found("abc", [("a", "b"), ("b", "c")]), reject)        # c is the largest, and a is no copy of it
    assert [image.url for image in curated.images.accepted] == ["/a", "/c"]
    assert curated.split_keys.get(digest("a"), digest("a")) == curated.split_keys.get(digest("c"), digest("c"))
    assert "shows the same as /c" in curated.images.rejected[0].detail
    first = decide(found("abc", [("a", "b"), ("b", "c")], earlier={digest("b"): digest("b")}), reject)
    assert [image.url for image in first.images.accepted] == ["/b"]


def test_limits_reject_with_the_score_and_the_limit() -> None:
    bad = Scores(blockiness=0.5, blur=7.0)
    for limits, reason in (({"max_blockiness": 0.4}, "blocky"), ({"max_blur": 6.0}, "blurred")):
        curated = decide(found("a", [], score=bad), CurationConfig.model_validate({"real": limits}))
        assert [str(image.reason) for image in curated.images.rejected] == [reason]
        assert decide(found("a", [], score=bad), CurationConfig.model_validate({"clean": limits})).images.rejected == ()
    edgeless = found("a", [], score=Scores(blockiness=0.0, blur=None))
    assert decide(edgeless, CurationConfig.model_validate({"real": {"max_blur": 1}})).images.rejected == ()


def test_what_a_benchmark_shows_is_rejected() -> None:
    leaks = decide(found("abc", [("a", "x"), ("b", "c")], benchmarks=[record("x"), record("c")]), CurationConfig())
    rejected = {image.url: image for image in leaks.images.rejected}
    assert {url: str(image.reason) for url, image in rejected.items()} == dict.fromkeys(("/a", "/b", "/c"), "in-benchmark")
    assert "/x" in rejected["/a"].detail
    assert "same pixels" in rejected["/c"].detail


# Whole builds.


def folder_of(tmp_path: Path) -> Path:
    for number in range(3):
        save(scene(number), tmp_path / f"photos/real/{number}.png")
    Image.fromarray(scene(9)).save(save(scene(9), tmp_path / "photos/clean/9.png"))
    Image.fromarray(scene(0)[30:140, 40:190]).save(tmp_path / "photos/clean/crop.jpg", quality=80)
    save(resized(scene(1), 0.6), tmp_path / "test/set.png")
    return tmp_path / "photos"


def test_a_build_keeps_copies_together_and_leaks_out(tmp_path: Path) -> None:
    photos = folder_of(tmp_path)
    curation = {"benchmarks": str(tmp_path / "test")}
    recipe = tiny_recipe(photos, degraders=[{"kind": "bicubic"}], curation=curation, splits={"train": 0.5, "val": 0.5})
    counting = Counting()
    manifest = build(recipe, tmp_path / "w")
    made = make_stages(recipe, tmp_path / "w", watcher=counting)
    assert {name for name, count in counting.computed.items() if count} == set()
    assert identity_of(made).content_digest() == manifest.digest            # the keys of the version before change nothing
    curated = made.chosen.curated
    assert curated is not None
    assert [Path(image.url).name for image in curated.images.rejected] == ["1.png"]
    assert [image.reason for image in curated.images.rejected] == [ImageReason.IN_BENCHMARK]
    assert len(curated.pairs) == 1
    assert curated.across({image.pixel_sha256: image.role for image in made.chosen.ingested}) == 1
    where = {part.image.url: unit.payload.split for unit in _shards(made) for part in unit.payload.images}
    assert where[f"{photos}/real/0.png"] == where[f"{photos}/clean/crop.jpg"]
    folder = tmp_path / f"w/corpora/tiny/{manifest.version}"
    sources = VersionSources.model_validate_json((folder / "sources.json").read_text())
    assert sum(image.split_key is not None for image in sources.images) == 1
    assert all(image.scores is not None for image in sources.images)
    html = (folder / "report/index.html").read_text()
    assert 'id="curation"' in html
    assert "1 of them of a real and a clean image" in html

    bench = Bench(Profile(str(tmp_path / "again")), SerialExecutor(), Watcher())
    again = reproduce(Storage(str(tmp_path / "w")), manifest, bench)
    assert again.outcome == Outcome.IDENTICAL

    save(resized(scene(2), 0.7), photos / "clean/new.png")
    counting = Counting()
    after = make_stages(recipe, tmp_path / "w", watcher=counting)
    assert counting.computed["fingerprint"] == 1
    keys = earlier_keys(Storage(str(tmp_path / "w")), recipe, "tiny")
    assert all(after.chosen.split_keys.get(image, image) == key for image, key in keys.items())
    later = {part.image.url: unit.payload.split for unit in _shards(after) for part in unit.payload.images}
    assert {url: later[url] for url in where} == where
    assert later[f"{photos}/clean/new.png"] == later[f"{photos}/real/2.png"]


def test_a_check_writes_a_page_and_no_corpus(tmp_path: Path) -> None:
    photos = folder_of(tmp_path)
    found = check_images(str(photos), [str(tmp_path / "test")], str(tmp_path / "w"), out=None, workers=1, open_=False)
    assert (found.copies_total, found.leaks_total, found.benchmarks) == (1, 1, 1)
    assert (found.leaks[0].names, found.leaks[0].kinds) == (("1.png", "set.png"), ("real", "benchmark"))
    page = tmp_path / "w/runs/images/photos/index.html"
    html = page.read_text()
    assert "1 image shows one of 1 benchmark picture and is rejected." in html
    for name in (*found.copies[0].pictures, *found.leaks[0].pictures, *(view.picture for view in found.blurred)):
        assert name in html
        assert (page.parent / name).stat().st_size > 100
    assert not (tmp_path / "w/corpora").exists()


def test_a_check_of_nothing_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder or recipe"):
        check_images(str(tmp_path / "nowhere"), [], str(tmp_path), out=None, workers=1, open_=False)


def _shards(made: Any) -> list[Any]:
    recipe = made.recipe
    inputs = synthesize.Inputs(
        made.images.manifest, made.hr.manifest, (), recipe.seed, recipe.splits, recipe.shards, made.chosen.split_keys
    )
    config = SynthesizeConfig(seed=recipe.seed, scale=recipe.scale, tile=recipe.tiles.size, samples_per_tile=1,
                              degraders=recipe.degraders, pools=())  # fmt: skip
    return synthesize.STAGE.units(inputs, config)


def test_without_curation_a_version_is_what_it_was(tmp_path: Path) -> None:
    """Neither the key nor the credits stand in the identity of a recipe that uses neither."""
    save(scene(0), tmp_path / "photos/real/0.png")
    save(scene(1), tmp_path / "photos/clean/1.png")
    recipe = tiny_recipe(tmp_path / "photos", degraders=[{"kind": "bicubic"}], curation=None)
    made = make_stages(recipe, tmp_path / "w")
    value = identity_of(made).model_dump(mode="json")
    assert "credits" not in value
    assert "curation" not in value["recipe"]
    assert set(value["stages"]) == {"ingest", "clean_up", "synthesize"}
