"""Settings of a chain that the recipe writes itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.steps import Part
from pairmill.schemas.ops.resize import Method


class CustomConfig(DegraderBase):
    """A chain of ops with ranges and probabilities, written in the recipe.

    What is not LR-sized at the end is resized, and the result is rounded to 8 bits. A kernel before
    `subsample` is centred on the LR pixel's block.
    """

    kind: Literal["custom"] = "custom"
    """Which degrader."""
    ops: tuple[Part, ...] = Field(min_length=1)
    """What is done, in order; numbers may be a value, a range [least, largest], three or more
    choices, {choices: [...]} or {log: [least, largest]}; words may be one or a list of choices."""
    finish: Method = "matlab_bicubic"
    """Interpolation of the resize to LR size, if the ops do not lead to it."""
