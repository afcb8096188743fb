"""Weights in ncnn's form: worked examples of our own networks, and what is refused."""

from __future__ import annotations

import struct

import pytest
import torch

from pairmill.models.archs import build
from pairmill.models.archs.ncnn import NOTE, read_checkpoint, read_ncnn
from pairmill.models.archs.weights import load_network
from pairmill.models.fitting.checkpoint import header_of
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from tests.support.ncnn_files import Files, compact_files, halved, rrdbnet_files

COMPACT = build(CompactConfig(features=5, blocks=2), 4, seed=3)
RRDB = build(RrdbNetConfig(features=7, blocks=2, growth=3), 4, seed=3)


def folder(files: Files) -> dict[str, bytes]:
    return {"net.param": files[0], "net.bin": files[1]}


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("named", ["net.param", "net.bin"])
@pytest.mark.parametrize("kind", ["compact", "rrdbnet"])
def test_what_was_written_is_read(kind: str, half: bool, named: str) -> None:
    network = COMPACT if kind == "compact" else RRDB
    write = compact_files if kind == "compact" else rrdbnet_files
    data = read_checkpoint(folder(write(network, half=half)).__getitem__, named)
    found = load_network(data, named)
    assert (found.config, found.scale) == (network.config, 4)
    wanted = halved(network.state_dict()) if half else network.state_dict()
    assert found.state_dict().keys() == wanted.keys()
    assert all(torch.equal(value, wanted[key]) for key, value in found.state_dict().items())


def test_a_worked_example() -> None:
    """One filter: 1, 2, ..., 9 in float16 (18 bytes and 2 to fill), then its bias."""
    param = (
        "7767517\n6 7\nInput data 0 1 data\nSplit s 1 2 data one two\n"
        "Convolution c 1 1 one a 0=1 1=3 4=1 5=1 6=9\n"
        "PixelShuffle p 1 1 a b 0=1\nInterp i 1 1 two c 0=1 1=1.0\nBinaryOp d 2 1 c b e\n"
    )
    taps = torch.arange(1.0, 10)
    data = struct.pack("<I", 0x01306B47) + taps.half().numpy().tobytes() + b"\0\0"
    data += struct.pack("<f", 0.5)
    assert len(data) == 4 + 20 + 4
    found = read_ncnn(param.encode(), data, "one")
    assert found.tensors["body.0.weight"].tolist() == [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]
    assert found.tensors["body.0.bias"].tolist() == [0.5]


def test_other_files_are_left_alone() -> None:
    """Hugging Face's pickles are called .bin as well."""
    assert read_checkpoint({"net.bin": b"PK\3\4rest"}.__getitem__, "net.bin") == b"PK\3\4rest"


def test_what_the_program_does_besides_is_said() -> None:
    files = folder(compact_files(COMPACT, reduced=0.5))
    data = read_checkpoint(files.__getitem__, "net.param")
    assert header_of(data)[NOTE] == "its program reduces the result to 0.5 of its size"
    assert load_network(data, "net").scale == 4


def other(text: bytes, old: bytes, new: bytes) -> bytes:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("param", "bin_", "said"),
    [
        (lambda p: p, lambda b: b[:-1], "which end within its layers"),
        (lambda p: p, lambda b: b + b"\0", "of which its layers have"),
        (lambda p: p, lambda b: b"\x38\x4b\x0d\x00" + b[4:], r"tag 0x000d4b38 at byte 0"),
        (
            lambda p: other(p, b"BinaryOp", b"Deconvolution"),
            lambda b: b,
            "Deconvolution BinaryOp_10",
        ),
        (lambda p: other(p, b"4=1 ", b"4=0 "), lambda b: b, "none of ours"),
        (lambda p: other(p, b"6=135", b"6=136"), lambda b: b, "136 weights for 5 outputs"),
        (lambda p: other(p, b"6=135", b"6=nan"), lambda b: b, "nan in layer"),
        (lambda p: other(p, b"7767517", b"7767518"), lambda b: b, "7767518"),
        (lambda p: other(p, b"\n11 11\n", b"\n12 12\n"), lambda b: b, "11 layers of 12"),
        (lambda p: p[:10], lambda b: b, "damaged"),
        (lambda p: other(p, b"6=135", b"6=135 -23310=1"), lambda b: b, "array without numbers"),
    ],
)
def test_what_is_wrong_is_said(param: object, bin_: object, said: str) -> None:
    text, data = compact_files(COMPACT)
    assert callable(param)
    assert callable(bin_)
    with pytest.raises(UserError, match=said):
        read_ncnn(param(text), bin_(data), "net.param")


@pytest.mark.parametrize("leaky", ["9=2 -23310=1,1.000000e-01", "9=1", ""])
def test_a_network_that_does_something_else_is_refused(leaky: str) -> None:
    """The shapes are those of an RRDBNet; its activations are not."""
    with pytest.raises(UserError, match="none of ours"):
        read_ncnn(*rrdbnet_files(RRDB, leaky=leaky), "net.param")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"BinaryOp_34 2 1 b33 b1 b34 ", b"BinaryOp_34 2 1 b33 b1 b34 0=1"),
        (b"0=1 -23301", b"0=0 -23301"),
        (b"Concat_3 2 1 b1 b2 b3 ", b"Concat_3 2 1 b1 b2 b3 0=1"),
        (b"Concat_3 2 1 b1 b2 b3 ", b"Concat_3 2 1 b2 b1 b3 "),
        (b"2 1 b10 b1 b11 0=1 ", b"2 1 b10 b9 b11 0=1 "),
        (b"2 1 b33 b1 b34 ", b"2 1 b33 nobody b34 "),
    ],
)
def test_layers_that_do_something_else_or_take_another_image_are_refused(
    old: bytes, new: bytes
) -> None:
    one = build(RrdbNetConfig(features=7, blocks=1, growth=3), 4, seed=3)
    param, data = rrdbnet_files(one)
    read_ncnn(param, data, "net")
    with pytest.raises(UserError, match="none of ours"):
        read_ncnn(other(param, old, new), data, "net.param")


def test_without_the_other_file() -> None:
    def read(place: str) -> bytes:
        if place == "a/net.param":
            return compact_files(COMPACT)[0]
        raise UserError("there is no such file", where=place)

    with pytest.raises(UserError, match=r"a/net\.bin"):
        read_checkpoint(read, "a/net.param")
