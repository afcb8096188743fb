"""What images are worth as HR: figures, verdicts, and what is done about them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairmill.pipeline.compression.mine import of_file, older_quality
from pairmill.pipeline.curation.hr import hr_figures
from pairmill.schemas.curation import CurationConfig
from pairmill.schemas.hr_quality import HrFigures, HrQualityConfig, HrVerdict
from tests.support.make import photograph

NAMELESS = "0" * 64
Pixels = NDArray[np.uint8]


def figures(**changes: float | None) -> HrFigures:
    good: dict[str, float | None] = {
        "defocus": 0.1,
        "flat": 0.2,
        "enlarged": 1.0,
        "fine": 0.1,
        "quality": 0,
        "complexity": 4.0,
    }
    return HrFigures.model_validate({"image": NAMELESS, **good, **changes})


@pytest.mark.parametrize(
    ("changes", "verdict", "said"),
    [
        ({"defocus": 0.8}, HrVerdict.DEFOCUSED, "80% of its content out of focus"),
        ({"enlarged": 1.5}, HrVerdict.ENLARGED, "enlarged 1.50 times"),
        ({"fine": 0.004}, HrVerdict.SOFT, "fine detail has 0.004 of the power of coarser"),
        ({"quality": 75}, HrVerdict.RESAVED, "was a JPEG of quality 75"),
        ({"complexity": 1.2}, HrVerdict.PLAIN, "1.2 bits of gradients"),
    ],
)
def test_verdicts(changes: dict[str, float], verdict: HrVerdict, said: str) -> None:
    found = figures(**changes)
    assert found.verdicts(HrQualityConfig()) == (verdict,)
    assert found.says(verdict) == said


def test_good_images_have_none_and_limits_are_the_users() -> None:
    assert figures().verdicts(HrQualityConfig()) == ()
    assert figures(fine=None).verdicts(HrQualityConfig()) == ()
    assert figures(quality=75).verdicts(HrQualityConfig(min_quality=70)) == ()
    assert figures().verdicts(HrQualityConfig(max_defocus=0.05)) == (HrVerdict.DEFOCUSED,)


def test_enlarged_images_are_told() -> None:
    image = photograph(3, 200, 240, noise=1.0)
    assert hr_figures(image, NAMELESS, 0).verdicts(HrQualityConfig()) == ()
    for factor, verdict in ((1.5, HrVerdict.ENLARGED), (2.0, HrVerdict.SOFT)):
        size = round(240 * factor), round(200 * factor)
        larger = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
        found = hr_figures(larger, NAMELESS, 0)
        assert verdict in found.verdicts(HrQualityConfig()), factor
        if verdict == HrVerdict.ENLARGED:
            assert found.enlarged == pytest.approx(factor, rel=0.03)


def test_small_and_flat_images_are_measured_as_far_as_they_go() -> None:
    small = hr_figures(photograph(1, 37, 31), NAMELESS, 0)
    assert (small.enlarged, small.fine) == (1.0, None)
    flat = hr_figures(np.full((97, 121, 3), 90, np.uint8), NAMELESS, 0)
    assert (flat.flat, flat.defocus, flat.fine, flat.complexity) == (1.0, 0.0, None, 0.0)
    assert flat.verdicts(HrQualityConfig()) == (HrVerdict.PLAIN,)


def saved(image: Pixels, quality: int) -> tuple[bytes, Pixels]:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue(), np.asarray(Image.open(buffer))


def test_an_older_jpeg_shows_in_better_files() -> None:
    image = cv2.GaussianBlur(photograph(4, 181, 203, noise=6.0), (0, 0), 0.7)
    assert older_quality(image) == 0
    data, pixels = saved(image, 70)
    assert older_quality(pixels) == 70  # as PNG
    assert older_quality(pixels, of_file(data, NAMELESS)) == 0  # that is the file's own
    data, twice = saved(pixels, 95)
    assert older_quality(twice, of_file(data, NAMELESS)) == pytest.approx(70, abs=2)


def test_recipes_without_it_are_what_they_were() -> None:
    assert "hr" not in CurationConfig().model_dump(mode="json")
    asked = CurationConfig.model_validate({"hr": {"drop": ["defocused"]}})
    assert CurationConfig.model_validate(asked.model_dump(mode="json")) == asked
