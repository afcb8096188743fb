"""What the settings of all degraders have in common."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Frozen


class DegraderBase(Frozen):
    """Settings of one degrader of a recipe."""

    weight: float = Field(default=1.0, gt=0)
    """Share of the samples, relative to the other degraders."""
