"""Checkpoints of ours: what spandrel reads, and what other tools take for granted."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch

from pairmill.models.archs import NETWORKS, build
from pairmill.models.archs.for_others import names_for_others, unread_by_others
from pairmill.models.archs.weights import (
    load_network,
    put_weights,
    read_weights_for,
    write_for_others,
    write_weights,
)
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from tests.support.networks import (
    SMALL,
    SWIN,
    pictures,
    pth,
    same,
)

NAME = "x4.pth"


@pytest.fixture(scope="module")
def spandrel() -> Any:
    """The library by which chaiNNer and others load networks.

    It imports three functions of torchvision for two networks that are none of ours; names stand in
    for them, because torchvision cannot be imported beside every build of torch.
    """
    functional: Any = types.ModuleType("torchvision.transforms.functional")
    functional.InterpolationMode = functional.rotate = functional.normalize = object()
    names = {
        "torchvision": types.ModuleType("torchvision"),
        "torchvision.transforms": types.ModuleType("torchvision.transforms"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, module in {**names, "torchvision.transforms.functional": functional}.items():
            patch.setitem(sys.modules, name, module)
        import spandrel

        return spandrel


OTHERS: list[tuple[Any, int, str]] = [
    (CompactConfig(features=16, blocks=4), 4, "ours"),
    (CompactConfig(features=8, blocks=2), 3, "ours"),
    (RrdbNetConfig(features=8, blocks=2), 4, "ours"),
    (RrdbNetConfig(features=8, blocks=2), 2, "ours"),
    (RrdbNetConfig(features=8, blocks=2), 1, "ours"),
    (RrdbNetConfig(features=8, blocks=2), 4, "esrgan-old"),
    (RrdbNetConfig(features=8, blocks=2), 4, "esrgan"),
    (RcanConfig(features=16, groups=2, blocks=3, squeeze=4), 4, "rcan"),
    (RcanConfig(features=16, groups=2, blocks=3, squeeze=4, mean=(0.5, 0.25, 0.125)), 3, "rcan"),
    (SWIN, 4, "ours"),
    (SWIN.with_(upsampler="pixelshuffledirect"), 3, "ours"),
    (SWIN.with_(upsampler="nearest+conv"), 4, "ours"),
    (SWIN.with_(upsampler="nearest+conv", residual="3conv"), 2, "ours"),
    (SWIN.with_(window=7, patch=14, range=255.0), 2, "ours"),
]


@pytest.mark.filterwarnings("ignore:torch.meshgrid")  # in spandrel
@pytest.mark.parametrize("form", ["safetensors", "pth"])
@pytest.mark.parametrize(
    ("config", "scale", "convention"), OTHERS, ids=lambda value: str(value)[:60]
)
def test_spandrel_reads_ours_and_gives_the_same(
    spandrel: Any, config: Any, scale: int, convention: str, form: Any, tmp_path: Any
) -> None:
    network = build(config, scale, 7).eval()
    assert unread_by_others(config) is None
    assert names_for_others(config) == convention or convention.startswith("esrgan")
    data = write_weights(
        network.state_dict(), form, convention, NetworkSpec(network=config, scale=scale)
    )
    path = tmp_path / f"network.{form}"
    path.write_bytes(data)
    model = spandrel.ModelLoader("cpu").load_from_file(path)
    assert (model.scale, model.input_channels, model.output_channels) == (scale, 3, 3)
    assert {"compact": "Compact", "rrdbnet": "ESRGAN", "rcan": "RCAN", "swinir": "SwinIR"}[
        config.arch
    ] == model.architecture.id
    picture = pictures(1, 36, 28)
    with torch.no_grad():
        torch.testing.assert_close(
            model(picture.clone()), network(picture).clamp(0, 1), rtol=0, atol=1e-4
        )
        exact = network.double()(
            picture.double()
        )  # in float32 spandrel's 255 x - 255 mean loses digits
        torch.testing.assert_close(model.model.double()(picture.double()), exact, rtol=0, atol=1e-5)


def test_spandrel_gives_the_same_of_one_patch_of_an_ipt(spandrel: Any, tmp_path: Any) -> None:
    """Larger images are cut by each in its own way."""
    config: Any = SMALL["ipt"].with_(layers=2)
    network = build(config, 4, 7).double().eval()
    with torch.no_grad():
        for value in network.get_submodule("body").parameters():
            value.mul_(10)  # so that the attention is not even
    spec = NetworkSpec(network=config, scale=4)
    (tmp_path / "x.safetensors").write_bytes(write_for_others(network.state_dict(), spec))
    model = spandrel.ModelLoader("cpu").load_from_file(tmp_path / "x.safetensors")
    assert (model.architecture.id, model.scale) == ("IPT", 4)
    picture = pictures(1, 12, 12)
    with torch.no_grad():
        wanted = network.float()(picture).clamp(0, 1)
        assert float(wanted.std()) > 0.1
        torch.testing.assert_close(model(picture.clone()), wanted, rtol=0, atol=1e-4)


FOLDED: list[tuple[Any, int]] = [
    (SWIN.with_(range=255.0), 3),
    (SWIN.with_(window=7, patch=14), 2),
    (SWIN.with_(range=255.0, upsampler="pixelshuffledirect"), 2),
    (SWIN.with_(range=2.0, upsampler="nearest+conv"), 4),
    (RcanConfig(features=8, groups=1, blocks=2, squeeze=2, range=1.0), 2),
]


@pytest.mark.filterwarnings("ignore:torch.meshgrid")  # in spandrel
@pytest.mark.parametrize(("config", "scale"), FOLDED, ids=lambda value: str(value)[:60])
def test_another_range_is_folded_into_the_weights(
    spandrel: Any, config: Any, scale: int, tmp_path: Any
) -> None:
    """Otherwise spandrel takes it for another network, up to 0.34 off."""
    network = build(config, scale, 7).eval()
    data = write_for_others(network.state_dict(), NetworkSpec(network=config, scale=scale))
    (tmp_path / "x.safetensors").write_bytes(data)
    model = spandrel.ModelLoader("cpu").load_from_file(tmp_path / "x.safetensors")
    picture = pictures(1, 36, 28)
    with torch.no_grad():
        wanted = network(picture)
        for found in (model.model.eval(), load_network(data, NAME).eval()):
            torch.testing.assert_close(found(picture.clone()), wanted, rtol=0, atol=2e-6)
    again = build(config, scale, 8).eval()  # as training starts from a file
    put_weights(again, read_weights_for(config, data, NAME), NAME)
    same(again, network, scale)


def test_a_network_that_others_take_as_it_is_keeps_its_bytes() -> None:
    for config, name in ((SWIN, "ours"), (SMALL["rcan"], "rcan"), (SMALL["edsr"], "ours")):
        tensors, spec = build(config, 2).state_dict(), NetworkSpec(network=config, scale=2)
        assert write_for_others(tensors, spec) == write_weights(tensors, "safetensors", name, spec)


def test_weights_of_others_have_the_range_that_is_taken_for_granted() -> None:
    """The published EDSR counts white as 255; one that counts it as 1 starts from it."""
    published, own = SMALL["edsr"], EdsrConfig(features=8, blocks=2, range=1.0)
    network, other = build(published, 2, 3).eval(), build(own, 2, 4).eval()
    put_weights(other, read_weights_for(own, pth(network.state_dict()), NAME), NAME)
    same(other, network, 2)
    tensors = read_weights_for(SMALL["compact"], pth(network.state_dict()), NAME)
    assert torch.equal(tensors["conv_first.weight"], network.state_dict()["conv_first.weight"])


def readers() -> dict[str, str]:
    """The table of docs/how-to/trainer.md: what spandrel does with a network."""
    text = (Path(__file__).parents[3] / "docs/how-to/trainer.md").read_text()
    table = text.partition("## Who reads a checkpoint")[2].partition("\n\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {name.strip("`"): said for names, _, said in rows for name in names.split(", ")}


VARIANTS: list[Any] = [
    *SMALL.values(),
    RrdbNetConfig(features=8, blocks=1, growth=16),
    RcanConfig(features=8, groups=1, blocks=1, squeeze=2, residual_scale=0.5),
]


@pytest.mark.filterwarnings("ignore:torch.meshgrid")  # in spandrel
@pytest.mark.parametrize("config", VARIANTS, ids=lambda config: config.words()[:60])
def test_the_table_of_who_reads_what_is_so(spandrel: Any, config: Any, tmp_path: Any) -> None:
    """A newer spandrel that reads more should change `unread_by_others` and the page's table."""
    data = write_for_others(build(config, 4).state_dict(), NetworkSpec(network=config, scale=4))
    (tmp_path / "x.safetensors").write_bytes(data)
    why, said = unread_by_others(config), readers()[config.arch]
    assert set(readers()) == set(NETWORKS)
    if why is None:
        spandrel.ModelLoader("cpu").load_from_file(tmp_path / "x.safetensors")
        assert said.startswith("yes")
    else:
        with pytest.raises((spandrel.UnsupportedModelError, RuntimeError)):
            spandrel.ModelLoader("cpu").load_from_file(tmp_path / "x.safetensors")
        assert said == "no" or why.removeprefix("it assumes ") in said
