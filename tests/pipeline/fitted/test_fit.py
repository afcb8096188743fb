"""Whole fits on small tiles: the sub-range that a camera draws from is found, and nothing else is
narrowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.pipeline.chains.ratio import frechet
from pairmill.pipeline.chains.transfer import UNITS
from pairmill.pipeline.fitted.camera import Camera
from pairmill.pipeline.fitted.fit import Narrowed, Tries, narrow
from pairmill.pipeline.runner.execution import SerialExecutor, local_profile, runner
from pairmill.pipeline.runner.stage import Batch, ProgressCallback, ProgressListener
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import ChainFitConfig, Curve, TwinConfig
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.hr import HrTile
from pairmill.schemas.image import ImageRecord, Role
from tests.support.make import photograph, tree

KEY = "0" * 64
SMALL = ChainFitConfig(trials=200, judged=60, rounds=4, tiles=1, side=32)


def chain(sigma: Any, noise: Any, p: float = 0.5) -> CustomConfig:
    """Blur, every second pixel, noise, and now and then a strong JPEG."""
    kernel = {"shape": "gaussian", "sigma_x": sigma, "sigma_y": sigma, "size": 21}
    ops = [
        {"op": "blur", "kernel": kernel},
        {"op": "subsample", "scale": 2},
        {"op": "gaussian_noise", "sigma": noise},
        {"op": "jpeg", "quality": 30, "p": p},
    ]
    return CustomConfig.model_validate({"ops": ops})


WIDE = chain([0.4, 4.0], [0.0, 24.0])
CAMERA = chain([1.6, 1.9], [2.5, 3.5], p=0.0)


class Stopped(SerialExecutor):
    """Dead after some batches."""

    def __init__(self, after: int) -> None:
        self.left = after

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
        for done in super().run(batches, advanced):
            yield done
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def tries_in(workspace: Path, executor: SerialExecutor | None = None) -> Tries:
    storage = Storage(str(workspace))
    folder = layout.unit_folder(clean_up.STAGE.name, KEY)
    storage.write(f"{folder}/{clean_up.HR}", npy_bytes(photograph(3, 288, 288, noise=0)))
    record = ImageRecord(
        url="/scene.png",
        role=Role.REAL,
        format="PNG",
        width=576,
        height=576,
        bytes=1,
        file_sha256=KEY,
        pixel_sha256=KEY,
    )
    hr = tuple(
        HrTile(image=record, hr_key=KEY, cleaned=True, left=x, top=y)
        for x in (0, 96, 192)
        for y in (0, 96, 192)
    )
    twin = TwinConfig(curves=(Curve(shot=0, read=0),))
    run = runner(
        local_profile(storage.url, "cpu", 1), executor or SerialExecutor(), ProgressListener()
    )
    return Tries(Camera(hr, 64, twin, (), ()), 2, SMALL, run, storage)


def fit(tries: Tries, start: CustomConfig, camera: CustomConfig) -> Narrowed:
    target = tries.whole(camera, seed=5)["values"]
    floor = frechet(tries.whole(camera, seed=6)["values"], target, UNITS)
    return narrow(start, target, floor, tries)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Narrowed, Path]:
    workspace = tmp_path_factory.mktemp("fitted")
    return fit(tries_in(workspace), WIDE, CAMERA), workspace


def test_the_sub_range_of_the_camera_is_found(fitted: tuple[Narrowed, Path]) -> None:
    """Of blurs of 0.4 to 4.0 the camera has 1.6 to 1.9, of noise up to 24 it has 2.5 to 3.5, and
    never the JPEG."""
    found = fitted[0]
    ops = found.best.chain.model_dump()["ops"]
    least, most = ops[0]["kernel"]["sigma_x"]
    assert 0.8 < least < 1.75 < most < 2.8
    low, high = ops[2]["sigma"]
    assert low < 3 < high < 8
    assert ops[3]["p"] < 0.1
    assert found.best.distance < found.rounds[0].distance / 4


def test_bins_around_the_truth_are_likely_and_far_ones_are_not(
    fitted: tuple[Narrowed, Path],
) -> None:
    noise = fitted[0].likelier["ops[2].sigma"]
    assert max(noise) == max(noise[:2])
    assert max(noise[4:]) < 0.8


def test_a_chain_that_is_the_camera_stays_as_it_is(tmp_path: Path) -> None:
    assert fit(tries_in(tmp_path), CAMERA, CAMERA).best.chain == CAMERA


def test_the_same_seed_gives_the_same_chain_after_any_interruption(
    fitted: tuple[Narrowed, Path], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(tries_in(tmp_path, Stopped(3)), WIDE, CAMERA)
    again = fit(tries_in(tmp_path), WIDE, CAMERA)
    assert again == fitted[0]
    assert tree(tmp_path, [".tmp"]) == tree(fitted[1], [".tmp"])
    assert np.isfinite([one.distance for one in again.rounds]).all()
