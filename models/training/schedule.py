"""The learning rate of a step, as a share of the configured one."""

from __future__ import annotations

import math

from pairmill.schemas.schedule import ConstantSchedule, CosineSchedule, StepsSchedule

AnySchedule = ConstantSchedule | StepsSchedule | CosineSchedule


def share(schedule: AnySchedule, step: int, steps: int) -> float:
    """What the learning rate is multiplied by.

    Args:
        schedule: the schedule.
        step: steps that were made before this one, from 0.
        steps: length of the run, which a cosine without periods spans.

    Returns:
        A share in [0, 1].
    """
    rising = 1.0
    if schedule.warm_up:
        rising = min(1.0, (step + 1) / schedule.warm_up)
    return rising * _falling(schedule, step, steps)


def _falling(schedule: AnySchedule, step: int, steps: int) -> float:
    if isinstance(schedule, StepsSchedule):
        return float(schedule.factor ** sum(step >= at for at in schedule.at))
    if isinstance(schedule, CosineSchedule):
        return _cosine(schedule, step, schedule.periods or (steps,))
    return 1.0


def _cosine(schedule: CosineSchedule, step: int, periods: tuple[int, ...]) -> float:
    for period in periods:
        if step < period:
            return schedule.floor + (1 - schedule.floor) * 0.5 * (
                1 + math.cos(math.pi * step / period)
            )
        step -= period
    return schedule.floor
