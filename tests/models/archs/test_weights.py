"""Checkpoints: which network they are of, by whatever names, within whatever trainers keep."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import Any

import pytest
import torch
from safetensors.torch import load

from pairmill.models.archs import build, build_empty
from pairmill.models.archs.keys import CONVENTIONS, convention_of, to_ours, to_theirs
from pairmill.models.archs.recognise import recognise
from pairmill.models.archs.weights import (
    load_network,
    put_weights,
    read_spec,
    read_weights,
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
from tests.support.networks import (
    NO_SCALE,
    SMALL,
    SWIN,
    UNRECOGNISED,
    network_of,
    prefixed,
    pth,
    same,
)

NAME = "x4.pth"


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
