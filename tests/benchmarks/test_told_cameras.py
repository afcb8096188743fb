"""Told networks at equal time: steps, kernels that are known, gains by turn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.equal_time import LEARNING, LEAST, SCALE, Corpus, Trainer, recipe, steps_within
from benchmarks.told_cameras import (
    CAMERA,
    CONTROL,
    MEAN,
    SIDE,
    TRUE,
    bicubic_kernel,
    exact,
    simulated,
    table,
    tellings,
)
from pairmill.models.archs import build
from pairmill.models.archs.aware import KernelAware
from pairmill.models.functional.kernels import centre_of_mass
from pairmill.models.functional.resize import bicubic_down
from pairmill.pipeline.evaluate.networks import Upscaler, bicubic
from pairmill.schemas.evaluation import NetworkView
from pairmill.schemas.networks.srmd import SrmdConfig

CORPUS = Corpus("phone", "0123456789ab")
NOISELESS = {
    "ops": [
        {
            "op": "blur",
            "kernel": {
                "shape": "gaussian",
                "sigma_x": [1.4, 1.7],
                "sigma_y": [0.9, 1.1],
                "angle": 0,
            },
        },
        {"op": "subsample", "scale": 2},
    ]
}


def test_as_many_steps_as_fit_in_tens() -> None:
    assert steps_within(60, 0.15) == 400
    assert steps_within(60, 0.1551) == 390
    assert steps_within(1, 1) == LEAST


def test_stages_of_ikc_share_the_time_of_one(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path, 100, 0.8)
    trainer.step_seconds = {"edsr": 0.2, "srmd": 0.1, "sftmd": 0.25, "ikc": 0.5}
    steps = {who: trainer.steps(who) for who in ("edsr", "srmd", "sftmd-whole", "sftmd", "ikc")}
    assert steps == {"edsr": 500, "srmd": 1000, "sftmd-whole": 400, "sftmd": 320, "ikc": 40}


def test_what_one_turn_has_measured_another_finds(tmp_path: Path) -> None:
    one, other = Trainer(tmp_path, 60, 0.8), Trainer(tmp_path, 60, 0.8)
    one.step_seconds, one.spent = {"edsr": 0.2}, {"first": 61.0}
    one._save()
    other.spent = {"second": 59.0}
    other._save()
    found = Trainer(tmp_path, 60, 0.8)
    assert (found.step_seconds, found.spent) == ({"edsr": 0.2}, {"first": 61.0, "second": 59.0})


def test_all_learn_from_the_same_batches() -> None:
    """Seed, batch and crop are the same; the schedule ends with the run."""
    made = {who: recipe(who, CORPUS, 40, start="sftmd" if who == "ikc" else "") for who in LEARNING}
    assert {(one.seed, one.batch, one.crop, one.corpus) for one in made.values()} == {
        (0, 16, 48, CORPUS.words)
    }
    assert len({one.name for one in made.values()}) == len(LEARNING)
    assert made["edsr"].optimiser.schedule.model_dump()["periods"] == (40,)


def test_the_kernel_of_bicubic_downscaling_makes_what_it_makes() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (64, 64, 1))
    kernel, (row, column) = bicubic_kernel(), (16, 15)
    top, left = (SCALE * place - SIDE // 2 for place in (row, column))
    seen = image[top : top + SIDE, left : left + SIDE, 0]
    assert float((kernel * seen).sum()) == pytest.approx(
        float(bicubic_down(image, SCALE)[row, column, 0]), abs=1e-4
    )


def test_a_known_camera_comes_with_its_kernels(tmp_path: Path) -> None:
    """Each LR is what its kernel says, to the rounding of 8 bits; sizes are cut to even ones."""
    rng = np.random.default_rng(1)
    (tmp_path / "scenes").mkdir()
    for name in ("a", "b"):
        scene = cv2.GaussianBlur(rng.uniform(0, 255, (61, 70, 3)), (0, 0), 2)
        cv2.imwrite(str(tmp_path / "scenes" / f"{name}.png"), scene.astype(np.uint8))
    kernels = simulated(tmp_path / "scenes", NOISELESS, tmp_path / "pairs")
    pairs = exact(tmp_path / "pairs")
    assert [pair.name for pair in pairs] == list(kernels) == ["a", "b"]
    assert not np.allclose(kernels["a"], kernels["b"])
    for pair in pairs:
        assert pair.hr.shape == (60, 70, 3)
        assert pair.lr.shape == (30, 35, 3)
        row, column = 14, 17
        seen = pair.hr[
            SCALE * row - SIDE // 2 : SCALE * row + SIDE // 2 + 1,
            SCALE * column - SIDE // 2 : SCALE * column + SIDE // 2 + 1,
        ]
        said = (kernels[pair.name][..., None] * seen).sum((0, 1))
        np.testing.assert_allclose(said, pair.lr[row, column], atol=0.51)
        assert pair.mask.sum() == (60 - 8) * (70 - 8)
        assert centre_of_mass(kernels[pair.name]) == pytest.approx([SIDE // 2 + 0.5] * 2, abs=0.01)


def test_networks_hear_kernels_only_if_they_take_them() -> None:
    network = build(SrmdConfig(features=4, depth=2, code=3, noise=False), SCALE, 0)
    assert isinstance(network, KernelAware)
    told = Upscaler(NetworkView(name="srmd", arch="srmd", scale=SCALE), network)
    found = dict(tellings(told, bicubic_kernel(), {"a": bicubic_kernel()}))
    assert list(found)[:2] == [CAMERA, MEAN]
    heard = [found[words]("a").told for words in (MEAN, TRUE)]
    wanted = [network.code.mean.detach().numpy(), bicubic_kernel()]
    for one, kernel in zip(heard, wanted, strict=True):
        assert one is not None
        assert isinstance(one.kernel, np.ndarray)
        np.testing.assert_allclose(one.kernel, kernel, atol=1e-6)
    assert list(dict(tellings(bicubic(SCALE), bicubic_kernel(), {}))) == [""]


def test_gains_are_over_edsr_and_by_turn() -> None:
    scores = {
        CONTROL: {"a": [20.0], "b": [22.0], "c": [24.0]},
        "SRMD": {"a": [20.5], "b": [22.5], "c": [23.0]},
    }
    lines = table(scores, {0: ["a", "b"], 2: ["c"]})
    assert lines[0] == "| network | PSNR Y | over EDSR | 95 % | turn 0 | turn 2 |"
    assert lines[2] == "| EDSR | 22.00 | – | – | – | – |"
    assert lines[3].startswith("| SRMD | 22.00 | +0.00 | -1.00 to +0.50 | +0.50 | -1.00")
