"""Twins of the ops in which each parameter may be a value, a range or a list of choices; derived
from the ops' own schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, Protocol, get_args, get_origin

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, TypeAdapter, create_model
from pydantic.fields import FieldInfo

from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders.ranges import ordered


class Choices(Frozen):
    """One of some numbers, all as likely; a plain list does for three or more of them."""

    choices: tuple[float, ...] = Field(min_length=1)
    """The numbers."""


class LogRange(Frozen):
    """A number whose logarithm is uniform, for what spans orders of magnitude."""

    log: tuple[float, float]
    """Smallest and largest, above 0."""


def ranged_model(
    model: type[BaseModel],
    base: type[BaseModel],
    module: str,
    instead: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> type[BaseModel]:
    """The twin of a model: the same fields with the same descriptions, wide enough for ranges and
    choices.

    Args:
        model: An op or a kernel.
        base: What the twin is derived from.
        module: Where the twin will be found by its name, `<model>Draw`.
        instead: Types of some fields instead of what would be derived; none leaves a field out.
        defaults: What some fields are where a recipe is silent, if that is not the model's default.
    """
    given, others = instead or {}, defaults or {}
    fields: dict[str, Any] = {
        name: (
            given[name] if name in given else ranged(_whole(info)),
            _as_field(info, others.get(name, info.default)),
        )
        for name, info in model.model_fields.items()
        if given.get(name, ...) is not None
    }
    return create_model(
        f"{model.__name__}Draw",
        __base__=base,
        __module__=module,
        __doc__=model.__doc__,
        __cls_kwargs__={"use_attribute_docstrings": False},
        **fields,  # it has no source to search, which takes seconds
    )


def ranged(kind: Any) -> Any:
    """What a parameter of a type may be in a recipe: numbers get ranges, words choices, tuples both
    for each entry.

    Raises:
        TypeError: for a type that has no such form.
    """
    inner, bounds = _split(kind)
    if inner in (int, float):
        return _number(inner, bounds)
    if inner is bool:
        return _words(inner)
    parts = get_args(inner)
    if get_origin(inner) is Literal:
        return inner if len(parts) == 1 else _words(inner)
    if get_origin(inner) is tuple:
        return tuple[tuple(ranged(part) for part in parts)]  # type: ignore[misc]
    if type(None) in parts:  # optional: written out or left alone, never drawn
        return inner
    if float in parts:  # a number or a word
        return reduce(or_, [ranged(float), *(part for part in parts if part is not float)])
    raise TypeError(f"no ranged form of {kind}")


def _number(kind: Any, bounds: tuple[Any, ...]) -> Any:
    number: Any = Annotated[(kind, *bounds)] if bounds else kind
    check = _each(number)
    forms = [
        Annotated[number, Tag("a value")],
        Annotated[tuple[number, number], AfterValidator(ordered), Tag("a range")],
        Annotated[tuple[number, ...], Field(min_length=3), Tag("a list")],
        Annotated[Choices, AfterValidator(check), Tag("some choices")],
        Annotated[LogRange, AfterValidator(check), Tag("a log range")],
    ]
    return Annotated[reduce(or_, forms), Discriminator(_form)]


def _form(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "a range" if len(value) <= 2 else "a list"
    if isinstance(value, Choices) or (isinstance(value, dict) and "choices" in value):
        return "some choices"
    if isinstance(value, dict | LogRange):
        return "a log range"
    return "a value"


def _each(number: Any) -> Callable[[Any], Any]:
    adapter = cache(lambda: TypeAdapter(number))  # made when it is first needed: imports stay quick

    def check(value: Choices | LogRange) -> Choices | LogRange:
        if isinstance(value, LogRange) and ordered(value.log)[0] <= 0:
            raise ValueError(f"a log range begins above 0, got {value.log[0]}")
        for one in value.choices if isinstance(value, Choices) else value.log:
            adapter().validate_python(one)
        return value

    return check


def _words(kind: Any) -> Any:
    """Words or truth values: one, or some to choose from."""
    forms = (
        Annotated[kind, Tag("one of them")]
        | Annotated[tuple[kind, ...], Field(min_length=1), Tag("some of them")]
    )
    return Annotated[forms, Discriminator(_words_form)]


def _words_form(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "some of them"
    return "one of them"


def _split(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(kind) is Annotated:
        return get_args(kind)[0], get_args(kind)[1:]
    return kind, ()


def _whole(info: FieldInfo) -> Any:
    if info.metadata:
        return Annotated[(info.annotation, *info.metadata)]
    return info.annotation


def _as_field(info: FieldInfo, default: Any) -> Any:
    return Field(default=... if info.is_required() else default, description=info.description)


class Chooser(Protocol):
    """How one value is taken of many: at random for a draw, from the ends for a check."""

    def one_of(self, values: Sequence[Any]) -> Any:
        """One of some values."""

    def between(self, low: float, high: float) -> float:
        """A number of a range."""

    def integer(self, low: int, high: int, step: int) -> int:
        """A whole number of a range, both ends included, at `step` from the least."""

    def log_between(self, low: float, high: float) -> float:
        """A number of a range whose logarithm is uniform."""


def resolve(model: type[BaseModel], twin: BaseModel, chooser: Chooser) -> dict[str, Any]:
    """Values for the fields of a model, each taken from what its twin allows.

    Args:
        model: An op or a kernel.
        twin: Values, ranges and choices.
        chooser: Takes one value of several.
    """
    values = {}
    for name, field in model.model_fields.items():
        if name in type(twin).model_fields:
            kind, _ = _split(field.annotation)
            step = 2 if name == "size" else 1  # sides of kernels are odd
            values[name] = _one(kind, getattr(twin, name), chooser, step)
    return values


def _one(kind: Any, value: Any, chooser: Chooser, step: int) -> Any:
    if get_origin(kind) is tuple:
        return tuple(
            _one(_split(part)[0], inner, chooser, step)
            for part, inner in zip(get_args(kind), value, strict=True)
        )
    if isinstance(value, Choices):
        return chooser.one_of(value.choices)
    if isinstance(value, LogRange):
        number = chooser.log_between(*value.log)
        return round(number) if kind is int else number
    if not isinstance(value, tuple) or type(None) in get_args(kind):
        return value
    if len(value) > 2 or isinstance(value[0], str | bool):
        return chooser.one_of(value)
    if kind is int:
        return chooser.integer(value[0], value[1], step)
    return chooser.between(*value)
