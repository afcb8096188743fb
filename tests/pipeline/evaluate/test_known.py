"""`pairmill networks`: what files are, and files in another form."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pairmill.flows.cli.network_files import run_networks
from pairmill.models.archs import build
from pairmill.models.archs.deployed import ALLOWED
from pairmill.models.archs.keys import to_theirs
from pairmill.models.archs.weights import load_network, write_weights
from pairmill.pipeline.evaluate.known import all_known, files_named, look, write_as
from pairmill.pipeline.evaluate.networks import load
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.networks.carn import CarnConfig
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.vdsr import VdsrConfig
from tests.support.ncnn_files import compact_files
from tests.support.networks import checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint of ours, ncnn's two files, and one that is none."""
    checkpoint(tmp_path / "ours.safetensors")
    network = build(CompactConfig(features=5, blocks=2), 4, seed=3)
    for ending, data in zip(("param", "bin"), compact_files(network, reduced=0.5), strict=True):
        (tmp_path / f"theirs.{ending}").write_bytes(data)
    (tmp_path / "none.pth").write_bytes(b"GGUF and so on")
    (tmp_path / "notes.txt").write_text("not looked at")
    return tmp_path


def test_what_files_are(folder: Path) -> None:
    found = {Path(file).name: look(file) for file in files_named([str(folder)])}
    assert sorted(found) == ["none.pth", "ours.safetensors", "theirs.param"]
    ours, theirs, none = (found[name] for name in ("ours.safetensors", "theirs.param", "none.pth"))
    assert (ours.network, ours.scale, ours.form) == (
        "compact, features 4, blocks 1",
        2,
        "safetensors",
    )
    assert (ours.parameters, ours.told, ours.others, ours.reason) == (712, False, "", "")
    assert (theirs.network, theirs.scale, theirs.form) == (
        "compact, features 5, blocks 2",
        4,
        "ncnn",
    )
    assert theirs.note == "its program reduces the result to 0.5 of its size"
    assert "a GGUF file" in none.reason


def test_the_command_says_so_and_fails_where_one_is_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_networks([str(folder)], "", "out", as_json=True)
    assert ended.value.code == 1
    assert capsys.readouterr().out.count('"sha256"') == 3
    with pytest.raises(UserError, match="safetensors, pth, onnx"):
        run_networks([str(folder)], "keras", "out", as_json=False)
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="no files of weights"):
        files_named([str(folder / "empty")])


def test_all_networks_are_listed() -> None:
    known = {one.arch: one for one in all_known()}
    assert known.keys() == NETWORK_CONFIGS.keys()
    assert known["compact"].parameters == 621_424
    assert known["lapsrn"].scales == (2, 4, 8)
    assert all(one.about[-1] != "." and len(one.about) > 20 for one in known.values())


@pytest.mark.parametrize("form", ["safetensors", "pth", "onnx"])
def test_another_form_of_ncnn_files(folder: Path, form: str) -> None:
    network = load(str(folder / "theirs.bin")).network
    assert network is not None
    place, far = write_as(str(folder / "theirs.bin"), form, Storage(str(folder / "out")))  # type: ignore[arg-type]
    assert place.endswith(f"out/theirs.{form}")
    if form == "onnx":
        assert 0 < far < ALLOWED
        return
    again = load_network(Path(place).read_bytes(), place).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in network.state_dict().items())
    assert look(place).told


def test_files_that_do_not_tell_their_scale_are_read_where_it_is_given(tmp_path: Path) -> None:
    network = build(VdsrConfig(features=4, depth=3, luma=True), 3)
    (tmp_path / "vdsr.pth").write_bytes(write_weights(to_theirs(network.state_dict(), "vdsr")))
    with pytest.raises(UserError, match=r"do not tell the scale[\s\S]*--scale 4"):
        load(str(tmp_path / "vdsr.pth"))
    assert load(str(tmp_path / "vdsr.pth"), scale=3).view.scale == 3
    heads = build(CarnConfig(features=4, heads=(2, 3)), 3)
    (tmp_path / "carn.pth").write_bytes(write_weights(heads.state_dict(), "pth", "carn"))
    assert [load(str(tmp_path / "carn.pth"), scale=scale).view.scale for scale in (2, None)] == [
        2,
        3,
    ]


def test_nothing_is_overwritten_and_one_failure_is_not_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, before = folder / "ours.safetensors", (folder / "ours.safetensors").read_bytes()
    with pytest.raises(UserError, match="not overwritten"):
        write_as(str(ours), "safetensors", Storage(str(folder)))
    again = checkpoint(folder / "b" / "ours.safetensors", scale=4)
    last = checkpoint(folder / "last.safetensors")
    with pytest.raises(SystemExit):
        run_networks([str(ours), again, last], "pth", str(folder / "out"), as_json=False)
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["last.pth", "ours.pth"]
    assert look(str(folder / "out/ours.pth")).scale == 2
    assert ours.read_bytes() == before
    assert "two files have one name" in capsys.readouterr().err


def test_a_file_that_does_not_tell_its_scale(tmp_path: Path) -> None:
    network = build(VdsrConfig(features=8, depth=4), 2)
    path = tmp_path / "any.safetensors"
    path.write_bytes(write_weights(network.state_dict()))
    found = look(str(path))
    assert (found.scale, found.network, found.reason) == (0, "vdsr, features 8, depth 4", "")
    assert "--scale" in found.note
    with pytest.raises(UserError, match="--scale 4"):
        write_as(str(path), "pth", Storage(str(tmp_path / "out")))
    place, _ = write_as(str(path), "pth", Storage(str(tmp_path / "out")), scale=3)
    assert look(place).scale == 3
