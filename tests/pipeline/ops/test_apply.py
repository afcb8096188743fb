"""The interpreter: what each op does, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.functional.imresize import imresize_down
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.ops.apply import OneHr, apply, intermediates
from pairmill.pipeline.ops.base import Image
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.realesrgan import RealEsrganConfig
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.blur import UnsharpMask
from pairmill.schemas.ops.pooled import Inject, Placement, PooledBlur
from pairmill.schemas.ops.resize import BicubicDown, Quantise, Subsample
from pairmill.schemas.program import Program
from tests.support.make import photograph
from tests.support.pools import pools

KNOWN, ASSETS = pools(2)
KERNELS, NOISE = KNOWN["kernels"].digest, KNOWN["noise"].digest
BLUR = PooledBlur(pool=KERNELS, index=1)
PLACE = Placement(
    index=0,
    patch_top=0,
    patch_left=0,
    flip_rows=False,
    flip_columns=False,
    top=0,
    left=0,
    height=19,
    width=16,
)
INJECT = Inject(pool=NOISE, strength=1, placements=(PLACE,))
HR = photograph(1, 38, 32)


def run(*ops: Op, scale: int = 2) -> np.ndarray:
    return apply(Program(scale=scale, ops=ops), HR, ASSETS)


def test_bicubic() -> None:
    np.testing.assert_array_equal(
        run(BicubicDown(scale=2), Quantise()), to_uint8(bicubic_down(HR, 2))
    )
    as_matlab = BicubicDown(scale=2, form="matlab")
    np.testing.assert_array_equal(run(as_matlab), imresize_down(HR, 2))
    with pytest.raises(ValueError, match="form matlab wants an 8-bit image, got float64"):
        run(BLUR, as_matlab)


def test_a_program_of_before_there_was_a_choice_means_what_it_meant() -> None:
    old = Program.model_validate({"scale": 2, "ops": [{"op": "bicubic_down", "scale": 2}]})
    assert old.ops == (BicubicDown(scale=2, form="float"),)
    assert old.canonical_json() == '{"ops":[{"op":"bicubic_down","scale":2}],"scale":2}'


def test_subsample_takes_the_first_of_every_block() -> None:
    np.testing.assert_array_equal(run(Subsample(scale=2), Quantise()), HR[::2, ::2])


def test_quantise_alone_changes_nothing() -> None:
    np.testing.assert_array_equal(run(Quantise(), scale=1), HR)


def test_blur_then_subsample_is_fused_and_the_same() -> None:
    blurred = run(BLUR, Quantise(), scale=1)
    np.testing.assert_array_equal(run(BLUR, Subsample(scale=2), Quantise()), blurred[::2, ::2])
    between = Program(scale=2, ops=(BLUR, Quantise(), Subsample(scale=2)))
    np.testing.assert_array_equal(apply(between, HR, ASSETS), blurred[::2, ::2])
    twice = Program(scale=4, ops=(BLUR, Subsample(scale=2), Subsample(scale=2), Quantise()))
    whole = apply(Program(scale=1, ops=(BLUR, Quantise())), HR[:36], ASSETS)
    np.testing.assert_array_equal(apply(twice, HR[:36], ASSETS), whole[::4, ::4])


def test_noise_is_added_before_the_only_rounding() -> None:
    plain = bicubic_down(HR, 2)
    crop = ASSETS.patch(NOISE, 0)[:19, :16].astype(np.float64)
    expected = to_uint8(plain + crop)
    np.testing.assert_array_equal(run(BicubicDown(scale=2), INJECT, Quantise()), expected)


def test_intermediates_end_in_the_result() -> None:
    ops = (BLUR, Subsample(scale=2), INJECT, Quantise())
    steps = list(intermediates(Program(scale=2, ops=ops), HR, ASSETS))
    assert [op for op, _ in steps] == list(ops)
    assert [image.shape[:2] for _, image in steps] == [(38, 32), (19, 16), (19, 16), (19, 16)]
    np.testing.assert_array_equal(steps[-1][1], run(*ops))


@pytest.mark.parametrize(
    "ops",
    [
        pytest.param((BicubicDown(scale=2),), id="not quantised"),
        pytest.param((Quantise(),), id="not downscaled"),
        pytest.param((BicubicDown(scale=4), Quantise()), id="downscaled too much"),
        pytest.param((BicubicDown(scale=2), BLUR, Quantise()), id="blur of what is not 8-bit"),
    ],
)
def test_wrong_programs_are_refused(ops: tuple[Op, ...]) -> None:
    with pytest.raises(ValueError, match=r"wanted|wants"):
        run(*ops)


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (PooledBlur(pool="0" * 64, index=0), "names a pool that is not here"),
        (PooledBlur(pool=KERNELS, index=5), "beyond the end of its pool"),
        (INJECT.with_(pool=KERNELS), "names a pool that is not here"),
        (INJECT.with_(placements=(PLACE.with_(index=6),)), "beyond the end of its pool"),
    ],
)
def test_missing_items_are_clear_errors(op: Op, message: str) -> None:
    ops = (
        (op, Subsample(scale=2), Quantise())
        if isinstance(op, PooledBlur)
        else (BicubicDown(scale=2), op, Quantise())
    )
    with pytest.raises(IntegrityError, match=message):
        run(*ops)


def test_no_pools_are_needed_where_none_are_named() -> None:
    program = Program(scale=2, ops=(BicubicDown(scale=2), Quantise()))
    np.testing.assert_array_equal(apply(program, HR, Assets()), run(*program.ops))


def test_each_pools_matrices_are_its_own() -> None:
    """The cache of matrices tells pools, rows and scales apart."""
    other = Assets({KERNELS: ASSETS.pools[KERNELS][::-1].copy()})
    program = Program(scale=2, ops=(BLUR, Subsample(scale=2), Quantise()))
    first, second = apply(program, HR, ASSETS), apply(program, HR, other)
    assert not np.array_equal(first, second)
    mirrored = Program(
        scale=2, ops=(PooledBlur(pool=KERNELS, index=3), Subsample(scale=2), Quantise())
    )
    np.testing.assert_array_equal(apply(mirrored, HR, other), first)


def test_a_first_step_that_programs_of_one_hr_share_is_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Real-ESRGAN's sharpening of two draws of a tile, then another beginning: the LR are those of
    programs applied by themselves."""
    known = degraders.build(RealEsrganConfig(kind="realesrgan"), 2, Pools())
    programs = [known.draw(stream(7, "test", str(number)), (36, 32)) for number in range(2)]
    other = Program(scale=2, ops=(BicubicDown(scale=2, form="matlab"), Quantise()))
    hr, made = photograph(3, 36, 32), list[Op]()
    wanted = [apply(program, hr, ASSETS) for program in (*programs, other, programs[0])]
    sharpen = OPS[UnsharpMask]

    def counted(op: Op, image: Image, assets: Assets) -> Image:
        made.append(op)
        return sharpen(op, image, assets)

    monkeypatch.setitem(OPS, UnsharpMask, counted)
    tile = OneHr(hr, ASSETS)
    for program, lr in zip((*programs, other, programs[0]), wanted, strict=True):
        np.testing.assert_array_equal(tile.apply(program), lr, strict=True)
    assert len(made) == 2  # of the first two programs, and of the last
