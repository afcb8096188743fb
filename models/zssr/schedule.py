"""When the step size of ZSSR falls, and when its training ends (Shocher et al. 2018, Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

EVERY = 50
"""Steps between two measurements of the error."""
ASKED = 60
"""Steps between two looks at the trend."""
WINDOW = 256
"""Steps that a trend is told from; so many pass before the step size may fall (again)."""
MARGIN = 1.5
"""The error counts as falling while so many times its slope exceeds the slope's standard error."""
LEAST = 9e-6
"""Training ends when the step size is smaller."""


def levelled(steps: Sequence[int], errors: Sequence[float]) -> bool:
    """Whether errors have ceased to fall: MARGIN times the slope of their fitted line is no more
    than its standard error.

    Args:
        steps: at which they were measured, three at least.
        errors: as many.
    """
    x = np.asarray(steps, np.float64) - np.mean(steps)
    y = np.asarray(errors, np.float64) - np.mean(errors)
    spread = float(x @ x)
    slope = float(x @ y) / spread
    scatter = np.square(y - slope * x).sum() / (len(x) - 2)
    return bool(-MARGIN * slope <= np.sqrt(scatter / spread))


@dataclass
class Schedule:
    """The step size so far."""

    rate: float
    """Step size of the next step."""
    most: int
    """Steps after which training ends at the latest."""
    errors: list[tuple[int, float]] = field(default_factory=list)
    """Steps done, and the error after them."""
    changed: int = 0
    """Step after which the step size fell last."""

    def measures(self, step: int) -> bool:
        """Whether the error is measured after so many steps."""
        return step % EVERY == 0

    def passed(self, step: int) -> None:
        """Look at the trend after so many steps, where that is due."""
        if step % ASKED or step - self.changed < WINDOW:
            return
        steps, errors = zip(*self.errors[-(WINDOW // EVERY) :], strict=True)
        if levelled(steps, errors):
            self.rate, self.changed = self.rate / 10, step

    def ended(self, step: int) -> bool:
        """Whether training ends after so many steps."""
        return step >= self.most or self.rate < LEAST


def fewest_steps(rate: float, most: int) -> int:
    """Steps of a training whose error never falls."""
    schedule, step = Schedule(rate, most), 0
    while not schedule.ended(step):
        step += 1
        if schedule.measures(step):
            schedule.errors.append((step, 0.0))
        schedule.passed(step)
    return step
