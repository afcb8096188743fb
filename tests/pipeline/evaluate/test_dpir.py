"""DPIR as a method of `pairmill upscale`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pairmill.flows.cli.main import app
from pairmill.flows.cli.zero_shot import MIB, check_options
from pairmill.models.archs import build
from pairmill.models.archs.ircnn import Ircnn
from pairmill.models.inference.denoiser_files import write_denoisers
from pairmill.models.inference.dpir import Denoisers
from pairmill.pipeline.evaluate.zero_shot.dpir import Dpir, denoisers_of
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.ircnn import IrcnnConfig
from pairmill.schemas.zero_shot import DpirUpscale
from tests.pipeline.evaluate.test_zero_shot import NO_NETWORK, NONE, kernel
from tests.support.make import photograph, save

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def denoisers(path: Path, *levels: float) -> Path:
    """Networks that were trained on nothing, and take almost nothing away."""
    made = {level: build(IrcnnConfig(features=4), 1, int(level)) for level in levels}
    assert all(isinstance(one, Ircnn) for one in made.values())
    path.write_bytes(write_denoisers(Denoisers(made)))
    return path


def test_the_command_says_what_it_takes_and_finds_again_what_is_finished(tmp_path: Path) -> None:
    for seed in range(2):
        save(photograph(seed, 40, 44, noise=0), tmp_path / f"in/{seed}.png")
    np.save(tmp_path / "soft.npy", kernel(2))
    file, other = denoisers(tmp_path / "a.safetensors", 5, 50), tmp_path / "b.safetensors"
    denoisers(other, 10, 50)

    def run(*more: str, net: Path = file) -> str:
        arguments = [str(tmp_path / "in"), "--method", "dpir", "--checkpoint", str(net)]
        done = CliRunner().invoke(
            app, ["upscale", *arguments, "--out", str(tmp_path / "out"), *more]
        )
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    said = run()
    assert "DPIR, 24 data steps, IRCNN denoisers of 2 levels of noise, x2" in said
    assert "2 images to make: about" in said
    assert "MiB of memory" in said
    first = np.asarray(Image.open(tmp_path / "out/0.png"))
    assert first.shape == (80, 88, 3)
    assert "2 files: 0 made, 2 found" in run()
    # What the pixels depend on is in the key: the kernel and the denoisers.
    assert "2 files: 2 made" in run("--kernel", str(tmp_path / "soft.npy"))
    assert not np.array_equal(first, np.asarray(Image.open(tmp_path / "out/0.png")))
    assert "2 files: 2 made" in run(net=other)
    page = (tmp_path / "out/look/index.html").read_text()
    assert "levels of denoisers" in page
    assert "10, 50" in page


def test_options_of_denoisers(tmp_path: Path) -> None:
    check_options("dpir", NONE, NO_NETWORK | {"checkpoint": "a.pth"})
    with pytest.raises(UserError, match="--tile is an option of networks"):
        check_options("dpir", NONE, NO_NETWORK | {"checkpoint": "a.pth", "tile": True})
    file = denoisers(tmp_path / "a.safetensors", 5, 50)
    assert denoisers_of(str(file))[0].levels == [5, 50]
    for said, words in (
        ("", "DPIR needs denoisers"),
        (f"{file}:5", "denoisers of several levels"),
        (f"{file}:0", "no level of noise"),
        (str(tmp_path / "none.pth"), "no such checkpoint of denoisers"),
        (f"{file},{file}", "two denoisers are for one level of noise"),
    ):
        with pytest.raises(UserError, match=words):
            denoisers_of(said)


def test_what_it_costs_is_of_the_largest_image_and_of_all_pixels() -> None:
    method, config = Dpir(Denoisers({50: build(IrcnnConfig(), 1)})), DpirUpscale()
    assert method.parameters(config) == 188_163
    one, two = (method.cost([(64, 64)] * count, config, device="cpu") for count in (1, 2))
    assert one.memory == two.memory < 64 * MIB
    assert method.problem(7, 9, config) == "9 x 7 pixels; DPIR takes 8 pixels a side or more"
    assert method.problem(8, 8, config) == ""
