"""Weights in ncnn's form: a `.param` file with the layers as text, and a `.bin` file with their
numbers. It is how Real-ESRGAN's, RealSR's and SRMD's networks lie in packages and desktop programs.

Nothing of a file is executed. What its layers do is compared with what our networks do, so that a
network of the same shapes but with another slope or another order is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from pairmill.models.archs.keys import Tensors
from pairmill.models.archs.ncnn_layers import MAGIC, SILENT, Layer, layers_of, sources_of
from pairmill.models.archs.ncnn_networks import FAMILIES, reduced
from pairmill.schemas.errors import UserError

NOTE = "ncnn"
"""Entry of the header of what `read_checkpoint` makes, with what a program does besides."""
HALF, FULL = 0x01306B47, 0
"""Tags before an array of weights: of float16, padded to four bytes, and of float32."""
BEGINNINGS = tuple(tag.to_bytes(4, "little") for tag in (HALF, FULL))
"""First bytes of a `.bin` file."""
PLAIN = {"Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle"}
"""Layers without weights that our networks have."""


@dataclass(frozen=True)
class Weighted:
    """A layer with its numbers."""

    layer: Layer
    """The layer."""
    weight: Tensor
    """(out, in, h, w) of a convolution, (channels,) of a PReLU."""
    bias: Tensor | None = None
    """(out,) of a convolution."""


@dataclass(frozen=True)
class NcnnWeights:
    """What a pair of files holds."""

    tensors: Tensors
    """Weights, in float32, by names that `recognise` knows."""
    note: str
    """What the program that the file is for does besides; empty if nothing."""


def read_checkpoint(read: Callable[[str], bytes], place: str) -> bytes:
    """The bytes of a checkpoint. Of ncnn's two files either may be named, and what comes is a
    safetensors file with what they hold.

    Args:
        read: gives the bytes of a file, or an error that names it.
        place: path or URL of the file.

    Raises:
        UserError: as `read_ncnn`, and what `read` raises, for the second file too.
    """
    data, (stem, _, _) = read(place), place.rpartition(".")
    if data[:64].lstrip().startswith(MAGIC.encode()):
        param, weights = data, read(f"{stem}.bin")
    elif place.endswith(".bin") and data[:4] in BEGINNINGS:
        param, weights = read(f"{stem}.param"), data
    else:
        return data
    found = read_ncnn(param, weights, place)
    return save(found.tensors, {NOTE: found.note} if found.note else None)


def read_ncnn(param: bytes, weights: bytes, name: str) -> NcnnWeights:
    """The weights of an RRDBNet, a compact network or an SRMD.

    Args:
        param: the `.param` file.
        weights: the `.bin` file.
        name: of the file, for errors.

    Raises:
        UserError: if a file is damaged, the two do not belong together, or the layers are not those
            of one of these networks.
    """
    layers = layers_of(param, name)
    known = [layer for layer in layers if layer.kind not in SILENT]
    found = list(_weighted(known, _Numbers(weights, name)))
    taken = sources_of(layers)
    family = next((each for each in FAMILIES if each.fits(known, taken)), None)
    if family is None:
        counts = Counter(layer.kind for layer in known)
        raise UserError(
            "The ncnn network is none of ours.",
            where=name,
            got=", ".join(f"{count} {kind}" for kind, count in counts.most_common(6)),
            wanted="the layers of an RRDBNet, a compact network (SRVGG) or an SRMD, as their "
            "authors' programs have them",
            todo="take the network's .pth or .safetensors, if there is one",
        )
    tensors = {}
    for place, each in zip(family.names(len(found)), found, strict=True):
        tensors[f"{place}.weight"] = each.weight
        if each.bias is not None:
            tensors[f"{place}.bias"] = each.bias
    return NcnnWeights(tensors, reduced(known))


class _Numbers:
    """The arrays of a `.bin` file, one after another."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name, self.place = data, name, 0

    def tagged(self, count: int) -> Tensor:
        """Weights of a convolution, whose first four bytes say how they are stored."""
        tag = int(self._taken(1, "<u4")[0])
        if tag == HALF:
            found = self._taken(count, "<f2")
            self.place += -self.place % 4
        elif tag == FULL:
            found = self._taken(count, "<f4")
        else:
            raise UserError(
                "The ncnn .bin file has weights of a form that is not read.",
                where=self.name,
                got=f"tag {tag:#010x} at byte {self.place - 4:,}",
                wanted="float16 or float32",
                todo="take the file before it was quantised to 8 bits",
            )
        return torch.from_numpy(found.astype(np.float32))

    def plain(self, count: int) -> Tensor:
        """Biases and slopes, which are float32."""
        return torch.from_numpy(self._taken(count, "<f4").astype(np.float32))

    def ended(self) -> None:
        """Raises an error where more bytes follow."""
        if self.place != len(self.data):
            self._other(f"{len(self.data):,} bytes, of which its layers have {self.place:,}")

    def _taken(self, count: int, kind: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        length = count * int(kind[-1])
        if self.place + length > len(self.data):
            self._other(f"{len(self.data):,} bytes, which end within its layers")
        taken = np.frombuffer(self.data, kind, count, self.place)
        self.place += length
        return taken

    def _other(self, got: str) -> None:
        raise UserError(
            "The ncnn .bin file does not belong to its .param file, or is truncated.",
            where=self.name,
            got=got,
            todo="take both files from one package, under one name",
        )


def _weighted(layers: list[Layer], numbers: _Numbers) -> Iterator[Weighted]:
    """The layers that have weights, in the order of the file."""
    for layer in layers:
        if layer.kind == "Convolution":
            outputs, total = int(layer.number(0)), int(layer.number(6))
            width = int(layer.number(1, 1))
            height = int(layer.number(11, width))
            if min(outputs, width, height, total) < 1 or total % (outputs * width * height):
                raise UserError(
                    "The ncnn .param file is damaged.",
                    where=numbers.name,
                    got=f"{layer.name}: {total} weights for {outputs} outputs of {width} x "
                    f"{height}",
                )
            weight = numbers.tagged(total).reshape(outputs, -1, height, width)
            bias = numbers.plain(outputs) if layer.number(5) else None
            yield Weighted(layer, weight, bias)
        elif layer.kind == "PReLU":
            yield Weighted(layer, numbers.plain(int(layer.number(0))))
        elif layer.kind not in PLAIN:
            raise UserError(
                "The ncnn network has a layer that none of ours has.",
                where=numbers.name,
                got=f"{layer.kind} {layer.name}",
                wanted="an RRDBNet, a compact network (SRVGG) or an SRMD",
                todo="take the network's .pth or .safetensors, if there is one",
            )
    numbers.ended()
