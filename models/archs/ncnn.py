"""Weights in ncnn's form: a `.param` file with the layers as text, and a `.bin` file with their
numbers. It is how Real-ESRGAN's, RealSR's and SRMD's networks lie in packages and desktop programs.

Nothing of a file is executed. What its layers do is compared with what our networks do, so that a
network of the same shapes but with another slope or another order is refused.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from pairmill.models.archs.keys import Tensors
from pairmill.schemas.errors import UserError

MAGIC = "7767517"
"""First line of a `.param` file."""
NOTE = "ncnn"
"""Entry of the header of what `read_checkpoint` makes, with what a program does besides."""
HALF, FULL = 0x01306B47, 0
"""Tags before an array of weights: of float16, padded to four bytes, and of float32."""
BEGINNINGS = tuple(tag.to_bytes(4, "little") for tag in (HALF, FULL))
"""First bytes of a `.bin` file."""
SLOPE, RESIDUAL = 0.2, 0.2
"""Of RRDBNet: its leaky ReLUs, and the factor of what a block adds."""
SILENT = {"Input", "Split", "Noop"}
"""Layers that do nothing to an image."""
PLAIN = {"Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle"}
"""Layers without weights that our networks have."""


@dataclass(frozen=True)
class Layer:
    """One line of a `.param` file."""

    kind: str
    """Such as `Convolution`."""
    name: str
    """Its name there."""
    numbers: dict[int, tuple[float, ...]]
    """Its settings by number; what they mean depends on the kind."""

    def number(self, which: int, usual: float = 0) -> float:
        """A setting that is one number."""
        return self.numbers.get(which, (usual,))[0]


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
    layers = _layers(param, name)
    known = [layer for layer in layers if layer.kind not in SILENT]
    found = list(_weighted(known, _Numbers(weights, name)))
    family = next((each for each in FAMILIES if each.fits(known)), None)
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
    for place, each in zip(family.names(found), found, strict=True):
        tensors[f"{place}.weight"] = each.weight
        if each.bias is not None:
            tensors[f"{place}.bias"] = each.bias
    return NcnnWeights(tensors, _reduced(known))


def _layers(param: bytes, name: str) -> list[Layer]:
    """The lines of a `.param` file."""
    lines = param.decode("utf-8", "replace").split("\n")
    try:
        if lines[0].strip() != MAGIC:
            raise ValueError(f"it begins with {lines[0][:20]!r}, not {MAGIC}")
        count = int(lines[1].split()[0])
        layers = [_layer(line) for line in lines[2:] if line.strip()]
        if len(layers) != count:
            raise ValueError(f"{len(layers)} layers of {count}")
    except (ValueError, IndexError) as error:
        raise UserError(
            "The ncnn .param file is damaged.",
            where=name,
            got=str(error),
            wanted=f"{MAGIC}, the number of layers, then one layer per line",
            todo="copy or download it again; a .param.bin file is not read",
        ) from error
    return layers


def _layer(line: str) -> Layer:
    kind, name, inputs, outputs, *rest = line.split()
    numbers = {}
    for word in rest[int(inputs) + int(outputs) :]:
        which, _, value = word.partition("=")
        values = tuple(map(float, value.split(",")))
        if not all(map(math.isfinite, values)):
            raise ValueError(f"{value} in layer {name}")
        if int(which) <= -23300:  # an array: its length, then its numbers
            numbers[-23300 - int(which)] = values[1:]
        else:
            numbers[int(which)] = values
    return Layer(kind, name, numbers)


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


def _reduced(layers: list[Layer]) -> str:
    """What a program does to the network's image at the end, in words."""
    last = layers[-1]
    if last.kind == "Interp" and last.number(1, 1) < 1:
        return f"its program reduces the result to {last.number(1):g} of its size"
    return ""


# --- which network -------------------------------------------------------------------------------


def _same_size(layer: Layer) -> bool:
    """Whether a convolution is 3 x 3 and keeps the size."""
    usual = {1: 3, 11: 3, 2: 1, 12: 1, 3: 1, 13: 1, 4: 1, 14: 1}
    return all(layer.number(which, wanted) == wanted for which, wanted in usual.items())


