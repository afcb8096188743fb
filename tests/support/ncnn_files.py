"""Files in ncnn's form, written from networks of ours."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from torch import Tensor

from pairmill.models.archs.layers import Network
from pairmill.models.archs.ncnn import HALF
from pairmill.models.archs.ncnn_layers import MAGIC

LEAKY = "9=2 -23310=1,2.000000e-01"
ADDS = "0=1 -23301=2,2.000000e-01,1.000000e+00"
Files = tuple[bytes, bytes]
"""A `.param` and a `.bin` file."""


class Writer:
    """Lines and numbers, a layer at a time, each of the last one's image where nothing else is
    said.
    """

    def __init__(self, state: dict[str, Tensor], *, half: bool) -> None:
        self.state, self.half = state, half
        self.lines, self.data = ["Input data 0 1 data"], b""

    @property
    def last(self) -> str:
        return "data" if len(self.lines) == 1 else f"b{len(self.lines) - 1}"

    def layer(self, kind: str, settings: str, *inputs: str) -> None:
        number, taken = len(self.lines), inputs or (self.last,)
        blobs = " ".join(taken)
        self.lines.append(f"{kind:<24} {kind}_{number} {len(taken)} 1 {blobs} b{number} {settings}")

    def convolution(self, name: str, activation: str = "") -> None:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        outputs, _, side, _ = weight.shape
        self.layer(
            "Convolution",
            f"0={outputs} 1={side} 4={side // 2} 5=1 6={weight.numel()} {activation}".strip(),
        )
        if self.half:
            kept = weight.half().numpy().tobytes()
            self.data += struct.pack("<I", HALF) + kept + bytes(-len(kept) % 4)
        else:
            self.data += struct.pack("<I", 0) + weight.numpy().tobytes()
        self.data += bias.numpy().tobytes()

    def prelu(self, name: str) -> None:
        slope = self.state[f"{name}.weight"]
        self.layer("PReLU", f"0={slope.numel()}")
        self.data += slope.numpy().tobytes()

    def files(self) -> Files:
        head = [MAGIC, f"{len(self.lines)} {len(self.lines)}"]
        return "\n".join([*head, *self.lines, ""]).encode(), self.data


def compact_files(network: Network, *, half: bool = True, reduced: float | None = None) -> Files:
    """A compact network, as Real-ESRGAN's programs have it; `reduced`: by an interpolation."""
    writer = Writer(network.state_dict(), half=half)
    last = max(int(key.split(".")[1]) for key in writer.state)
    for number in range(0, last, 2):
        writer.convolution(f"body.{number}")
        writer.prelu(f"body.{number + 1}")
    writer.convolution(f"body.{last}")
    writer.layer("PixelShuffle", f"0={network.scale}")
    found = writer.last
    writer.layer("Interp", f"0=1 1={network.scale:e} 2={network.scale:e}", "data")
    writer.layer("BinaryOp", "", found, writer.last)
    if reduced is not None:
        writer.layer("Interp", f"0=3 1={reduced:e} 2={reduced:e}")
    return writer.files()


def rrdbnet_files(network: Network, *, half: bool = True, leaky: str = LEAKY) -> Files:
    """An RRDBNet for scale 4."""
    writer = Writer(network.state_dict(), half=half)
    blocks = 1 + max(int(key.split(".")[1]) for key in writer.state if key.startswith("body."))
    writer.convolution("conv_first")
    first = writer.last
    for block in range(blocks):
        whole = writer.last
        for dense in (1, 2, 3):
            made = [writer.last]
            for conv in (1, 2, 3, 4):
                writer.convolution(f"body.{block}.rdb{dense}.conv{conv}", leaky)
                made.append(writer.last)
                writer.layer("Concat", "", *made)
            writer.convolution(f"body.{block}.rdb{dense}.conv5")
            writer.layer("Eltwise", ADDS, writer.last, made[0])
        writer.layer("Eltwise", ADDS, writer.last, whole)
    writer.convolution("conv_body")
    writer.layer("BinaryOp", "", writer.last, first)
    for name in ("conv_up1", "conv_up2"):
        writer.layer("Interp", "0=1 1=2.0 2=2.0")
        writer.convolution(name, LEAKY)
    writer.convolution("conv_hr", LEAKY)
    writer.convolution("conv_last")
    return writer.files()


def halved(state: dict[str, Tensor], keep: Iterable[str] = ("bias",)) -> dict[str, Tensor]:
    """Weights of convolutions rounded to float16, as such files have them."""
    return {
        key: value.half().float() if value.ndim == 4 and key.split(".")[-1] not in keep else value
        for key, value in state.items()
    }
