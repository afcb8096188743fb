"""Chroma: known colours of BT.709, interpolation by hand, and nothing lost that need not be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.chroma import double, from_video, halve, subsample_chroma, to_video
from tests.support.make import photograph


def flat(*colour: int) -> NDArray[np.uint8]:
    return np.full((37, 31, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("rgb", "ycc"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((128, 128, 128), (126, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
)
def test_known_colours_of_bt709(rgb: tuple[int, int, int], ycc: tuple[int, int, int]) -> None:
    planes = to_video(flat(*rgb))
    assert tuple(int(plane[0, 0]) for plane in planes) == ycc
    assert [plane.shape for plane in planes] == [(37, 31), (19, 16), (19, 16)]
    assert np.abs(from_video(planes).astype(int) - rgb).max() <= 2


def test_all_greys_survive_video_levels() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(2, axis=0)
    back = from_video(to_video(ramp)).astype(int)
    assert np.abs(back - ramp).max() <= 1
    assert (back[..., 0] == back[..., 2]).all()
    assert (np.diff(back[0, :, 0]) >= 0).all()


def test_halve_and_double_by_hand() -> None:
    line = np.array([[0.0, 4.0, 8.0, 8.0, 20.0]])
    assert halve(line, 1).tolist() == [[2.0, 8.0, 20.0]]
    assert double(np.array([[2.0, 8.0, 20.0]]), 1, 5, smooth=False).tolist() == [[2, 2, 8, 8, 20]]
    assert double(np.array([[2.0, 8.0, 20.0]]), 1, 5, smooth=True).tolist() == [
        [2, 3.5, 6.5, 11, 17]
    ]
    assert double(np.array([[2.0], [8.0]]), 0, 4, smooth=True).ravel().tolist() == [2, 3.5, 6.5, 8]


@pytest.mark.parametrize("smooth", [False, True])
def test_grey_and_full_chroma_stay(smooth: bool) -> None:
    image = photograph(3)
    assert np.array_equal(subsample_chroma(image, False, False, smooth), image)
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert np.abs(subsample_chroma(grey, True, True, smooth) - grey).max() < 1e-2


@pytest.mark.parametrize(("rows", "columns"), [(False, True), (True, True)])
def test_subsampling_against_opencv(rows: bool, columns: bool) -> None:
    """The same by OpenCV's float conversion and its area and nearest resizing, on a size that needs
    no border."""
    image = photograph(4, 36, 30)
    ycc = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2YCrCb)
    small = (30 // (1 + columns), 36 // (1 + rows))
    coarse = cv2.resize(
        cv2.resize(ycc, small, interpolation=cv2.INTER_AREA),
        (30, 36),
        interpolation=cv2.INTER_NEAREST,
    )
    ycc[..., 1:] = coarse[..., 1:]
    wanted = cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB).astype(np.float64) * 255
    assert (
        np.abs(subsample_chroma(image, rows, columns, smooth=False) - wanted).max() < 0.15
    )  # OpenCV rounds its weights


def test_luma_stays() -> None:
    image = photograph(5)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs((subsample_chroma(image, True, True, smooth=True) - image) @ luma).max() < 1e-2