def _activation(layer: Layer) -> tuple[float, ...]:
    """Number of the activation that a convolution has in itself, and its slope."""
    return (layer.number(9), *layer.numbers.get(10, ()))


def _is_compact(layers: list[Layer]) -> bool:
    """Convolutions and PReLUs in turn, then pixels, plus the repeated pixels of the input."""
    layers = layers[:-1] if _reduced(layers) else layers
    *body, shuffle, interp, added = layers
    wanted = ["Convolution", "PReLU"] * (len(body) // 2) + ["Convolution"]
    return (
        [layer.kind for layer in (*body, shuffle, interp, added)]
        == [*wanted, "PixelShuffle", "Interp", "BinaryOp"]
        and all(_activation(layer) == (0,) for layer in body if layer.kind == "Convolution")
        and (interp.number(0), interp.number(1)) == (1, shuffle.number(0))
        and added.number(0) == 0
    )


def _is_srmd(layers: list[Layer]) -> bool:
    """Twelve convolutions with ReLU after all but the last, then pixels."""
    *body, shuffle = layers
    return (
        [layer.kind for layer in layers] == ["Convolution"] * 12 + ["PixelShuffle"]
        and [_activation(layer) for layer in body] == [(1,)] * 11 + [(0,)]
        and shuffle.number(1) == 0
    )


DENSE = ["Convolution", "Concat"] * 4 + ["Convolution", "Eltwise"]
"""A dense block, whose Eltwise adds its input."""
RISE = ["BinaryOp", "Interp", "Convolution", "Interp", "Convolution", "Convolution", "Convolution"]
"""All after the body's last convolution."""


def _is_rrdbnet(layers: list[Layer]) -> bool:
    """Blocks of three dense blocks, two doublings by repeated pixels, and the settings that ours
    has as constants.
    """
    kinds = [layer.kind for layer in layers]
    block = DENSE * 3 + ["Eltwise"]
    blocks, rest = divmod(len(kinds) - 2 - len(RISE), len(block))
    if rest or blocks < 1 or kinds != ["Convolution", *block * blocks, "Convolution", *RISE]:
        return False
    sums = [layer.numbers.get(1, ()) for layer in layers if layer.kind == "Eltwise"]
    convolutions = [_activation(layer) for layer in layers if layer.kind == "Convolution"]
    leaky, none = (2.0, SLOPE), (0.0,)
    wanted = [none, *([leaky] * 4 + [none]) * 3 * blocks, none, leaky, leaky, leaky, none]
    return (
        all(_near(each, (RESIDUAL, 1.0)) for each in sums)
        and all(map(_near, convolutions, wanted))
        and all(layer.number(0) == 1 for layer in layers if layer.kind == "Interp")
        and all(layer.number(1) == 2 for layer in layers if layer.kind == "Interp")
    )


def _near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=0, atol=1e-6))


def _numbered(stem: str, step: int) -> Callable[[list[Weighted]], Iterator[str]]:
    def names(found: list[Weighted]) -> Iterator[str]:
        return (f"{stem}.{step * number}" for number in range(len(found)))

    return names


def _rrdb_names(found: list[Weighted]) -> Iterator[str]:
    """BasicSR's names of an RRDBNet."""
    yield "conv_first"
    for block in range((len(found) - 6) // 15):
        for dense in (1, 2, 3):
            for conv in (1, 2, 3, 4, 5):
                yield f"body.{block}.rdb{dense}.conv{conv}"
    yield from ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


@dataclass(frozen=True)
class Family:
    """A kind of network."""

    shape: Callable[[list[Layer]], bool]
    """Whether these are its layers."""
    names: Callable[[list[Weighted]], Iterator[str]]
    """Published names of the layers with weights, in the order of the file."""

    def fits(self, layers: list[Layer]) -> bool:
        """Whether these are its layers, each convolution 3 x 3."""
        sizes = all(_same_size(layer) for layer in layers if layer.kind == "Convolution")
        return len(layers) > 3 and sizes and self.shape(layers)


FAMILIES = (
    Family(_is_rrdbnet, _rrdb_names),
    Family(_is_srmd, _numbered("model", 2)),
    Family(_is_compact, _numbered("body", 1)),
)
"""Networks that are read in this form."""
