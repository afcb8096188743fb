"""Settings of compression and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.ranges import Positive
from pairmill.schemas.degraders.steps import CodecStep
from pairmill.schemas.ops.resize import BicubicForm


class CodecChoice(Frozen):
    """A codec, or several in a row: two JPEGs are a double JPEG."""

    weight: Positive = 1.0
    """How often it is taken, relative to the others."""
    ops: tuple[CodecStep, ...] = Field(min_length=1)
    """Codecs in order, with ranges; see degrader custom."""


_PHASE = ((0, 15), (0, 15))
_JPEG: dict[str, Any] = {
    "op": "jpeg",
    "quality": (30, 95),
    "subsampling": ("420", "420", "444"),
    "phase": _PHASE,
}
_VIDEO = {"h264": (20, 40), "hevc": (22, 42), "vp9": (25, 55), "av1": (25, 55)}
_CHOICES: list[dict[str, Any]] = [
    {"weight": 4, "ops": [_JPEG]},
    {"weight": 2, "ops": [_JPEG | {"quality": (60, 98)}, _JPEG]},
    {"weight": 1, "ops": [{"op": "webp", "quality": (20, 95)}]},
    {"weight": 1, "ops": [{"op": "avif", "quality": (20, 80)}]},
    {"weight": 1, "ops": [{"op": "jpeg_xl", "distance": (0.5, 6.0)}]},
]
for _name, _crf in _VIDEO.items():
    _CHOICES.append({"weight": 0.25, "ops": [{"op": "video", "codec": _name, "crf": _crf}]})
DEFAULT = tuple(map(CodecChoice.model_validate, _CHOICES))


class CodecConfig(DegraderBase):
    """Bicubic downscaling, then one codec of a list: compression only."""

    kind: Literal["codec"] = "codec"
    """Which degrader."""
    form: BicubicForm = "matlab"
    """What is compressed: `matlab`, bicubic LR as MATLAB's `imresize` makes them; `float`, rounded
    once, borders mirrored."""
    codecs: tuple[CodecChoice, ...] = Field(default=DEFAULT, min_length=1)
    """What to choose from: JPEG 4, double JPEG 2, WebP 1, AVIF 1, JPEG XL 1 and each of four video
    codecs 0.25 by default."""
