"""The layers of an ncnn `.param` file: its text, and whose image each layer takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pairmill.schemas.errors import UserError

MAGIC = "7767517"
"""First line of a `.param` file."""
SILENT = {"Input", "Split", "Noop"}
"""Layers that do nothing to an image."""
INPUT, NOWHERE = -1, -2
"""In the place of the number of a layer."""
Sources = list[tuple[int, ...]]
"""For each layer, the numbers of those whose images it takes."""


@dataclass(frozen=True)
class Layer:
    """One line of a `.param` file."""

    kind: str
    """Such as `Convolution`."""
    name: str
    """Its name there."""
    inputs: tuple[str, ...]
    """Names of the images that it takes."""
    outputs: tuple[str, ...]
    """Names of those that it makes."""
    numbers: dict[int, tuple[float, ...]]
    """Its settings by number; what they mean depends on the kind."""

    def number(self, which: int, usual: float = 0) -> float:
        """A setting that is one number."""
        return self.numbers.get(which, (usual,))[0]


def layers_of(param: bytes, name: str) -> list[Layer]:
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
    kind, name, taken, made, *rest = line.split()
    inputs, rest = tuple(rest[: int(taken)]), rest[int(taken) :]
    outputs, rest = tuple(rest[: int(made)]), rest[int(made) :]
    numbers = {}
    for word in rest:
        which, _, value = word.partition("=")
        values = tuple(map(float, value.split(",")))
        if not all(map(math.isfinite, values)):
            raise ValueError(f"{value} in layer {name}")
        if int(which) <= -23300:  # an array: its length, then its numbers
            if len(values) < 2:
                raise ValueError(f"an array without numbers in layer {name}")
            numbers[-23300 - int(which)] = values[1:]
        else:
            numbers[int(which)] = values
    return Layer(kind, name, inputs, outputs, numbers)


def sources_of(layers: list[Layer]) -> Sources:
    """For each layer that does something, the numbers of those whose images it takes; `INPUT` is
    the image that the network is given, `NOWHERE` one that nobody has made.
    """
    made, found = dict[str, int](), Sources()
    for layer in layers:
        taken = tuple(made.get(name, NOWHERE) for name in layer.inputs)
        if layer.kind == "Input":
            number = INPUT
        elif layer.kind in SILENT:
            number = taken[0] if taken else NOWHERE
        else:
            number = len(found)
            found.append(taken)
        made.update(dict.fromkeys(layer.outputs, number))
    return found
