"""Rows of the card, its control, and cameras against one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pairmill.pipeline.realism.card import Side, card_row, control_row
from pairmill.pipeline.realism.compare import matched, pool
from pairmill.pipeline.realism.cross import by_group, cross_camera
from pairmill.pipeline.realism.features import features
from pairmill.pipeline.realism.flat_noise import flat_noise
from pairmill.schemas.realism import RealismConfig
from pairmill.schemas.realism_card import CardRow
from tests.pipeline.realism.test_compare import seen

CONFIG = RealismConfig(patches=150, folds=3, network=False)
NAMES = [f"{number:02d}" for number in range(14)]


def side(std: float, draw: int = 0, first: int = 0) -> Side:
    """Fourteen images of soft scenes with white noise."""
    images = [seen(first + number, std, draw) for number in range(len(NAMES))]
    return Side(images, NAMES, pool(images, NAMES, CONFIG), flat_noise(images, NAMES, 0))


def row(photographs: Side, made: Side, inception: object = None) -> CardRow:
    pairs = matched(photographs.patches, made.patches, CONFIG)
    return card_row("made", photographs, made, pairs, 0, inception)  # type: ignore[arg-type]


def test_scores_rise_with_the_fault() -> None:
    real = side(4.0)
    rows = [row(real, side(std, 1)) for std in (4.0, 3.0, 1.5)]
    for name in ("akld", "kld", "spectrum", "kid"):
        values = [found.score(name).value for found in rows]  # type: ignore[union-attr]
        assert values == sorted(values), name
    assert rows[0].akld is not None
    assert rows[0].akld.value < 0.01
    assert rows[0].kid is not None
    assert rows[0].kid.interval is not None
    assert rows[0].kid.interval[0] < 0 < rows[0].kid.interval[1]
    assert rows[0].fid is None
    assert not rows[0].problems


def test_known_features_are_not_measured_again() -> None:
    real, made = side(4.0), side(3.0, 1)
    described = replace(real, patches=replace(real.patches, values=features(real.patches.pixels)))
    assert row(described, made) == row(real, made)


def test_fid_with_the_features_that_are_given() -> None:
    def mean_levels(pixels: np.ndarray) -> np.ndarray:
        return pixels.mean(axis=(1, 2))

    found = row(side(4.0), side(4.0, 1), mean_levels)
    assert found.fid is not None
    assert found.fid.interval is not None
    assert found.fid.interval[0] <= found.fid.value < 30


def test_control_is_near_zero() -> None:
    found = control_row("real against real", side(4.0), CONFIG)
    assert found.control
    assert found.akld is not None
    assert found.akld.value < 0.02
    assert found.kid is not None
    assert found.kid.interval is not None
    assert found.kid.interval[0] < 0 < found.kid.interval[1]


def test_too_little_is_said() -> None:
    few = side(4.0)
    few = Side(few.images[:3], NAMES[:3], few.patches[:9], flat_noise(few.images[:3], NAMES[:3], 0))  # type: ignore[index]
    found = row(side(4.0), few)
    assert found.spectrum is None
    assert "4 images" in found.problems["kid"]
    assert "8 photographs" in control_row("real", few, CONFIG).problems["akld"]
    small = Side(few.images, few.sources, few.patches, flat_noise([few.images[0][:40]], ["0"], 0))
    assert "needs 100 flat blocks" in row(side(4.0), small).problems["akld"]


def test_matrix_tells_two_clearly_different_cameras_and_no_camera_from_itself() -> None:
    photographs = {"a": side(4.0).patches, "b": side(1.5, first=20).patches}
    made = {"a": side(4.0, 1).patches, "b": side(1.5, 1, first=20).patches}
    found = cross_camera(photographs, made, CONFIG)
    assert found is not None
    assert found.groups == ("a", "b")
    assert found.photographs == (14, 14)
    for matrix in (found.lr, found.control):
        values = np.array([[score.value for score in line if score] for line in matrix])
        assert np.diag(values) == pytest.approx(0.5, abs=0.2)
        assert min(values[0, 1], values[1, 0]) > 0.97
    assert found.control[0][1] == found.control[1][0]


def test_matrix_needs_two_groups_with_lr() -> None:
    patches = side(4.0).patches
    assert cross_camera({"a": patches, "b": patches}, {"a": patches}, CONFIG) is None
    parts = by_group(patches, {"00": "x", "01": "y"})
    assert {name: set(part.sources.tolist()) for name, part in parts.items()} == {
        "x": {"00"},
        "y": {"01"},
    }
