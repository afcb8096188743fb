"""Checkpoints that are none, or of no network of ours: refused by name, and nothing is executed."""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pairmill.models.archs import build
from pairmill.models.archs.keys import to_theirs
from pairmill.models.archs.weights import (
    load_network,
    put_weights,
    read_weights,
    write_weights,
)
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.rcan import RcanConfig
from tests.support.networks import (
    SMALL,
    network_of,
    prefixed,
    pth,
)

NAME = "x4.pth"


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
