"""Properties of the codec ops: 8 bits out, harder is worse, nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops import OPS
from pairmill.schemas.ops.base import OpBase
from pairmill.schemas.ops.codecs import Avif, ChromaSubsample, Jpeg, JpegXl, Video, Webp
from tests.support.alignment import shift
from tests.support.make import photograph

NO_POOLS: Any = None
"""Codecs ask no pool, so that any use of it fails."""
EXAMPLES: list[OpBase] = [
    Jpeg(quality=50),
    Jpeg(quality=50, subsampling="444", phase=(3, 15)),
    Jpeg(quality=50, subsampling="422", phase=(9, 0)),
    Webp(quality=50),
    Avif(quality=50),
    Avif(quality=50, subsampling="422", speed=9),
    Avif(quality=50, subsampling="444", speed=10),
    JpegXl(distance=2.0),
    JpegXl(distance=2.0, effort=3),
    ChromaSubsample(subsampling="420"),
    ChromaSubsample(subsampling="422", smooth=True),
    Video(codec="h264", crf=28),
    Video(codec="h264", crf=28, frames=3, motion=(1, -2)),
    Video(codec="hevc", crf=28, frames=2, motion=(0, 3)),
    Video(codec="vp9", crf=40, frames=2, motion=(-3, 1)),
    Video(codec="av1", crf=40, frames=2, motion=(2, 2)),
]


def apply(op: OpBase, image: NDArray[np.generic]) -> NDArray[np.generic]:
    assets: Assets = NO_POOLS
    return OPS[type(op)](op, image, assets)


def error(op: OpBase, image: NDArray[np.generic]) -> float:
    return float(np.square(apply(op, image).astype(float) - image).mean())


def psnr(op: OpBase, image: NDArray[np.generic]) -> float:
    return float(10 * np.log10(255**2 / error(op, image)))


def name(op: OpBase) -> str:
    return op.canonical_json()


@pytest.mark.parametrize("op", EXAMPLES, ids=name)
def test_clips_and_rounds_half_up_first(op: OpBase) -> None:
    """An overshooting float image gives what its 8-bit version gives; the image is left alone;
    again gives the same."""
    rough = photograph(1).astype(np.float64) * 1.4 - 40 + 0.5
    before = rough.copy()
    made = apply(op, rough)
    eight = np.floor(np.clip(rough, 0, 255) + 0.5).astype(np.uint8)
    assert made.dtype == np.uint8
    assert made.shape == (37, 31, 3)
    assert np.array_equal(made, apply(op, eight))
    assert np.array_equal(made, apply(op, eight[::1, ::1].copy(order="F")))
    assert np.array_equal(rough, before)


@pytest.mark.parametrize("op", EXAMPLES, ids=name)
@pytest.mark.parametrize("level", [0, 17, 128, 255])
def test_grey_stays_grey(op: OpBase, level: int) -> None:
    assert np.abs(apply(op, np.full((37, 31, 3), level, np.uint8)).astype(int) - level).max() <= 3


@pytest.mark.parametrize("op", EXAMPLES, ids=name)
def test_nothing_moves(op: OpBase) -> None:
    """Odd size, all three colours."""
    image = photograph(2, 129, 131)
    made = apply(op, image)
    for channel in range(3):
        rows, columns = shift(image[..., channel], made[..., channel])
        assert abs(rows) < 0.05
        assert abs(columns) < 0.05


LADDERS: dict[str, Sequence[OpBase]] = {
    "jpeg": [Jpeg(quality=quality) for quality in (95, 80, 50, 20, 5)],
    "webp": [Webp(quality=quality) for quality in (95, 80, 50, 20, 1)],
    "avif": [Avif(quality=quality) for quality in (95, 80, 50, 20, 1)],
    "jpeg_xl": [JpegXl(distance=distance) for distance in (0.1, 1.0, 3.0, 8.0, 25.0)],
    "chroma": [ChromaSubsample(subsampling=subsampling) for subsampling in ("444", "422", "420")],
    "h264": [Video(codec="h264", crf=crf) for crf in (5, 18, 28, 40, 51)],
    "hevc": [Video(codec="hevc", crf=crf) for crf in (5, 18, 28, 40, 51)],
    "vp9": [Video(codec="vp9", crf=crf) for crf in (5, 20, 35, 50, 63)],
    "av1": [Video(codec="av1", crf=crf) for crf in (5, 20, 35, 50, 63)],
}


@pytest.mark.parametrize("ladder", LADDERS)
def test_harder_is_worse(ladder: str) -> None:
    image = photograph(3, 97, 101)
    errors = [error(op, image) for op in LADDERS[ladder]]
    assert all(worse > better for better, worse in pairwise(errors)), errors


@pytest.mark.parametrize(
    ("op", "least", "most"),
    [
        (Jpeg(quality=90, subsampling="444"), 36, 44),
        (Jpeg(quality=30), 25, 34),
        (Webp(quality=80), 31, 40),
        (Avif(quality=80, subsampling="444"), 34, 43),
        (JpegXl(distance=1.0), 33, 42),
        (Video(codec="h264", crf=18), 33, 42),
        (Video(codec="hevc", crf=18), 33, 43),
        (Video(codec="vp9", crf=20), 33, 48),
        (Video(codec="av1", crf=20), 33, 48),
    ],
    ids=str,
)
def test_loss_at_stated_quality(op: OpBase, least: float, most: float) -> None:
    """Where these settings are known to lie on photos, in dB; wrong colours or a shifted frame
    fall far below."""
    assert least < psnr(op, photograph(4, 96, 96, noise=1.0)) < most


def test_two_jpegs_are_two_ops() -> None:
    image = photograph(5, 64, 64)
    once = apply(Jpeg(quality=40), image)
    assert not np.array_equal(apply(Jpeg(quality=70, phase=(4, 4)), once), once)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_scale_of_crf_ends_at_51(codec: str) -> None:
    with pytest.raises(ValidationError, match=f"crf 52 is beyond the scale of {codec}"):
        Video.model_validate({"codec": codec, "crf": 52})
    assert Video.model_validate({"codec": "vp9", "crf": 63}).crf == 63


@pytest.mark.parametrize("phase", [(16, 0), (0, -1)])
def test_the_phase_ends_at_15(phase: tuple[int, int]) -> None:
    with pytest.raises(ValidationError):
        Jpeg(quality=50, phase=phase)


@pytest.mark.parametrize(
    ("op", "changes"),
    [
        (Jpeg(quality=50), {"quality": 51, "subsampling": "444", "phase": (1, 0)}),
        (Jpeg(quality=50, phase=(2, 3)), {"phase": (3, 2)}),
        (Webp(quality=50), {"quality": 60}),
        (Avif(quality=50), {"quality": 60, "subsampling": "422", "speed": 6}),
        (JpegXl(distance=2.0), {"distance": 2.5, "effort": 7}),
        (ChromaSubsample(subsampling="420"), {"subsampling": "422", "smooth": True}),
        (
            Video(codec="h264", crf=30, frames=2, motion=(1, 2)),
            {"codec": "hevc", "crf": 33, "frames": 3, "motion": (2, 1)},
        ),
    ],
    ids=str,
)
def test_every_parameter_matters(op: OpBase, changes: dict[str, Any]) -> None:
    image = photograph(6, 64, 64)
    for field, value in changes.items():
        assert not np.array_equal(apply(op, image), apply(op.with_(**{field: value}), image)), field
