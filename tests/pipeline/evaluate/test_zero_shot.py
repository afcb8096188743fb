"""`pairmill upscale --method`: what it is told, what it says before, finished images are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.flows.cli import zero_shot
from pairmill.flows.cli.zero_shot import check_options, run_zero_shot
from pairmill.models.functional.kernels import compose, gaussian_kernel, target_centre
from pairmill.pipeline.evaluate.zero_shot.kernels import checked, source_of
from pairmill.pipeline.evaluate.zero_shot.upscaler import ZeroShot
from pairmill.pipeline.evaluate.zero_shot.zssr import Zssr
from pairmill.schemas.errors import InterruptError, UserError
from pairmill.schemas.evaluation import UpscaleReport
from pairmill.schemas.zero_shot import ZERO_SHOT, ZssrConfig
from tests.support.make import photograph, save

Array = NDArray[np.float64]
NONE = {"scale": None, "kernel": None, "noise": None, "seed": None}
NO_NETWORK = {"checkpoint": "", "tile": False}


class Quick(ZssrConfig):
    """A few steps of a small network."""

    features: int = 4
    layers: int = 3
    crop: int = 24
    max_steps: int = 3


def kernel(scale: int) -> Array:
    size = 8 * scale + 1
    return gaussian_kernel(size, 0.6 * scale, 0.4 * scale, 0.5, target_centre(size, scale))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ZERO_SHOT, "zssr", Quick)


def run(folder: Path, **told: Any) -> UpscaleReport:
    return run_zero_shot([str(folder / "in")], "zssr", str(folder / "out"), NONE | told, "cpu")


@pytest.mark.usefixtures("quick")
def test_finished_images_are_kept_and_a_stopped_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(3):
        save(photograph(seed, 64, 70), tmp_path / f"in/{seed}.png")
    (tmp_path / "kernel.npy").parent.mkdir(exist_ok=True)
    np.save(tmp_path / "kernel.npy", kernel(2))
    file = str(tmp_path / "kernel.npy")
    upscale, calls = Zssr.upscale, list[Path]()

    def stopped(self: Zssr, *args: Any, **more: Any) -> Any:
        calls.append(tmp_path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return upscale(self, *args, **more)

    monkeypatch.setattr(Zssr, "upscale", stopped)
    with pytest.raises(InterruptError, match="finished images are kept"):
        run(tmp_path, kernel=file)
    assert [path.name for path in (tmp_path / "out").glob("*.png")] == ["0.png"]
    first = (tmp_path / "out/0.png").read_bytes()
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"3 images to make: about \d+ s here, about \d+ MiB", said)
    assert f"x2, kernel {file}" in said
    assert (run(tmp_path, kernel=file).found, len(calls)) == (1, 4)
    assert "2 images to make" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "out/0.png").read_bytes() == first
    page = (tmp_path / "out/look/index.html").read_text()
    assert "linear start" in page
    assert "checkpoint" not in page
    assert "right by zssr:" in page
    assert "network" not in (tmp_path / "out/look/upscale.json").read_text().split("panes", 1)[1]
    # All that the pixels depend on is in the key: another kernel, seed or noise makes them anew.
    assert run(tmp_path).found == 0
    assert run(tmp_path, seed=4).found == 0
    assert run(tmp_path, seed=4).found == 3
    assert "to make" not in " ".join(capsys.readouterr().out.split()).rsplit("zssr", 1)[1]


@pytest.mark.usefixtures("quick")
def test_small_images_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(photograph(1, 64, 64), tmp_path / "in/large.png")
    save(photograph(1, 31, 64), tmp_path / "in/small.png")
    with pytest.raises(SystemExit):
        run(tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert "64 x 31 pixels; ZSSR learns from the image downscaled, which takes 32" in said
    assert "2 files: 1 made, 1 left out" in said


def test_parameters_are_counted() -> None:
    from pairmill.models.zssr.train import Training

    for scale in (2, 3):
        config = Quick(scale=scale)
        body = Training(photograph(1, 48, 48), None, scale, config, "cpu").network.body
        assert Zssr().parameters(config) == sum(one.numel() for one in body.parameters())


@pytest.mark.parametrize(
    ("side", "scale", "measured"),
    [(700, 2, 260), (400, 4, 437)],  # MiB that the process grew by
)
def test_the_memory_that_is_said_is_near_what_was_measured(
    side: int, scale: int, measured: int
) -> None:
    config = ZssrConfig(scale=scale, crop=16, max_steps=1)
    # The largest of several images counts, not their sum.
    cost = Zssr().cost([(40, 40), (side, side)], config, device="cpu")
    assert 0.9 * measured <= cost.memory / zero_shot.MIB <= 1.4 * measured


def test_the_kernel_of_a_camera_is_found_from_all_its_photographs() -> None:
    images = [(photograph(seed, 96, 96), None) for seed in range(2)]
    source = source_of("camera", 2, lambda: images, 0)
    assert source.words == "of the camera of 2 photographs"
    found = source.of(images[0][0])
    assert found is not None
    assert abs(found.sum() - 1) < 1e-12
    assert np.array_equal(checked(found, 2, ""), found)
    with pytest.raises(UserError, match="no image shows the blur of a camera"):
        source_of("camera", 2, lambda: [(photograph(1, 40, 40), None)], 0)
    with pytest.raises(UserError, match="x2 and its powers"):
        source_of("kernelgan", 3, lambda: images, 0)


def test_kernels_of_x2_are_composed_for_methods_that_want_x4() -> None:
    assert np.abs(checked(kernel(2), 4, "k.npy") - compose(kernel(2), 4)).max() < 1e-3
    assert checked(kernel(3), 3, "k.npy").shape == (25, 25)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (kernel(2)[:16, :16], "odd side"),
        (kernel(2)[0], "odd side"),
        (np.array(1.0), "odd side"),
        (2 * kernel(2), "sum 1"),
        (np.full((5, 5), np.nan), "sum 1"),
        (kernel(3), "centred for x3"),
        (kernel(4), "centred for x4"),
        (np.roll(kernel(2), 2, 0), "off by"),
        (kernel(2)[::-1, ::-1], "to be flipped"),
        (kernel(2) + np.pad(np.diag([50.0, -100, 50]), 7), "lobes"),
    ],
)
def test_kernels_that_are_none_for_the_scale(wrong: Array, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "wrong.npy", wrong)
    with pytest.raises(UserError) as caught:
        source_of(str(tmp_path / "wrong.npy"), 2, list, 0)
    assert words in f"{caught.value.what} {caught.value.got} {caught.value.todo}"
    assert caught.value.where.endswith("wrong.npy")


def test_options_of_the_other_way_and_of_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing says how to upscale"):
        check_options("", NONE, NO_NETWORK)
    with pytest.raises(UserError, match="--scale is an option of methods"):
        check_options("", NONE | {"scale": 2}, NO_NETWORK | {"checkpoint": "a.pth"})
    with pytest.raises(UserError, match="--checkpoint is an option of networks"):
        check_options("zssr", NONE, NO_NETWORK | {"checkpoint": "a.pth"})
    check_options("zssr", NONE | {"noise": 3.0}, NO_NETWORK)
    check_options("", NONE, NO_NETWORK | {"checkpoint": "a.pth", "tile": True})
    with pytest.raises(UserError, match="no such method"):
        run_zero_shot(["a"], "zsr", "out", NONE, "cpu")
    for option, value in (("scale", 5), ("noise", -1.0), ("seed", -1)):
        with pytest.raises(UserError, match=f"--{option}"):
            run(tmp_path, **{option: value})
    (tmp_path / "text.npy").write_text("no array")
    for file, words in (("text.npy", r"the file holds no array"), ("none.npy", "no such file")):
        with pytest.raises(UserError, match=words):
            source_of(str(tmp_path / file), 2, list, 0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (90, "90 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_times_are_said_roundly(seconds: float, said: str) -> None:
    assert zero_shot.said_time(seconds) == said


def test_what_a_result_depends_on_is_in_its_digest() -> None:
    source = source_of("bicubic", 2, list, 0)
    digests = {
        ZeroShot(Zssr(), ZssrConfig(scale=scale, noise=noise), source).view.sha256
        for scale in (2, 3)
        for noise in (0.0, 2.0)
    }
    assert len(digests) == 4
