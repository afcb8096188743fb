"""One list, all properties: what every op promises. A new op is one line in `EXAMPLES`, here or
more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.keyed import keyed
from pairmill.models.redegnet.checkpoint import networks_bytes
from pairmill.models.redegnet.networks import SynNet
from pairmill.pipeline.assets import Assets, pool_digest
from pairmill.pipeline.compression.tables import Encoder
from pairmill.pipeline.ops import OPS
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.base import OpBase
from pairmill.schemas.ops.blur import (
    Blur,
    DiscKernel,
    GaussianKernel,
    GeneralisedKernel,
    MotionKernel,
    PlateauKernel,
    SincKernel,
    UnsharpMask,
)
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess
from pairmill.schemas.ops.codecs import Avif, ChromaSubsample, Jpeg, JpegXl, Video, Webp
from pairmill.schemas.ops.learned import Pdm, Redegnet, Translate
from pairmill.schemas.ops.noise import (
    BlockNoise,
    GaussianNoise,
    PoissonNoise,
    ShotReadNoise,
    SpeckleNoise,
)
from pairmill.schemas.ops.pooled import (
    Aligned,
    Inject,
    InjectByLevel,
    NearPlacement,
    Placement,
    PooledBlur,
    PooledJpeg,
)
from pairmill.schemas.ops.resize import BicubicDown, Clip, Quantise, Resize, Subsample
from pairmill.schemas.program import Program
from pairmill.schemas.redegnet import RedegnetNetConfig
from tests.support.make import photograph
from tests.support.pools import pdm_pool, pools, translator_pool

Image = NDArray[np.generic]
KNOWN, POOLS = pools(2)
ENCODER = Encoder(np.full((8, 8), 9), np.full((8, 8), 17), "420").row()[None]
ENCODERS = pool_digest(ENCODER)
NET = RedegnetNetConfig(side=16, code=4, first=2, most=4, mapping=1)
SYNNET = np.frombuffer(networks_bytes(NET, {"syn": SynNet(NET, keyed(1, "weights"))}), np.uint8)[
    None
]
PDM = pdm_pool({"filters": 3})[1].pools
TRANSLATOR = translator_pool("maeda", shift=(0.3, -0.2))[1].pools
FROM_HR = translator_pool("bulat", from_hr=True)[1].pools
CODES = np.eye(3, 4, dtype=np.float32)
PHOTOGRAPHS = np.stack([photograph(seed) for seed in (8, 9)])
ASSETS = Assets(
    {
        **POOLS.pools,
        **PDM,
        **TRANSLATOR,
        **FROM_HR,
        ENCODERS: ENCODER,
        pool_digest(SYNNET): SYNNET,
        pool_digest(CODES): CODES,
        pool_digest(PHOTOGRAPHS): PHOTOGRAPHS,
    }
)
KEY = "0123456789abcdef" * 2
PLACES = tuple(
    Placement(
        index=2,
        patch_top=0,
        patch_left=0,
        flip_rows=False,
        flip_columns=True,
        top=top,
        left=0,
        height=height,
        width=31,
    )
    for top, height in ((0, 20), (12, 25))
)
RGB = ((4.0, 1.0, 0.5), (1.0, 9.0, 2.0), (0.5, 2.0, 5.0))


@dataclass(frozen=True)
class Example:
    """An op and what it promises next to the properties of all."""

    op: OpBase
    grey: bool = True
    """Whether a greyscale image stays grey, to the last bit (or to a few intensity levels, where a
    number is given in `near`)."""
    near: float = 0.0
    """By how many intensity levels a greyscale image may turn coloured."""
    flat: bool = True
    """Whether an image of one level, saturated or not, keeps it (to within `near`)."""
    shape: tuple[int, int] = (37, 31)
    """Rows and columns of the result for 37 x 31."""
    eight: bool = False
    """Whether the op takes 8-bit images only."""


EXAMPLES = [
    # what blurs and sharpens
    Example(
        Blur(kernel=GaussianKernel(size=15, sigma_x=2.5, sigma_y=1, angle=0.5, shift=(0.5, 0.5)))
    ),
    Example(Blur(kernel=GaussianKernel(size=7, sigma_x=1, sigma_y=1), border="mirror")),
    Example(
        Blur(kernel=GeneralisedKernel(size=21, sigma_x=2.5, sigma_y=1, beta=0.6), border="wrap")
    ),
    Example(Blur(kernel=PlateauKernel(size=9, sigma_x=2.5, sigma_y=1, beta=1.4))),
    Example(Blur(kernel=SincKernel(size=21, cutoff=1.2))),
    Example(Blur(kernel=MotionKernel(size=41, length=30.5, angle=1.0))),
    Example(Blur(kernel=DiscKernel(size=13, radius=4.3))),
    Example(UnsharpMask()),
    # what changes the size and the range
    Example(Subsample(scale=3), shape=(13, 11)),
    Example(BicubicDown(scale=3), shape=(12, 10)),
    Example(BicubicDown(scale=3, form="matlab"), shape=(12, 10), eight=True),
    *(
        Example(Resize(height=50, width=17, method=method), shape=(50, 17))
        for method in ("matlab_bicubic", "bicubic", "bilinear", "area", "nearest")
    ),
    Example(Clip()),
    Example(Quantise()),
    # what takes something from a pool
    Example(PooledBlur(pool=KNOWN["kernels"].digest, index=1), eight=True),
    Example(
        Inject(pool=KNOWN["noise"].digest, strength=0.7, placements=PLACES),
        grey=False,
        flat=False,
    ),
    Example(
        InjectByLevel(
            pool=KNOWN["noise"].digest,
            levels=KNOWN["noise_levels"].digest,
            strength=0.7,
            placements=tuple(NearPlacement(**dict(place), others=(0, 4)) for place in PLACES),
        ),
        grey=False,
        flat=False,
    ),
    Example(
        Aligned(pool=pool_digest(PHOTOGRAPHS), index=1), grey=False, flat=False, shape=(37, 31)
    ),
    Example(PooledJpeg(pool=ENCODERS, index=0, phase=(3, 5)), near=9),
    Example(
        Redegnet(checkpoint=pool_digest(SYNNET), pool=pool_digest(CODES), index=1),
        grey=False,
        flat=False,
        eight=True,
    ),
    Example(Pdm(pool=next(iter(PDM)), key=KEY), grey=False, flat=False, shape=(18, 15), eight=True),
    *(
        Example(
            Translate(pool=next(iter(pool)), key=KEY),
            grey=False,
            flat=False,
            shape=(18, 15),
            eight=True,
        )
        for pool in (TRANSLATOR, FROM_HR)
    ),
    # noise
    Example(GaussianNoise(sigma=9, key=KEY), grey=False, flat=False),
    Example(GaussianNoise(sigma=9, mode="grey", key=KEY), flat=False),
    Example(
        GaussianNoise(sigma=0, mode="correlated", covariance=RGB, key=KEY), grey=False, flat=False
    ),
    Example(SpeckleNoise(sigma=0.1, mode="grey", key=KEY), flat=False),
    Example(PoissonNoise(peak=150, key=KEY), grey=False, flat=False),
    Example(PoissonNoise(grey=True, key=KEY), flat=False),
    Example(ShotReadNoise(shot=0.5, read=2, key=KEY), grey=False, flat=False),
    Example(BlockNoise(key=KEY), grey=False, flat=False),
    # codecs
    Example(Jpeg(quality=40, phase=(3, 5)), near=5),
    Example(Webp(quality=40), near=6),
    Example(Avif(quality=40), near=6),
    Example(JpegXl(distance=2), near=6),
    Example(ChromaSubsample(), near=1),
    *(Example(Video(codec=codec, crf=30), near=8) for codec in ("h264", "hevc", "vp9", "av1")),
    # a camera
    Example(Unprocess(), grey=False, flat=False),
    Example(Mosaic(), grey=False, flat=False),
    Example(Process(), grey=False, flat=False),
]

IDS = [f"{number}-{type(example.op).__name__}" for number, example in enumerate(EXAMPLES)]
each = pytest.mark.parametrize("example", EXAMPLES, ids=IDS)


def run(example: Example, image: Image) -> Image:
    return OPS[type(example.op)](example.op, image, ASSETS)


@lru_cache
def bits() -> NDArray[np.uint8]:
    image = photograph(1)
    image[:9, :9], image[-9:, :9] = 0, 255
    return image


@lru_cache
def floats() -> NDArray[np.float64]:
    """The same with a fraction and some overshoot."""
    return (bits() + np.random.default_rng(3).normal(0, 5, bits().shape)) * 1.02


def test_the_list_is_complete() -> None:
    union = set(get_args(get_args(Op)[0]))
    assert set(OPS) == union
    assert union == {type(example.op) for example in EXAMPLES}


@each
@pytest.mark.parametrize("make", [bits, floats])
def test_pure(example: Example, make: Callable[[], Image]) -> None:
    """The image is left alone, the result is the same twice, and how the image lies in memory does
    not matter."""
    if example.eight and make is floats:
        with pytest.raises(ValueError, match="8-bit"):
            run(example, make())
        return
    image = make().copy()
    first, second, turned = (
        run(example, image),
        run(example, image),
        run(example, np.asfortranarray(image)),
    )
    np.testing.assert_array_equal(image, make())
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, turned)
    assert first.shape == (*example.shape, 3)
    assert first.dtype in (np.uint8, np.float64)
    assert np.isfinite(first).all()


@each
def test_whole_numbers_are_the_same_in_either_type(example: Example) -> None:
    if not example.eight:
        np.testing.assert_array_equal(run(example, bits()), run(example, bits().astype(np.float64)))


@each
def test_grey_stays_grey(example: Example) -> None:
    grey = np.repeat(bits()[:, :, :1], 3, axis=2)
    found = run(example, grey).astype(np.float64)
    apart = np.ptp(found, axis=2).max()
    assert (apart <= example.near) == example.grey, apart


@each
@pytest.mark.parametrize("level", [0, 100, 255])
def test_flat_images(example: Example, level: int) -> None:
    """Saturated ones too; noise, whose mean is 0, changes them by a few intensity levels on average
    at most."""
    found = run(example, np.full((37, 31, 3), level, np.uint8)).astype(np.float64)
    assert np.isfinite(found).all()
    if example.flat:
        assert np.abs(found - level).max() <= example.near


@pytest.mark.parametrize(
    "example",
    [
        example
        for example in EXAMPLES
        if not isinstance(example.op, Inject | InjectByLevel | Aligned)
    ],
)
@pytest.mark.parametrize("shape", [(1, 1), (2, 37), (8, 8)])
def test_small_images(example: Example, shape: tuple[int, int]) -> None:
    """Down to one pixel, unless the op needs more: then it says so. Placements of noise patches and
    photographs are of one size."""
    image = photograph(2, *shape)
    scales: dict[type[OpBase], int] = {BicubicDown: 3, Pdm: 2, Translate: 2}
    scale = scales.get(type(example.op), 1)
    if min(shape) < scale:
        with pytest.raises(ValueError, match="cannot be downscaled"):
            run(example, image)
        return
    found = run(example, image)
    assert found.ndim == 3
    assert np.isfinite(found).all()


@each
def test_json_and_words(example: Example) -> None:
    program = Program(scale=1, ops=(example.op,))
    again = Program.model_validate_json(program.canonical_json())
    assert again == program
    assert type(again.ops[0]) is type(example.op)
    assert again.canonical_json() == program.canonical_json()
    (words,) = program.words({})
    assert words == words.strip() != ""
    assert "  " not in words
    assert "\n" not in words
    assert len(words) < 120
