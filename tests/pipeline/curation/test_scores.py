"""Blockiness and blur."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pairmill.pipeline.curation.keypoints import grey_of
from pairmill.pipeline.curation.scores import scores
from pairmill.schemas.curation import Scores
from tests.support.sample_images import flat, recompressed, scene


def test_blur_and_blocks_raise_the_scores() -> None:
    image = scene(5)
    blurs = [
        scores(grey_of(np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8))).blur
        for sigma in (0.6, 1.5, 3.0, 5.0)
    ]
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
