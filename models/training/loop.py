"""The loop: batches in, steps, and listeners that are notified of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from pairmill.models.training.training import Training
from pairmill.schemas.errors import PairmillError

Batch = tuple[Any, ...]
"""HR (B, 3, H, W) and LR (B, 3, H / scale, W / scale), uint8, and `Labels` where they are asked
for."""


Over = Callable[[dict[str, float]], dict[str, float]]


class DivergedError(PairmillError):
    """The loss or a weight is no number any more."""


class Listener:
    """Follows a training; this one does nothing."""

    def stepped(self, training: Training, tally: Meter) -> None:
        """A step was made."""

    def ended(self, training: Training, tally: Meter) -> None:
        """The training is over: all steps are made, or somebody has asked to stop."""


class Meter:
    """What was counted since the last look: losses, images, and where the time went."""

    def __init__(self) -> None:
        self.stop = ""
        """Why to stop before the end; empty to continue. Set by a listener."""
        self.last = 0
        """Images of the last step."""
        self.clear()

    def clear(self) -> None:
        """Start afresh."""
        self.sums: dict[str, Tensor] = {}
        self.steps, self.images, self.waited, self.began = 0, 0, 0.0, time.perf_counter()

    def add(self, terms: dict[str, Tensor], images: int) -> None:
        """Take a step's losses in; they stay on the device, which need not wait for them."""
        for name, value in terms.items():
            if name in self.sums:
                self.sums[name] = self.sums[name] + value
            else:
                self.sums[name] = value
        self.steps, self.images, self.last = self.steps + 1, self.images + images, images

    @property
    def seconds(self) -> float:
        """Seconds since the last look."""
        return time.perf_counter() - self.began

    def means(self) -> dict[str, float]:
        """Mean losses per step since the last look; waits for the device."""
        return {name: float(value) / self.steps for name, value in self.sums.items()}

    def state(self) -> dict[str, Any]:
        """Sums so far, for a run that continues in another process."""
        return {
            "steps": self.steps,
            "sums": {name: float(value) for name, value in self.sums.items()},
        }


def train(
    training: Training,
    batches: Iterable[Batch],
    listeners: Sequence[Listener],
    tally: Meter | None = None,
) -> None:
    """Train until all steps are made, or a listener sets `Meter.stop`.

    Args:
        training: what is trained; it continues from its step.
        batches: the pairs of its next steps, without end.
        listeners: who is notified of every step, in this order.
        tally: what a run that continues had counted since its last look.

    Raises:
        DivergedError: from `checked`, where a listener calls it.
    """
    tally, source = tally or Meter(), iter(batches)
    while not training.done and not tally.stop:
        asked = time.perf_counter()
        hr, lr, *labels = next(source)
        tally.waited += time.perf_counter() - asked
        tally.add(training.advance(hr, lr, *labels), len(hr))
        for listener in listeners:
            listener.stepped(training, tally)
    for listener in listeners:
        listener.ended(training, tally)


def checked(
    training: Training, tally: Meter, over: Over = lambda values: values
) -> dict[str, float]:
    """Mean losses since the last look.

    Args:
        training: the training.
        tally: what was counted.
        over: averages values over all processes that train together.

    Raises:
        DivergedError: if one of them, or a weight of a network, is no number.
    """
    means = over(tally.means())
    lost = [name for name, value in means.items() if not math.isfinite(value)]
    if not lost and not finite(training):
        lost = ["weights"]
    if lost:
        todo = "lower optimiser.learning_rate, set clip or schedule.warm_up"
        if training.precision.kind == "fp16":
            todo += ", or take precision bf16 or full"
        todo += (
            "; a run that has a checkpoint keeps it and its settings: then give the next one "
            "another `name:`"
        )
        raise DivergedError(
            "training has diverged",
            where=f"at or before step {training.step}",
            got=f"{', '.join(lost)}: not a number",
            wanted="finite losses and weights",
            todo=todo,
        )
    return means


def finite(training: Training) -> bool:
    """Whether all weights are numbers."""
    norms = [
        torch._foreach_norm(list(module.parameters())) for module in training.modules().values()
    ]
    return bool(torch.stack([norm for some in norms for norm in some]).isfinite().all())
