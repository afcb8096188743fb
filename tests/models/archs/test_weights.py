"""Checkpoints: what spandrel reads of ours, what we read of others, and what is refused."""

from __future__ import annotations

import io
import pickle
import sys
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load

from pairmill.models.archs import NETWORKS, build, build_empty
from pairmill.models.archs.for_others import names_for_others, unread_by_others
from pairmill.models.archs.keys import CONVENTIONS, convention_of, to_ours, to_theirs
from pairmill.models.archs.layers import Network
from pairmill.models.archs.recognise import recognise
from pairmill.models.archs.weights import (
    load_network,
    put_weights,
    read_spec,
    read_weights,
    read_weights_for,
    write_for_others,
    write_weights,
)
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.dbpn import DbpnConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from pairmill.schemas.networks.srcnn import SrcnnConfig
from pairmill.schemas.networks.srresnet import SrResNetConfig
from pairmill.schemas.networks.swinir import SwinIrConfig
from tests.support.networks import NO_SCALE, SMALL, SWIN, UNRECOGNISED, network_of, pictures

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


def pth(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def same(found: Network, wanted: Network, scale: int) -> None:
    """Both give the same image."""
    with torch.no_grad():
        torch.testing.assert_close(found(pictures(1)), wanted(pictures(1)), rtol=0, atol=1e-6)
    assert found.scale == scale


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


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_a_checkpoint_says_what_it_is_for(name: str, form: Any) -> None:
    network = network_of(name, 4)
    spec = NetworkSpec(network=SMALL[name], scale=4)
    data = write_weights(network.state_dict(), form, spec=spec, entry="params_ema")
    assert data == write_weights(network.state_dict(), form, spec=spec, entry="params_ema")
    assert read_spec(data, NAME) == spec
    assert set(read_weights(data, NAME)) == set(network.state_dict())
    same(load_network(data, NAME), network, 4)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_networks_are_recognised_by_their_weights(name: str, scale: int) -> None:
    config = SMALL[name]
    if config.problem(scale):
        return
    tensors = build(config, scale).state_dict()
    if name in NO_SCALE:
        with pytest.raises(ValueError, match="do not tell the scale"):
            recognise(tensors)
    elif name == "lapsrn-shared":  # as MS-LapSRN is not; `recognise` takes it for what it is at x2
        assert recognise(tensors) == (config.with_(shared=False), 2)
    elif name == "ircnn":
        assert recognise(tensors) == (config, 1)
    elif name in UNRECOGNISED:
        with pytest.raises(ValueError, match="no network of ours"):
            recognise(tensors)
    else:
        assert recognise(tensors) == (config, max(config.heads_at(scale)))


@pytest.mark.parametrize(
    "config",
    [
        EdsrConfig(features=256, blocks=32, residual_scale=0.1),
        EdsrConfig(),
        RcanConfig(),
        RrdbNetConfig(),
        SrResNetConfig(),
        SwinIrConfig(),
        SwinIrConfig(window=7, patch=126, range=255.0),
        SwinIrConfig(features=60, depths=(6,) * 4, heads=(6,) * 4, upsampler="pixelshuffledirect"),
        SwinIrConfig(
            features=240,
            depths=(6,) * 9,
            heads=(8,) * 9,
            upsampler="nearest+conv",
            residual="3conv",
        ),
        CompactConfig(blocks=32),
        DbpnConfig(),
    ],
    ids=lambda config: config.words(),
)
def test_published_sizes_are_recognised(config: Any) -> None:
    with torch.device("meta"):
        assert recognise(build_empty(config, 4).state_dict()) == (config, 4)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_renaming_there_and_back(convention: str) -> None:
    scale = (CONVENTIONS[convention].scales or (4,))[-1]
    network = network_of(CONVENTIONS[convention].arch, scale)
    tensors = network.state_dict()
    theirs = to_theirs(tensors, convention)
    assert convention_of(theirs) == convention
    most = 0.3 if convention == "ipt" else 0.7  # whose transformer has the authors' names
    assert len(set(theirs) - set(tensors)) >= len(tensors) * most
    back = to_ours(theirs)
    assert list(back) == list(tensors)
    assert all(torch.equal(back[key], tensors[key]) for key in tensors)
    same(
        load_network(pth(theirs), NAME, NetworkSpec(network=network.config, scale=scale)),
        network,
        scale,
    )


def test_names_of_others_are_these() -> None:
    """A few by heart, from the published checkpoints."""
    old = to_theirs(network_of("rrdbnet", 4).state_dict(), "esrgan-old")
    assert {
        "RRDB_trunk.0.RDB3.conv5.bias",
        "trunk_conv.weight",
        "upconv1.weight",
        "upconv2.weight",
        "HRconv.weight",
    } <= set(old)
    first = to_theirs(network_of("rrdbnet", 4).state_dict(), "esrgan")
    assert {
        "model.0.weight",
        "model.1.sub.0.RDB1.conv1.0.weight",
        "model.1.sub.1.weight",
        "model.10.weight",
    } <= set(first)
    rcan = to_theirs(network_of("rcan", 4).state_dict(), "rcan")
    assert {
        "head.0.weight",
        "body.1.body.1.body.3.conv_du.2.bias",
        "body.0.body.2.weight",
        "tail.0.2.bias",
    } <= set(rcan)
    edsr = to_theirs(network_of("edsr", 4).state_dict(), "edsr")
    assert {
        "head.0.bias",
        "body.1.body.2.weight",
        "body.2.weight",
        "tail.0.0.weight",
        "tail.1.weight",
    } <= set(edsr)


@pytest.mark.parametrize("name", ["rcan", "edsr"])
def test_means_of_the_authors_networks(name: str) -> None:
    """They come as layers; without these layers nothing is taken away."""
    config: Any = SMALL[name].with_(mean=(0.5, 0.25, 0.125))
    network = build(config, 2, 3).eval()
    theirs = read_weights(
        write_weights(network.state_dict(), "pth", name, NetworkSpec(network=config, scale=2)), NAME
    )
    assert theirs["sub_mean.bias"].tolist() == [-127.5, -63.75, -31.875]
    assert recognise(theirs) == (config, 2)
    same(load_network(pth(theirs), NAME), network, 2)
    bare = {key: value for key, value in theirs.items() if "_mean" not in key}
    assert recognise(bare)[0] == config.with_(mean=(0.0, 0.0, 0.0))


def test_wrappers_are_taken_off() -> None:
    network = network_of("compact", 4)
    tensors, other = network.state_dict(), build(SMALL["compact"], 4, 99).state_dict()
    for content in (
        tensors,
        OrderedDict(tensors),
        {"params": other, "params_ema": tensors},
        {"params": tensors},
        {"state_dict": tensors, "epoch": 3},
        {"state_dict": {f"module.{key}": value for key, value in tensors.items()}},
        {"model": {"params": tensors}},
        {f"module._orig_mod.{key}": value for key, value in tensors.items()},
        {"net": tensors, "best": 31.5, "names": ["a"]},
        {key: torch.nn.Parameter(value) for key, value in tensors.items()},
    ):
        same(load_network(pth(content), NAME), network, 4)


def test_half_precision_is_read_in_float32() -> None:
    tensors = {
        key: value.half()
        for key, value in network_of("swinir", 4).state_dict().items()
        if value.is_floating_point()
    }
    index = {
        key: value
        for key, value in network_of("swinir", 4).state_dict().items()
        if not value.is_floating_point()
    }
    found = read_weights(pth({**tensors, **index}), NAME)
    assert {value.dtype for value in found.values()} == {torch.float32, torch.int64}
    load_network(pth({**tensors, **index}), NAME)


def test_masks_of_other_patches_do_not_matter() -> None:
    """A SwinIR that was trained on patches of 8 continues with patches of 16."""
    old, new = build(SWIN, 2, 1), build(SWIN.with_(patch=16), 2, 2)
    put_weights(new, old.state_dict(), NAME)
    same(new.eval(), old.eval(), 2)
    assert new.state_dict()["layers.0.residual_group.blocks.1.attn_mask"].shape == (16, 16, 16)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("import sys; sys.was_here = True",)


def test_code_is_refused() -> None:
    for data in (
        pth({"params": Evil()}),
        pth({**network_of("compact").state_dict(), "x": Evil()}),
        pickle.dumps(Evil()),
    ):
        with pytest.raises(UserError, match="could run code") as caught:
            load_network(data, "bad.pth")
        assert "bad.pth" in str(caught.value)
        assert not hasattr(sys, "was_here")
    with pytest.raises(UserError, match="it asks for exec"):
        read_weights(pth({"params": Evil()}), NAME)


@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_a_cut_file_is_an_error(form: Any) -> None:
    data = write_weights(network_of("compact").state_dict(), form)
    for length in (0, 1, 9, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(UserError, match=r"damaged|refused") as caught:
            load_network(data[:length], "cut.pth")
        assert "cut.pth" in caught.value.where


@pytest.mark.parametrize("content", [[1, 2], 3.5, {}, {"step": 3}, torch.zeros(3), {"params": {}}])
def test_what_holds_no_weights_is_an_error(content: Any) -> None:
    with pytest.raises(UserError, match="holds no weights"):
        read_weights(pth(content), NAME)


@pytest.mark.parametrize(
    "odd",
    [
        lambda x: x.to_sparse(),
        lambda x: torch.empty_like(x, device="meta"),
        lambda x: x.to(torch.complex64),
    ],
    ids=["sparse", "without-content", "complex"],
)
def test_tensors_that_no_network_can_take_are_no_weights(
    odd: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    tensors = {name: odd(value) for name, value in network_of("compact").state_dict().items()}
    with pytest.raises(UserError, match=r"holds no weights[\s\S]*dense tensors of real numbers"):
        load_network(pth(tensors), NAME)


def test_another_network_is_an_error_that_says_which() -> None:
    tensors = network_of("edsr", 2).state_dict()
    with pytest.raises(UserError) as caught:
        load_network(pth(tensors), "edsr_x2.pth", NetworkSpec(network=SMALL["edsr"], scale=4))
    message = str(caught.value)
    assert "missing: upsample.2.weight (32, 8, 3, 3), upsample.2.bias (32,)" in message
    assert "edsr, features 8, blocks 2, scale 2" in message
    with pytest.raises(
        UserError,
        match=r"of another shape: body.6.weight \(12, 8, 3, 3\), not \(48, 8, 3, 3\), body.6.bias",
    ):
        load_network(
            pth(network_of("compact", 2).state_dict()),
            NAME,
            NetworkSpec(network=SMALL["compact"], scale=4),
        )
    with pytest.raises(
        UserError, match=r"not in the network: conv_after_body.weight \(8, 8, 3, 3\), .* and 1 more"
    ) as caught:
        load_network(pth(tensors), NAME, NetworkSpec(network=SMALL["srresnet"], scale=2))
    assert caught.value.wanted == "srresnet, features 8, blocks 2, scale 2"


def test_an_unknown_network_is_an_error_that_shows_keys() -> None:
    with pytest.raises(UserError, match=r"not recognised") as caught:
        load_network(pth({"encoder.weight": torch.zeros(3, 4), "x": torch.zeros(2)}), NAME)
    assert "encoder.weight (3, 4), x (2,)" in caught.value.got
    two = {
        key: value
        for key, value in network_of("rrdbnet", 4).state_dict().items()
        if "conv_up2" not in key
    }
    with pytest.raises(UserError, match="not recognised"):
        load_network(pth(two), NAME)
    body = {
        key: value
        for key, value in network_of("edsr", 4).state_dict().items()
        if "upsample" not in key
    }
    with pytest.raises(
        UserError, match=r"not recognised[\s\S]*without upsample.0, the upsampling layer"
    ):
        load_network(pth(body), NAME)
    damaged = {
        key: value
        for key, value in network_of("swinir", 4).state_dict().items()
        if "mlp.fc1.bias" not in key
    }
    with pytest.raises(UserError, match="not recognised"):
        load_network(pth(damaged), NAME)


def test_numbers_that_are_none_are_an_error_and_change_nothing() -> None:
    network, tensors = network_of("compact"), network_of("compact", seed=2).state_dict()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    tensors["body.2.weight"][0, 0, 1, 1] = float("nan")
    with pytest.raises(UserError, match=r"not finite[\s\S]*body.2.weight"):
        put_weights(network, tensors, NAME)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_a_foreign_header_is_an_error() -> None:
    data = pth(
        {
            "params": network_of("compact").state_dict(),
            "pairmill": '{"network": {"arch": "unet"}, "scale": 2}',
        }
    )
    with pytest.raises(UserError, match="header"):
        load_network(data, NAME)


def test_conventions_that_do_not_fit_are_errors() -> None:
    tensors = network_of("compact", 4).state_dict()
    with pytest.raises(ValueError, match="known are ours, esrgan-old, esrgan, rcan, mdsr, edsr"):
        write_weights(tensors, convention="kair")
    with pytest.raises(
        ValueError, match="convention esrgan is for rrdbnet, these weights are for compact"
    ):
        write_weights(tensors, convention="esrgan")
    config = RcanConfig(features=8, groups=1, blocks=1, squeeze=4, residual_scale=0.5)
    with pytest.raises(ValueError, match="residual scale"):
        write_weights(
            build(config, 2).state_dict(),
            convention="rcan",
            spec=NetworkSpec(network=config, scale=2),
        )


def test_scales_that_weights_do_not_tell_can_be_given() -> None:
    for config in (
        SrcnnConfig(features=(8, 4)),
        LapSrnConfig(features=8, depth=1, shared=True, recursions=8),
    ):
        network = build(config, 4, 5).eval()
        data = pth(network.state_dict())
        with pytest.raises(UserError, match="not recognised"):
            load_network(data, NAME)
        same(load_network(data, NAME, NetworkSpec(network=config, scale=4)), network, 4)


def test_files_hold_plain_tensors_only() -> None:
    """What the strictest reader lets in: no parameters, no views into larger storages."""
    network = network_of("compact", 4)
    views = {key: value.expand(2, *value.shape)[0] for key, value in network.state_dict().items()}
    plain = sum(value.numel() * 4 for value in views.values())
    assert len(write_weights(views, "safetensors")) < plain + 3000
    found = torch.load(
        io.BytesIO(write_weights(dict(network.named_parameters()), "pth")), weights_only=True
    )
    assert {type(value) for value in found["params"].values()} == {torch.Tensor}
    assert load(write_weights(views)).keys() == views.keys()


def prefixed(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {f"{prefix}{key}": value for key, value in tensors.items()}


LIGHTNING = {"epoch": 3, "global_step": 9, "hyper_parameters": {"lr": 1e-4}, "callbacks": {}}
DISCRIMINATOR = {
    "conv0.weight": torch.ones(4, 3, 3, 3),
    "conv1.weight_orig": torch.ones(8, 4, 4, 4),
}


@pytest.mark.parametrize("convention", ["ours", "esrgan", "esrgan-old"])
@pytest.mark.parametrize("form", ["safetensors", "pth"])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda t, _: {"n_averaged": torch.tensor(7), **prefixed(t, "module.")},
        lambda t, _: prefixed(t, "_orig_mod.module."),
        lambda t, _: prefixed(t, "module._orig_mod.module."),
        lambda t, _: prefixed(t, "model."),
        lambda t, _: prefixed(t, "net.") | {"loss.weight": torch.ones(3)},
        lambda t, _: prefixed(t, "sr_network._orig_mod.") | prefixed(DISCRIMINATOR, "critic."),
        lambda t, _: prefixed(t, "generator.") | prefixed(DISCRIMINATOR, "discriminator."),
        lambda t, o: prefixed(o, "netG.") | prefixed(t, "netG_ema.module."),
        lambda t, _: prefixed(t, "student.") | prefixed(t, "model.student."),
    ],
    ids=["averaged", "orders", "thrice", "lightning", "loss", "own", "gan", "ema", "twice"],
)
def test_words_before_the_names_are_taken_off_in_any_order(
    wrapped: Any, form: Any, convention: str
) -> None:
    network, other = network_of("rrdbnet", 4), network_of("rrdbnet", 4, seed=5)
    theirs, others = network.state_dict(), other.state_dict()
    if convention != "ours":
        theirs, others = to_theirs(theirs, convention), to_theirs(others, convention)
    content = wrapped(theirs, others)
    data = (
        write_weights(content)
        if form == "safetensors"
        else pth(LIGHTNING | {"state_dict": content})
    )
    same(load_network(data, NAME), network, 4)


def test_entries_of_a_gan_trainer() -> None:
    """Networks, discriminator and optimiser as entries, one within another."""
    network, other = network_of("compact", 4), network_of("compact", 4, seed=5)
    moments = {"state": {0: {"exp_avg": torch.zeros(3, 3)}}, "param_groups": [{"lr": 1e-4}]}
    content = {
        "g": other.state_dict(),
        "g_ema": network.state_dict(),
        "d": DISCRIMINATOR,
        "g_optim": moments,
    }
    same(load_network(pth(content), NAME), network, 4)
    same(
        load_network(pth({"trainer": {"ema": {"shadow": network.state_dict()}}}), NAME), network, 4
    )


def test_several_networks_are_listed() -> None:
    content = prefixed(network_of("compact", 4).state_dict(), "student.") | prefixed(
        network_of("rrdbnet", 2).state_dict(), "teacher.module."
    )
    with pytest.raises(UserError, match="holds several networks") as caught:
        load_network(pth({"state_dict": content}), NAME)
    assert caught.value.got == (
        "state_dict.student (compact, features 8, blocks 2, scale 4); "
        "state_dict.teacher.module (rrdbnet, features 24, blocks 1, scale 2)"
    )


def test_part_of_a_network_is_none() -> None:
    """A dense block has the names of an ESPCN's first layers, a body those of a compact network."""
    tensors = network_of("rrdbnet", 4).state_dict()
    for name in ("conv_last.bias", "conv_first.weight"):
        damaged = {key: value for key, value in tensors.items() if key != name}
        with pytest.raises(UserError, match=r"not recognised|does not fit"):
            load_network(pth(prefixed(damaged, "net.")), NAME)


@pytest.mark.parametrize("convention", ["ours", "esrgan-old", "esrgan"])
@pytest.mark.parametrize("prefix", ["", "module.", "generator."])
def test_an_rrdbnet_with_one_doubling_is_refused_by_name(convention: str, prefix: str) -> None:
    """ESRGANs of scale 2 of before Real-ESRGAN: the tail has one doubling less."""
    tensors = network_of("rrdbnet", 4).state_dict()
    if convention != "ours":
        tensors = to_theirs(tensors, convention)
    up2 = {"ours": "conv_up2.", "esrgan-old": "upconv2.", "esrgan": "model.6."}[convention]
    one = {key: value for key, value in tensors.items() if not key.startswith(up2)}
    with pytest.raises(UserError, match="an RRDBNet that only upscales by 2"):
        load_network(pth(prefixed(one, prefix)), NAME)


def test_a_compact_network_of_scale_1_is_refused_by_name() -> None:
    tensors = network_of("compact", 2).state_dict()
    same_size = tensors | {
        "body.6.weight": tensors["body.6.weight"][:3],
        "body.6.bias": tensors["body.6.bias"][:3],
    }
    with pytest.raises(UserError, match="compact cannot be built for scale 1"):
        load_network(pth({"params": same_size}), NAME)


def _script() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Conv2d(3, 4, 3)), buffer)
    return buffer.getvalue()


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_script, "a TorchScript archive"),
        (_npz, "an archive of numpy"),
        (lambda: b"7767517\n3 3\nInput data 0 1 data\n", r"an ncnn \.param file"),
        (lambda: b"\x47\x6b\x30\x01" + bytes(64), r"an ncnn \.bin file"),
        (lambda: b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x8f\x02" + bytes(99), "an ONNX file"),
        (lambda: b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
        (lambda: b"\n<!DOCTYPE html><html>", "a web page"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    ],
)
def test_other_formats_are_named(make: Callable[[], bytes], said: str) -> None:
    with pytest.raises(UserError, match=f"not a checkpoint of weights[\\s\\S]*{said}") as caught:
        load_network(make(), NAME)
    assert "weights_only" not in str(caught.value)
