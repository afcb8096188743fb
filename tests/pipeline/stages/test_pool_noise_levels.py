"""Gains of noise patches: as the noise of their camera follows level."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.pipeline.assets import read_pool
from pairmill.pipeline.stages.pool_noise_levels import gains
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.noise_levels import NoiseLevelsManifest
from tests.support.make import Tiny


def test_gains_worked_out() -> None:
    """Standard deviation 1 + level / 100 of a patch that was mined at 100, 50 and 300 clipped."""
    curves = np.tile(1 + np.arange(256) / 100, (3, 1))
    found = gains(curves, np.array([100.0, 49.6, 300.0]))
    assert found.shape == (3, 257)
    assert found[:, 256].tolist() == [100, 50, 255]
    assert found[0, [0, 100, 200]].tolist() == [0.5, 1, 1.5]
    assert found[1, [0, 50, 200]].tolist() == pytest.approx([1 / 1.5, 1, 2], abs=2**-11)
    assert found[2, 255] == 1
    assert (found[:, :256] * 1024 % 1 == 0).all()


def test_noise_that_is_hardly_there_is_not_made_a_thousand_times_stronger() -> None:
    curves = np.zeros((3, 256))
    curves[:, 128:] = 1.0
    found = gains(curves, np.full(3, 10.0))
    assert found[:, :256].max() == pytest.approx(20.0, abs=0.01)


def test_every_patch_has_a_row_and_its_level(tiny: Tiny) -> None:
    noise = tiny.sealed["pool_noise"].manifest
    sealed = tiny.sealed["pool_noise_levels"]
    levels: NoiseLevelsManifest = sealed.manifest
    assert [patch.image for patch in levels.patches] == [patch.image for patch in noise.patches]
    for patch, own in zip(noise.patches, levels.patches, strict=True):
        grey = 0.299 * own.red + 0.587 * own.green + 0.114 * own.blue
        assert grey == pytest.approx(patch.mean, abs=2)
    of_groups = [one for group in levels.groups for one in group.correlation]
    assert sum(one.patches for one in of_groups) == noise.count
    for one in of_groups:
        assert max(map(abs, (one.along_rows, one.along_columns, one.red_green))) <= 1
    items = read_pool(
        Storage(str(tiny.workspace)),
        f"stages/pool_noise_levels/sealed/{sealed.key}/pool.zarr",
        "noise_levels",
    )
    assert items.shape == (noise.count, 3, 257)
    mined = items[:, :, 256].astype(int)
    at_own = np.take_along_axis(items, mined[:, :, None], 2)[:, :, 0]
    assert at_own == pytest.approx(np.ones_like(at_own))
