"""Gains of noise patches: as the noise of their camera follows level."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.camera.flat_blocks import fine_noise
from pairmill.models.camera.levels import LevelNoise, NoiseLevels
from pairmill.models.functional.chroma import LUMA
from pairmill.pipeline.assets import read_pool
from pairmill.pipeline.stages.pool_noise_levels import gains, own_noise, unchanged
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.noise_levels import NoiseLevelsManifest
from tests.support.make import Tiny


def test_gains_worked_out() -> None:
    """Standard deviation 1 + level / 100; patches of 100, 50 and 255, as strong as there, half as
    strong and twice.
    """
    curves = np.tile(1 + np.arange(256) / 100, (3, 1))
    found = gains(curves, np.array([100.0, 49.6, 300.0]), np.array([2.0, 0.75, 7.1]))
    assert found.shape == (3, 257)
    assert found[:, 256].tolist() == [100, 50, 255]
    assert found[0, [0, 100, 200]].tolist() == [0.5, 1, 1.5]
    assert found[1, [0, 50, 200]].tolist() == pytest.approx([2 / 1.5, 2, 4], abs=2**-11)
    assert found[2, 255] == 0.5
    assert (found[:, :256] * 1024 % 1 == 0).all()


def test_noise_that_is_hardly_there_is_not_made_a_thousand_times_stronger() -> None:
    curves = np.zeros((3, 256))
    curves[:, 128:] = 1.0
    found = gains(curves, np.full(3, 10.0), np.full(3, 0.05))
    assert found[:, :256].max() == pytest.approx(20.0, abs=0.01)
    nothing = gains(np.ones((3, 256)), np.full(3, 10.0), np.zeros(3))
    assert (nothing[:, :256] == 4).all()


def test_gains_of_1_where_nothing_is_known() -> None:
    found = unchanged(np.array([[10.0, 20.4, 30.0]]))
    assert found.shape == (1, 3, 257)
    assert (found[..., :256] == 1).all()
    assert found[0, :, 256].tolist() == [10, 20, 30]


def test_every_patch_has_a_row_and_is_as_strong_as_a_photograph(tiny: Tiny) -> None:
    noise, storage = tiny.sealed["pool_noise"], Storage(str(tiny.workspace))
    sealed = tiny.sealed["pool_noise_levels"]
    levels: NoiseLevelsManifest = sealed.manifest
    patches = noise.manifest.patches
    assert [patch.image for patch in levels.patches] == [patch.image for patch in patches]
    for patch, own in zip(patches, levels.patches, strict=True):
        grey = LUMA @ (own.red, own.green, own.blue)
        assert grey == pytest.approx(patch.mean, abs=2)
    items = read_pool(
        storage, f"stages/pool_noise_levels/sealed/{sealed.key}/pool.zarr", "noise_levels"
    )
    assert items.shape == (len(patches), 3, 257)
    rows = read_pool(storage, f"stages/pool_noise/sealed/{noise.key}/pool.zarr", "noise")
    [group] = levels.groups
    made, curve = [], []
    for item, row in zip(items, rows, strict=True):
        at = int(item[1, 256])
        own = fine_noise(row, by_luma=group.red == group.green == group.blue)[1] ** 0.5
        made.append(item[1, at] * own)
        curve.append(
            np.interp(at, [one.level for one in group.green], [one.std for one in group.green])
        )
    # As strong as the camera's noise there, times the strength of a photograph.
    times = np.array(made) / curve
    away = 2 * group.spread + 0.01
    assert (np.abs(np.log(times)) <= away).all()
    assert len(np.unique(np.round(times, 2))) > 1


def test_fine_noise_of_white_patches() -> None:
    """Variances 4, 9 and 16, less that of rounding; by luma, what they make of it."""
    rng = np.random.default_rng(1)
    patch = rng.standard_normal((48, 48, 3)) * (2, 3, 4)
    apart = fine_noise(patch, by_luma=False)
    assert apart == pytest.approx(np.array([4, 9, 16]) - 1 / 12, rel=0.08)
    together = fine_noise(patch, by_luma=True)
    expected = np.square(LUMA) @ (4, 9, 16) / np.square(LUMA).sum()
    assert together == pytest.approx([expected] * 3, rel=0.08)


LEVEL = np.array([90.0, 122.5, 185.0])
"""Of a blue sky."""
SKY = np.sqrt(0.1 * LEVEL)
"""Its noise, of variance 0.1 times the level: 3.0, 3.5 and 4.3."""


def _by_luma() -> NoiseLevels:
    """The curve of that noise, told from luma for all channels."""
    told = tuple(
        LevelNoise(level, float((0.1 * level) ** 0.5), 40) for level in np.arange(5.0, 255, 5)
    )
    return NoiseLevels((told, told, told), np.ones(1))


def test_restored_noise_is_that_of_the_levels_of_each_channel() -> None:
    """A blue sky has more noise in blue. Of curves that luma told for all channels, patches whose
    chroma an encoder cut off know no more; of those that were restored blue is not laid on grey as
    strong as on the sky."""
    noise = np.random.default_rng(4).standard_normal((96, 96, 3)) * SKY
    found = _by_luma()
    assert own_noise(noise, LEVEL, found, restored=True) == pytest.approx(SKY, rel=0.05)
    assert own_noise(noise, LEVEL, found, restored=False) == pytest.approx([3.4] * 3, rel=0.05)
    # Restored noise was never rounded to 8 bits, so nothing is taken off it.
    assert own_noise(noise / 8, LEVEL, found, restored=True) == pytest.approx(SKY / 8, rel=0.05)
    told = (LevelNoise(100.0, 3.0, 40),)
    apart = NoiseLevels((told, (LevelNoise(100.0, 2.0, 40),), told), np.ones(1))
    assert own_noise(noise, LEVEL, apart, restored=False) == pytest.approx(SKY, rel=0.05)


def test_channels_that_go_together_are_as_strong_as_their_luma() -> None:
    """One noise of 2 in all channels: luma of 2, for which curves by luma say 2 / 0.668 = 2.99 of
    each. So told each channel has 2.99 too, and is laid on as it is; measured by itself it would
    be made half as strong again.
    """
    together = np.repeat(np.random.default_rng(5).normal(0, 2, (96, 96, 1)), 3, axis=2)
    told = (LevelNoise(100.0, 2.99, 40),)
    found = NoiseLevels((told, told, told), np.ones(1))
    own = own_noise(together, np.full(3, 100.0), found, restored=True)
    assert own == pytest.approx([2.99] * 3, rel=0.05)
    made = gains(found.curves(), np.full(3, 100.0), own)
    assert made[:, :256] == pytest.approx(1, rel=0.05)
