"""The steps that a recipe can write itself: every op with ranges, and groups of which one is
drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders.ranged import Chooser, ranged, ranged_model, resolve
from pairmill.schemas.degraders.ranges import Positive, Probability
from pairmill.schemas.ops.base import OpBase
from pairmill.schemas.ops.blur import Blur, Kernel, UnsharpMask
from pairmill.schemas.ops.camera import IDENTITY, CameraOp
from pairmill.schemas.ops.codecs import CodecOp
from pairmill.schemas.ops.noise import Covariance, NoiseOp
from pairmill.schemas.ops.resize import BicubicDown, Clip, Method, Quantise, Subsample


class StepBase(Frozen):
    """One step of a recipe's own chain."""

    op: str
    """Name of the op."""
    p: Probability = 1.0
    """Probability that the step is taken."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """Both ends of all ranges make an op, so that what cannot be drawn is found before anything
        is built.
        """
        try:
            for chooser in (_End(0), _End(-1)) if self.op in OPS else ():
                make_op(self, chooser, lambda: "0" * 32, lambda _: IDENTITY)
        except ValidationError as error:
            first = error.errors()[0]
            key = "".join(f"{part}: " for part in first["loc"][-1:])
            raise ValueError(key + first["msg"].removeprefix("Value error, ")) from None
        return self


class ShapeBase(Frozen):
    """A kernel with ranges."""

    shape: str
    """Name of the shape."""


class _End:
    """Takes the least (0) or the largest (-1) of everything."""

    def __init__(self, end: int) -> None:
        self.end = end

    def one_of(self, values: Sequence[Any]) -> Any:
        return values[self.end]

    def between(self, *bounds: float) -> float:
        return bounds[self.end]

    def integer(self, low: int, high: int, step: int) -> int:
        if self.end == 0:
            return low
        return high - (high - low) % step

    log_between = between


def make_op(
    step: StepBase,
    chooser: Chooser,
    key: Callable[[], str],
    covariance: Callable[[float], Covariance],
) -> OpBase:
    """An op of what a step allows.

    Args:
        step: The step.
        chooser: Takes one value of several.
        key: Makes the key of a random stream.
        covariance: Makes the covariance of correlated noise of a level, in the noise's unit, if the
            recipe gives none.

    Raises:
        ValidationError: if the values contradict each other.
    """
    model = OPS[step.op]
    values = resolve(model, step, chooser)
    if "kernel" in values:
        values["kernel"] = resolve(KERNELS[values["kernel"].shape], values["kernel"], chooser) | {
            "shape": values["kernel"].shape
        }
    if "mode" in values:
        correlated = values["mode"] == "correlated"
        if correlated:
            values["covariance"] = values["covariance"] or covariance(values["sigma"])
        else:
            values["covariance"] = None
        values["sigma"] = 0.0 if correlated else values["sigma"]
    if "key" in model.model_fields:
        values["key"] = key()
    return model.model_validate(values)


_FACTOR: Any = ranged(Annotated[float, Field(gt=0, le=8)])
_METHOD: Any = ranged(Method)


def _members(union: Any) -> tuple[type[OpBase], ...]:
    return get_args(get_args(union)[0] if hasattr(union, "__metadata__") else union)


def _by_name(ops: Iterable[type[OpBase]]) -> dict[str, type[OpBase]]:
    return {op.model_fields["op"].default: op for op in ops}


KERNELS = {kernel.model_fields["shape"].default: kernel for kernel in _members(Kernel)}
"""Schemas of the kernels, by the name of their shape."""
CODECS = _by_name(_members(CodecOp))
"""Schemas of the codecs, by name."""
_RESIZE = (Subsample, BicubicDown, Clip, Quantise)
OPS = _by_name(
    (Blur, UnsharpMask, *_members(NoiseOp), *_members(CodecOp), *_members(CameraOp), *_RESIZE)
)
"""Schemas of the ops that have a twin with ranges, by name."""

_SHAPES = [
    ranged_model(kernel, ShapeBase, __name__, {"shift": None}) for kernel in KERNELS.values()
]
_KERNEL: Any = Annotated[reduce(or_, _SHAPES), Field(discriminator="shape")]
_INSTEAD = {"key": None, "kernel": _KERNEL}
_SILENT = {"bicubic_down": {"form": "matlab"}}
"""What a recipe means by saying nothing, where programs of before there was a choice mean another
thing."""
_OPS = {
    name: ranged_model(op, StepBase, __name__, _INSTEAD, _SILENT.get(name))
    for name, op in OPS.items()
}
# Pickle looks for the classes here.
globals().update({twin.__name__: twin for twin in (*_SHAPES, *_OPS.values())})


class _Resized(Frozen):
    """One draw of a resize."""

    factor: float = Field(gt=0, le=8)
    """Factor on the sides."""
    method: Method
    """Interpolation."""


class ResizeDraw(StepBase):
    """Resample to a size that follows from the tile's."""

    op: Literal["resize"] = "resize"
    """Name of the op."""
    factor: _FACTOR = 1.0
    """Factor on the sides."""
    of: Literal["current", "hr", "lr"] = "current"
    """Which sides: the image's as it is at this point, the HR's, or the LR's."""
    method: _METHOD = "matlab_bicubic"
    """Interpolation."""


def draw_resize(step: ResizeDraw, chooser: Chooser) -> tuple[float, Method]:
    """Factor and interpolation of a resize."""
    values = resolve(_Resized, step, chooser)
    return values["factor"], values["method"]


if TYPE_CHECKING:
    Step = StepBase
    CodecStep = StepBase
else:
    CodecStep = Annotated[reduce(or_, [_OPS[name] for name in CODECS]), Field(discriminator="op")]
    Step = Annotated[reduce(or_, [*_OPS.values(), ResizeDraw]), Field(discriminator="op")]


class Branch(Frozen):
    """One way to continue."""

    weight: Positive = 1.0
    """How often it is taken, relative to the others."""
    ops: tuple[Step, ...]
    """What is done then; may be nothing."""


class OneOf(Frozen):
    """A group of which one branch is taken."""

    one_of: tuple[Branch, ...] = Field(min_length=1)
    """The branches."""
    p: Probability = 1.0
    """Probability that one of them is taken at all."""


def _step_form(value: Any) -> str:
    if isinstance(value, OneOf) or (isinstance(value, dict) and "one_of" in value):
        return "one of"
    return "an op"


if TYPE_CHECKING:
    Part = StepBase | OneOf
else:
    Part = Annotated[
        Annotated[Step, Tag("an op")] | Annotated[OneOf, Tag("one of")], Discriminator(_step_form)
    ]
