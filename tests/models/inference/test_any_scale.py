"""Upscaling by fractions: tiles, files, and what is refused."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairmill.flows.cli.upscale import run_upscale
from pairmill.models.archs.meta import Meta
from pairmill.models.archs.weights import write_weights
from pairmill.models.inference.any_scale import strips_at
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NetworkSpec
from tests.support.make import photograph
from tests.support.networks import SMALL, checkpoint, network_of

OPTIONS = {"tile": 32, "overlap": None, "ensemble": False, "device": "cpu", "precision": "float32"}


@pytest.mark.parametrize(("scale", "size"), [("27/10", (243, 202)), ("3/2", (135, 112))])
def test_tiles_of_a_fraction_fall_together(scale: str, size: tuple[int, int]) -> None:
    network, lr = network_of("meta", 2), photograph(1, 90, 75)
    assert isinstance(network, Meta)
    whole, tiled = (
        np.concatenate(list(strips_at(network, lr, Fraction(scale), tile=tile))).astype(int)
        for tile in (None, 32)
    )
    assert whole.shape == tiled.shape == (*size, 3)
    assert np.abs(tiled - whole).max() <= 1


def test_files_are_upscaled_by_a_fraction_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = network_of("meta", 2)
    file, images, out = tmp_path / "x.safetensors", tmp_path / "in", tmp_path / "out"
    file.write_bytes(
        write_weights(network.state_dict(), spec=NetworkSpec(network=SMALL["meta"], scale=2))
    )
    images.mkdir()
    Image.fromarray(photograph(2, 21, 17)).save(images / "a.png")
    (images / "b.png").write_bytes(b"no image")
    for said in ("1 made, 0 found", "0 made, 1 found"):
        with pytest.raises(SystemExit):
            run_upscale([str(images)], str(file), str(out), "", OPTIONS, 2.7)
        heard = capsys.readouterr()
        assert said in heard.out + heard.err
    made = Image.open(io.BytesIO((out / "a.png").read_bytes()))
    assert made.size == (int(2.7 * 17), int(2.7 * 21))


@pytest.mark.parametrize(
    ("scale", "ensemble", "said"),
    [(9.5, False, "not 1 to 8"), (2.77, False, "too large"), (1.5, True, "ensemble")],
)
def test_what_cannot_be_asked_for(tmp_path: Path, scale: float, ensemble: bool, said: str) -> None:
    network, file = network_of("meta", 2), tmp_path / "x.safetensors"
    file.write_bytes(
        write_weights(network.state_dict(), spec=NetworkSpec(network=SMALL["meta"], scale=2))
    )
    Image.fromarray(photograph(2, 21, 17)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=said):
        run_upscale(
            [str(tmp_path / "a.png")],
            str(file),
            str(tmp_path / "out"),
            "",
            OPTIONS | {"ensemble": ensemble},
            scale,
        )


def test_other_networks_have_no_fractions(tmp_path: Path) -> None:
    Image.fromarray(photograph(2, 21, 17)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="for another scale"):
        run_upscale(
            [str(tmp_path / "a.png")],
            checkpoint(tmp_path / "x.safetensors"),
            str(tmp_path / "out"),
            "",
            OPTIONS,
            2.5,
        )
