"""What ReDegNet's fit sees: one program on two images, varied real pairs, and pairs of files by
name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.resize import bicubic_down, bicubic_up, to_uint8
from pairmill.pipeline.images.pairs import find_pairs
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.redegnet.alike import draw_alike
from pairmill.pipeline.redegnet.files import patterns_of
from pairmill.pipeline.redegnet.pairs import (
    NO_POOLS,
    Faces,
    Pairs,
    crops_of,
    cut_natural,
    cut_pair,
    greyed,
    jittered,
    without_margins,
)
from pairmill.pipeline.rng import stream
from pairmill.schemas.errors import UserError
from pairmill.schemas.ops.codecs import Jpeg
from pairmill.schemas.ops.noise import GaussianNoise
from pairmill.schemas.ops.resize import Quantise, Resize
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import PairsConfig
from pairmill.schemas.redegnet import RedegnetConfig, RedegnetPairsConfig
from tests.support.make import photograph, save

PLAIN = RedegnetPairsConfig(replaced=0, worsened=0, margins=(0, 0, 0, 0))


def settings(**changes: object) -> RedegnetConfig:
    return RedegnetConfig.model_validate({"net": {"side": 32}, "batch": 3, "samples": 99} | changes)


def programs(count: int = 400) -> list[Program]:
    return [draw_alike(stream("alike", number), (64, 64)) for number in range(count)]


def pair(seed: int, height: int = 120, width: int = 110) -> Faces:
    hq = photograph(seed, height, width, noise=0)
    return Faces(to_uint8(bicubic_up(bicubic_down(hq, 2), 2)), hq)


def test_programs_lead_back_to_their_size_and_add_the_same_noise_to_both() -> None:
    one, other = photograph(1, 64, 64), photograph(2, 64, 64)
    for program in programs(30):
        assert program.scale == 1
        assert (
            apply(program, one, NO_POOLS).shape
            == apply(program, other, NO_POOLS).shape
            == (64, 64, 3)
        )
    noise = next(
        op
        for program in programs()
        for op in program.ops
        if isinstance(op, GaussianNoise) and op.sigma < 10
    )
    alone = Program(scale=1, ops=(noise, Quantise()))
    first, second = (
        apply(alone, np.full((64, 64, 3), level, np.uint8), NO_POOLS).astype(int)
        for level in (100, 150)
    )
    np.testing.assert_array_equal(first - 100, second - 150)


def test_the_ranges_and_shares_of_the_published_chains() -> None:
    """Simple: 80 % blur, 80 % downscaling, 90 % noise, 90 % JPEG; shuffled: downscaling always,
    noise 70 %, JPEG 70 % and 50 %."""
    drawn = programs(1500)
    noises = [op for program in drawn for op in program.ops if isinstance(op, GaussianNoise)]
    jpegs = [op.quality for program in drawn for op in program.ops if isinstance(op, Jpeg)]
    assert len(noises) / len(drawn) == pytest.approx(0.2 * 0.9 + 0.8 * 0.7, abs=0.04)
    assert len(jpegs) / len(drawn) == pytest.approx(0.2 * 0.9 + 0.8 * (0.7 + 0.5), abs=0.06)
    assert 1 <= min(op.sigma for op in noises) < 2 < 20 < max(op.sigma for op in noises) <= 24
    assert (min(jpegs), max(jpegs)) == (30, 85)
    reduced = [
        min((op.height for op in program.ops if isinstance(op, Resize)), default=64)
        for program in drawn
    ]
    assert np.mean([side < 64 for side in reduced]) == pytest.approx(0.2 * 0.8 + 0.8, abs=0.03)
    assert min(reduced) >= 10
    blurred = [any(op.op == "blur" for op in program.ops) for program in drawn]
    assert np.mean(blurred) == pytest.approx(0.2 * 0.8 + 0.8 * 0.8, abs=0.04)
    assert len({program.content_digest() for program in drawn}) == len(drawn)


def test_a_batch_is_a_function_of_its_number() -> None:
    source = Pairs([pair(1), pair(2)], [photograph(3, 90, 70)], settings(), 7)
    first, again, next_ = source(4), source(4), source(5)
    for name in ("face_hq", "face_lq", "face_alike", "natural_hq", "natural_alike"):
        picture = getattr(first, name)
        assert picture.shape == (3, 32, 32, 3)
        assert picture.dtype == np.uint8
        np.testing.assert_array_equal(picture, getattr(again, name))
        assert not np.array_equal(picture, getattr(next_, name))
    assert np.mean([source(number).swap for number in range(40)]) == pytest.approx(0.8, abs=0.2)


def test_every_pair_once_per_epoch() -> None:
    source = Pairs([pair(seed) for seed in range(5)], [photograph(3)], settings(), 7)
    epochs = [[source._face(5 * epoch + place) for place in range(5)] for epoch in range(4)]
    assert all(sorted(epoch) == list(range(5)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_lq_and_hq_are_cut_turned_and_greyed_alike() -> None:
    """An LQ that is the HQ plus 40 stays so through crop, downscaling, flips and grey."""
    hq = photograph(4, 120, 110, noise=0) // 2
    faces = Faces(hq + 40, hq)
    cuts = [cut_pair(stream("cut", number), faces, 32, PLAIN) for number in range(60)]
    for cut in cuts:
        assert cut.hq.shape == (32, 32, 3)
        assert np.abs(cut.lq.astype(int) - cut.hq - 40).max() <= 1
    grey = [
        np.ptp(cut.hq.astype(int), axis=2).mean() < 0.3 * np.ptp(hq.astype(int), axis=2).mean()
        for cut in cuts
    ]
    assert 0 < sum(grey) < 12


def test_shares_of_drawn_and_worsened_pairs() -> None:
    ramp = np.repeat(np.linspace(0, 255, 80).astype(np.uint8)[:, None, None], 80, 1).repeat(3, 2)
    faces = Faces(np.full((80, 80, 3), 60, np.uint8), ramp)
    replaced = RedegnetPairsConfig(replaced=1, worsened=0)
    drawn = cut_pair(stream("a"), faces, 32, replaced)
    assert (
        np.corrcoef(drawn.lq.ravel(), drawn.hq.ravel())[0, 1] > 0.8
    )  # it comes from the HQ, not from the flat LQ
    worsened = cut_pair(stream("a"), faces, 32, RedegnetPairsConfig(replaced=0, worsened=1))
    assert abs(worsened.lq.mean() - 60) < 6
    kept = [
        np.ptp(cut_pair(stream("b", n), faces, 32, RedegnetPairsConfig()).lq) == 0
        for n in range(150)
    ]
    assert np.mean(kept) == pytest.approx(0.35, abs=0.1)


def test_margins_scale_with_the_picture() -> None:
    margins = RedegnetPairsConfig().margins
    assert without_margins(np.zeros((512, 512, 3), np.uint8), margins).shape == (440, 390, 3)
    assert without_margins(np.zeros((256, 256, 3), np.uint8), margins).shape == (220, 195, 3)


@pytest.mark.parametrize("shape", [(20, 17), (33, 90), (200, 150)])
def test_small_and_large_natural_pictures(shape: tuple[int, int]) -> None:
    image = photograph(6, *shape)
    cuts = [cut_natural(stream("n", number), image, 32) for number in range(10)]
    assert all(cut.shape == (32, 32, 3) and cut.dtype == np.uint8 for cut in cuts)
    assert len({cut.tobytes() for cut in cuts}) > 5


def test_grey_and_jitter_by_hand() -> None:
    image = np.array([[[200, 100, 0]]], np.uint8)
    np.testing.assert_array_equal(
        greyed(image, 1.0)[0, 0], np.full(3, 119)
    )  # 0.299 * 200 + 0.587 * 100 = 118.5
    np.testing.assert_array_equal(greyed(image, 0.0), image)
    photo = photograph(7)
    changed = [
        jittered(stream("j", number), photo).astype(float) / np.maximum(photo, 30.0)
        for number in range(20)
    ]
    assert all(0.7 < np.median(ratio) < 1.35 for ratio in changed)
    assert np.std([np.median(ratio) for ratio in changed]) > 0.02


def test_crops_of_a_pair_begin_in_the_middle_and_do_not_depend_on_other_pairs() -> None:
    faces = pair(8, 100, 90)
    config = RedegnetPairsConfig(margins=(0, 0, 0, 0), crops=3)
    crops = crops_of(faces, "name", 32, config, 5)
    np.testing.assert_array_equal(crops[0].hq, faces.hq[34:66, 29:61])
    np.testing.assert_array_equal(crops[0].lq, faces.lq[34:66, 29:61])
    for one, other in zip(crops, crops_of(faces, "name", 32, config, 5), strict=True):
        np.testing.assert_array_equal(one.lq, other.lq)
    assert not np.array_equal(crops[1].hq, crops_of(faces, "other", 32, config, 5)[1].hq)
    assert crops_of(pair(8, 20, 18), "small", 32, config, 5)[0].hq.shape == (32, 32, 3)


def folders(tmp_path: Path, lq: list[str], hq: list[str]) -> PairsConfig:
    for folder, names in (("lq", lq), ("hq", hq)):
        for name in names:
            save(photograph(1), tmp_path / folder / name)
    return PairsConfig(lq=("lq",), hq=("hq",))


def test_files_are_paired_by_name_whatever_their_ending(tmp_path: Path) -> None:
    pairs = find_pairs(
        patterns_of(folders(tmp_path, ["b.png", "a.png"], ["a.bmp", "b.png"])), str(tmp_path)
    )
    assert [name for name, _, _ in pairs] == ["a", "b"]
    assert [Path(hq.url).name for _, _, hq in pairs] == ["a.bmp", "b.png"]
    assert len(find_pairs(patterns_of(PairsConfig(lq=("lq",), hq=("hq",))), str(tmp_path), 1)) == 1


def test_files_without_a_counterpart_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        find_pairs(
            patterns_of(folders(tmp_path, ["a.png", "c.png"], ["a.png", "b.png"])), str(tmp_path)
        )
    assert caught.value.got == "b (only in hq), c (only in lq)"
    assert "rename" in caught.value.todo


def test_two_files_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two files of"):
        find_pairs(patterns_of(folders(tmp_path, ["a.png", "a.bmp"], ["a.png"])), str(tmp_path))


def test_levels_stay_bytes() -> None:
    images: list[NDArray[np.uint8]] = [
        np.zeros((40, 40, 3), np.uint8),
        np.full((40, 40, 3), 255, np.uint8),
    ]
    batch = Pairs([Faces(images[0], images[1])], images, settings(), 1)(0)
    assert batch.face_lq.dtype == np.uint8
