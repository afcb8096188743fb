"""How the learning rate goes over the steps of a training run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Frozen


class ScheduleBase(Frozen):
    """What all schedules share."""

    warm_up: int = Field(default=0, ge=0)
    """Steps over which the rate rises from 0 in a straight line, multiplied into what the schedule
    says."""


class ConstantSchedule(ScheduleBase):
    """The same rate at every step."""

    kind: Literal["constant"] = "constant"
    """Name of the schedule."""


class StepsSchedule(ScheduleBase):
    """The rate falls by a factor at given steps."""

    kind: Literal["steps"] = "steps"
    """Name of the schedule."""
    at: tuple[int, ...] = Field(min_length=1)
    """Steps at which it falls, ascending."""
    factor: float = Field(default=0.5, gt=0, lt=1)
    """What the rate is multiplied by each time."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.at) != sorted(set(self.at)) or self.at[0] < 1:
            raise ValueError(f"steps must be positive and ascend, got {list(self.at)}")
        return self


class CosineSchedule(ScheduleBase):
    """The rate falls along half a cosine, and starts again as often as there are periods
    (Loshchilov and Hutter 2017, eq. 5).
    """

    kind: Literal["cosine"] = "cosine"
    """Name of the schedule."""
    periods: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Lengths of the periods, in steps; without any it is one period over the whole run. Past the
    last one the rate stays low."""
    floor: float = Field(default=0.001, ge=0, lt=1)
    """Lowest rate, as a share of the highest."""


ScheduleConfig = Annotated[
    ConstantSchedule | StepsSchedule | CosineSchedule, Field(discriminator="kind")
]
