"""The settings of a chain that can be narrowed: its ranges, probabilities, weights and switches.

They are read off the chain's own schema: two numbers are a range, a float between 0 and 1 a
probability, a table of numbers or a list of weighted entries are weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pairmill.pipeline.degraders.program_builder import PULSE
from pairmill.schemas.chain_fit import Path
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.ranged import LogRange

D = TypeVar("D", bound=DegraderBase)
Kind = Literal["range", "whole", "log", "chance", "weights", "entries", "switch"]
FITTABLE = ("bsrgan", "realesrgan", "codec", "custom")
"""Chains with ranges that nobody estimated."""
SIZES = frozenset({"blur_size", "reduction_size", "final_sinc_size", "size", "shift", "phase"})
"""Ranges that hardly show: the support of kernels, and places of blocks."""
SWITCHES = frozenset({"sharpen"})
"""Truth values of published chains that say what is done; those of ops say how."""
LOGARITHMIC = frozenset({"photons"})
"""Ranges that are drawn log-uniformly."""
PLUS = frozenset(
    [
        "sharpen",
        "shuffle",
        "directions",
        "up",
        "down",
        "poisson",
        "photons",
        "poisson_grey",
        "speckle",
    ],
)
CLASSIC = frozenset(
    ["in_order", "halve", "halve_matlab", "kernel_reduction", "reduction", "reduction_sigma"],
)
"""Settings that only one of BSRGAN's chains has."""


@dataclass(frozen=True)
class Setting:
    """One setting and its value."""

    path: Path
    kind: Kind
    value: Any
    """Range: (least, largest); chance: a probability; weights: a table, or a tuple for entries;
    switch: a bool."""

    @property
    def name(self) -> str:
        """As people write it: `first.sigma`, `ops[2].p`."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return "".join(parts).lstrip(".")


def opened(config: D, scale: int) -> D:
    """The chain with all its values written out, and with what a fit may switch on."""
    if isinstance(config, BsrganConfig):
        config = config.filled(scale)
        assert config.sigma is not None
        config = config.model_copy(update={"sigma": (max(config.sigma[0], PULSE), config.sigma[1])})
        if config.chain == "bsrgan" and config.in_order == 0:
            config = config.model_copy(update={"in_order": 0.5})
    return type(config).model_validate(config.model_dump())  # whole numbers of factors too


def settings(config: DegraderBase, scale: int) -> tuple[Setting, ...]:
    """All that can be narrowed, in the order of the schema."""
    left_out: frozenset[str] = frozenset()
    if isinstance(config, BsrganConfig):
        left_out = PLUS if config.chain == "bsrgan" else CLASSIC
        if scale != 4:
            left_out |= {"halve", "halve_matlab"}
    return tuple(one for one in _walk(config, ()) if one.path[0] not in left_out)


def changed(config: D, values: Mapping[Path, Any]) -> D:
    """The chain with other values at some places."""
    tree: Any = config.model_dump()
    for path, value in values.items():
        node = tree
        for part in path[:-1]:
            node = _mutable(node, part)
        node[path[-1]] = value
    return type(config).model_validate(tree)


def with_values(config: D, chosen: Iterable[tuple[Setting, Any]]) -> D:
    """The chain with other values of some settings; of entries their weights."""
    values: dict[Path, Any] = {}
    for setting, value in chosen:
        if setting.kind == "entries":
            values |= {(*setting.path, n, "weight"): w for n, w in enumerate(value)}
        else:
            values[setting.path] = value
    return changed(config, values)


def value_at(config: DegraderBase, setting: Setting) -> Any:
    """What the chain has there now; of entries their weights."""
    node: Any = config
    for part in setting.path:
        node = node[part] if isinstance(part, int) else getattr(node, part)
    return tuple(one.weight for one in node) if setting.kind == "entries" else node


def _mutable(node: Any, part: str | int) -> Any:
    """A part of a dumped tree; tuples on the way become lists, which can be changed."""
    if isinstance(node[part], tuple):
        node[part] = list(node[part])
    return node[part]


def _walk(model: BaseModel, path: Path) -> Iterator[Setting]:
    for name, field in type(model).model_fields.items():
        if name not in SIZES and name not in ("weight", "name", "kind"):
            yield from _of(getattr(model, name), (*path, name), field)


def _of(value: Any, path: Path, field: FieldInfo) -> Iterator[Setting]:
    if isinstance(value, bool):
        if path[-1] in SWITCHES:
            yield Setting(path, "switch", value)
    elif isinstance(value, LogRange):
        yield from _range(value.log, (*path, "log"), "log")
    elif isinstance(value, BaseModel):
        yield from _walk(value, path)
    elif isinstance(value, dict):
        yield from _weights(value, path)
    elif isinstance(value, float) and is_probability(field):
        if 0 < value < 1:
            yield Setting(path, "chance", value)
    elif isinstance(value, tuple):
        yield from _of_tuple(value, path)


def _of_tuple(value: tuple[Any, ...], path: Path) -> Iterator[Setting]:
    if all(isinstance(one, BaseModel) for one in value):
        if len(value) > 1 and all("weight" in type(one).model_fields for one in value):
            yield Setting(path, "entries", tuple(one.weight for one in value))
        for number, one in enumerate(value):
            yield from _walk(one, (*path, number))
    elif len(value) == 2 and all(type(one) in (int, float) for one in value):
        yield from _range(value, path, "log" if path[-1] in LOGARITHMIC else None)


def _range(value: tuple[Any, ...], path: Path, kind: Kind | None) -> Iterator[Setting]:
    if value[0] < value[1]:
        whole = all(isinstance(one, int) for one in value)
        yield Setting(path, kind or ("whole" if whole else "range"), value)


def _weights(value: dict[str, float], path: Path) -> Iterator[Setting]:
    if sum(weight > 0 for weight in value.values()) > 1:
        yield Setting(path, "weights", value)


def is_probability(field: FieldInfo) -> bool:
    """Whether a field of a schema is a number from 0 to 1."""
    return any(_is_unit(field.annotation, field.metadata) for field in _arms(field))


def _arms(field: FieldInfo) -> list[FieldInfo]:
    """The field, and the arms of its union as fields of their own."""
    arms = [arm for arm in get_args(field.annotation) if get_origin(arm) is Annotated]
    return [field, *(FieldInfo.from_annotation(arm) for arm in arms)]


def _is_unit(annotation: Any, metadata: list[Any]) -> bool:
    bounds = {getattr(part, end, None) for part in metadata for end in ("ge", "le")}
    return annotation is float and {0, 1} <= bounds
