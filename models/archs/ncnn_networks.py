"""Which network the layers of an ncnn file are, and the published names of its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pairmill.models.archs.ncnn_layers import INPUT, Layer, Sources

SLOPE, RESIDUAL = 0.2, 0.2
"""Of RRDBNet: its leaky ReLUs, and the factor of what a block adds."""


def reduced(layers: list[Layer]) -> str:
    """What a program does to the network's image at the end, in words."""
    last = layers[-1]
    if last.kind == "Interp" and last.number(1, 1) < 1:
        return f"its program reduces the result to {last.number(1):g} of its size"
    return ""


def _same_size(layer: Layer) -> bool:
    """Whether a convolution is 3 x 3 and keeps the size."""
    usual = {1: 3, 11: 3, 2: 1, 12: 1, 3: 1, 13: 1, 4: 1, 14: 1}
    return all(layer.number(which, wanted) == wanted for which, wanted in usual.items())


def _activation(layer: Layer) -> tuple[float, ...]:
    """Number of the activation that a convolution has in itself, and its slope."""
    return (layer.number(9), *layer.numbers.get(10, ()))


def _is_compact(layers: list[Layer]) -> bool:
    """Convolutions and PReLUs in turn, then pixels, plus the repeated pixels of the input."""
    layers = layers[:-1] if reduced(layers) else layers
    *body, shuffle, interp, added = layers
    wanted = ["Convolution", "PReLU"] * (len(body) // 2) + ["Convolution"]
    return (
        [layer.kind for layer in (*body, shuffle, interp, added)]
        == [*wanted, "PixelShuffle", "Interp", "BinaryOp"]
        and all(_activation(layer) == (0,) for layer in body if layer.kind == "Convolution")
        and (interp.number(0), interp.number(1)) == (1, shuffle.number(0))
        and (added.number(0), added.number(1), shuffle.number(1)) == (0, 0, 0)
    )


def _compact_sources(layers: list[Layer]) -> Sources:
    """Who takes whose image in a compact network."""
    body = next(number for number, layer in enumerate(layers) if layer.kind == "PixelShuffle")
    rest = [(INPUT,), (body, body + 1), (body + 2,)]
    return [*_in_a_row(layers[: body + 1]), *rest[: len(layers) - body - 1]]


def _in_a_row(layers: list[Layer]) -> Sources:
    """Each takes what the one before has made."""
    return [(number - 1,) for number in range(len(layers))]


def _is_srmd(layers: list[Layer]) -> bool:
    """Twelve convolutions with ReLU after all but the last, then pixels."""
    *body, shuffle = layers
    return (
        [layer.kind for layer in layers] == ["Convolution"] * 12 + ["PixelShuffle"]
        and [_activation(layer) for layer in body] == [(1,)] * 11 + [(0,)]
        and shuffle.number(1) == 0
    )


USUAL = {"Interp": (1, 2, 2), "BinaryOp": (0, 0), "Concat": (0,), "Eltwise": (1,)}
"""First settings of layers without weights: repeated pixels twice as large, sums, channels."""
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
        and all(_numbers(layer) == USUAL[layer.kind] for layer in layers if layer.kind in USUAL)
    )


def _numbers(layer: Layer) -> tuple[float, ...]:
    return tuple(layer.number(which) for which in range(len(USUAL[layer.kind])))


def _rrdb_sources(layers: list[Layer]) -> Sources:
    """Who takes whose image in an RRDBNet."""
    found: Sources = [(INPUT,)]
    for _ in range((len(layers) - 2 - len(RISE)) // (3 * len(DENSE) + 1)):
        whole = len(found) - 1
        for _ in range(3):
            made = [len(found) - 1]
            for _ in range(4):
                found.append((made[-1],) if len(made) == 1 else (len(found) - 1,))
                made.append(len(found) - 1)
                found.append(tuple(made))
            found += [(len(found) - 1,), (len(found), made[0])]
        found.append((len(found) - 1, whole))
    found.append((len(found) - 1,))
    found.append((0, len(found) - 1))
    return found + [(len(found) + number,) for number in range(-1, len(RISE) - 2)]


def _near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=0, atol=1e-6))


def _numbered(stem: str, step: int) -> Callable[[int], Iterator[str]]:
    def names(found: int) -> Iterator[str]:
        return (f"{stem}.{step * number}" for number in range(found))

    return names


def _rrdb_names(found: int) -> Iterator[str]:
    """BasicSR's names of an RRDBNet."""
    yield "conv_first"
    for block in range((found - 6) // 15):
        for dense in (1, 2, 3):
            for conv in (1, 2, 3, 4, 5):
                yield f"body.{block}.rdb{dense}.conv{conv}"
    yield from ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


@dataclass(frozen=True)
class Family:
    """A kind of network."""

    shape: Callable[[list[Layer]], bool]
    """Whether these are its layers."""
    sources: Callable[[list[Layer]], Sources]
    """Whose images each of them takes."""
    names: Callable[[int], Iterator[str]]
    """Published names of so many layers with weights, in the order of the file."""

    def fits(self, layers: list[Layer], sources: Sources) -> bool:
        """Whether these are its layers, each convolution 3 x 3, one after another as there."""
        sizes = all(_same_size(layer) for layer in layers if layer.kind == "Convolution")
        if len(layers) < 4 or not sizes or not self.shape(layers):
            return False
        return all(
            sorted(one) == sorted(other) if layer.kind == "BinaryOp" else one == other
            for layer, one, other in zip(layers, sources, self.sources(layers), strict=True)
        )


FAMILIES = (
    Family(_is_rrdbnet, _rrdb_sources, _rrdb_names),
    Family(_is_srmd, _in_a_row, _numbered("model", 2)),
    Family(_is_compact, _compact_sources, _numbered("body", 1)),
)
"""Networks that are read in this form."""
