"""Parts of an LR against the same parts of the whole LR: for every op, and for chains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.ops import OPS
from pairmill.pipeline.ops.apply import apply, run, steps_of
from pairmill.pipeline.ops.crop import _cut, _step, apply_crop, whole_ops
from pairmill.pipeline.ops.locality import BLURS, LOCALITY, Window, locality
from pairmill.pipeline.rng import stream
from pairmill.schemas.ops.noise import GaussianNoise, PoissonNoise
from pairmill.schemas.ops.resize import Quantise, Resize, Subsample
from pairmill.schemas.program import Program
from tests.conformance.test_degraders import KINDS
from tests.conformance.test_degraders import settings as published
from tests.conformance.test_ops import ASSETS, EXAMPLES, IDS, Example
from tests.support.make import photograph
from tests.support.pools import pools

KEY = "89abcdef01234567" * 2
WHOLE = {"Resize", "Webp", "Avif", "JpegXl", "Video", "Pdm", "Redegnet", "Translate", "Aligned"}
"""Ops whose every output pixel may depend on every input pixel, or that leave the image."""


def window(rng: np.random.Generator, shape: tuple[int, int]) -> Window:
    """Anywhere, of any size; often at a border."""
    top, left = (int(rng.integers(0, length)) for length in shape)
    bottom, right = (
        int(rng.integers(start + 1, length + 1))
        for start, length in zip((top, left), shape, strict=True)
    )
    return Window(top, left, bottom, right)


def test_ops_that_need_the_whole_image_are_those_that_are_known_to() -> None:
    local = {kind.__name__ for kind in (*LOCALITY, *BLURS)}

    assert {kind.__name__ for kind in OPS} - local == WHOLE


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_a_part_of_an_op_is_cut_from_the_whole(example: Example) -> None:
    [step] = steps_of([example.op])  # type: ignore[list-item]
    look = locality(step, ASSETS)
    if look is None:
        return
    levels = photograph(4, 53, 71)
    image: NDArray[np.generic] = levels
    if not example.eight:
        image = levels + 0.25  # off the 8-bit grid
    shape, rng = (53, 71), np.random.default_rng(5)
    whole = run([step], image, ASSETS)
    assert whole.shape[:2] == look.after(shape)
    smaller = 0
    for _ in range(20):
        wanted = window(rng, (whole.shape[0], whole.shape[1]))
        own = look.before(wanted, shape)
        smaller += own != Window(0, 0, *shape)

        part = _step(step, look, _cut(image, own), shape, [own, wanted], ASSETS)

        np.testing.assert_array_equal(part, _cut(whole, wanted))
    reach_is_small = getattr(look, "reach", 0) < 40
    assert smaller or not reach_is_small, "no window needed less than the whole image"


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 1 << 30), scale=st.sampled_from([2, 4]))
def test_a_crop_of_any_degraders_lr_is_cut_from_the_whole_lr(
    kind: str, seed: int, scale: int
) -> None:
    known, assets = pools(scale)
    rng = stream(seed, "test", kind)
    shape = (24 * scale, 37 * scale)
    degrader = degraders.build(published(kind), scale, known)
    program, hr = degrader.draw(rng, shape), photograph(seed % 50, *shape)
    wanted = window(np.random.default_rng(seed), (24, 37))

    crop = apply_crop(program, hr, assets, wanted)

    lr = apply(program, hr, assets)
    np.testing.assert_array_equal(crop, _cut(lr, wanted))


def test_what_comes_after_the_last_whole_op_is_done_to_a_part_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = list[tuple[int, ...]]()
    quantise = OPS[Quantise]

    def noting(op: object, image: NDArray[np.generic], assets: object) -> NDArray[np.generic]:
        seen.append(image.shape[:2])
        return quantise(op, image, assets)  # type: ignore[arg-type]

    monkeypatch.setitem(OPS, Quantise, noting)
    program = Program(
        scale=2,
        ops=(
            Quantise(),
            Resize(height=40, width=60, method="area"),
            Subsample(scale=2),
            GaussianNoise(sigma=3, key=KEY),
            Quantise(),
        ),
    )
    hr = photograph(2, 40, 60)

    crop = apply_crop(program, hr, ASSETS, Window(3, 4, 8, 11))

    assert seen == [(40, 60), (5, 7)]
    assert whole_ops(program, ASSETS) == ("resize",)
    np.testing.assert_array_equal(crop, apply(program, hr, ASSETS)[3:8, 4:11])


def test_photons_that_the_levels_of_the_image_decide_need_all_of_it() -> None:
    def of(peak: float | str) -> tuple[str, ...]:
        noise = PoissonNoise(peak=peak, key=KEY)
        return whole_ops(Program(scale=1, ops=(noise, Quantise())), ASSETS)

    assert of("levels") == ("poisson_noise",)
    assert of(150) == ()


@pytest.mark.parametrize(
    "wanted", [Window(0, 0, 0, 5), Window(-1, 0, 2, 2), Window(0, 0, 21, 5), Window(3, 5, 2, 9)]
)
def test_windows_beyond_the_lr_are_refused(wanted: Window) -> None:
    program = Program(scale=2, ops=(Subsample(scale=2),))

    with pytest.raises(ValueError, match="does not lie in an LR of 20 x 30"):
        apply_crop(program, photograph(2, 40, 60), ASSETS, wanted)
