"""What all fits of learned degradations are: how they stop, continue, and keep their best check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pairmill.models.fitting.trend import keeps_up, stalled


class FitSettings(Protocol):
    """What the settings of a fit say of its length."""

    @property
    def samples(self) -> int:
        """Samples to see."""

    @property
    def batch(self) -> int:
        """Samples of an iteration."""

    @property
    def patience(self) -> int:
        """Checks without a lower AUC after which it stops; 0 never stops early."""

    def content_digest(self) -> str:
        """What a state must agree with."""


C = TypeVar("C", bound=FitSettings)


class LearnedFit(ABC, Generic[C]):
    """A fit of a learned degradation, which can stop and continue at any count of samples: what an
    iteration sees is a function of the seed and its number.

    Args:
        config: settings.
        seed: up to 128 bits; all streams come from it.
        device: `cpu` or `cuda`.
    """

    def __init__(self, config: C, seed: int, device: str) -> None:
        self.config, self.seed, self.device = config, seed, device
        self.samples = 0
        """Seen so far."""
        self.kept = 0
        """Seen at the best check."""
        self.curves: list[NDArray[np.float64]] = []
        """Losses of every iteration, named by `columns`."""
        self.aucs: list[float] = []
        """The AUC of every check; not a number where it could not be measured."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """Names of the losses."""

    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """All weights of its state, those of the best check among them."""

    @abstractmethod
    def moments(self) -> Mapping[str, torch.optim.Optimizer]:
        """The optimisers of its state."""

    @abstractmethod
    def sealed(self) -> Sequence[tuple[nn.Module, nn.Module]]:
        """What is sealed, each with the one that holds what it was at the best check."""

    @abstractmethod
    def step(self) -> Sequence[float]:
        """Iteration `number`; the values of `columns`."""

    @property
    def number(self) -> int:
        """Iterations made."""
        return self.samples // self.config.batch

    @property
    def done(self) -> bool:
        """Whether all samples have been seen, or the AUC has stopped falling."""
        return self.samples >= self.config.samples or stalled(self.aucs, self.config.patience)

    def advance(self, samples: int) -> Iterator[int]:
        """Train until at least `samples` more, or all, have been seen; yields the count after every
        iteration.
        """
        until = min(self.samples + samples, self.config.samples)
        while self.samples < until:
            self.curves.append(np.array(self.step()))
            self.samples += self.config.batch
            yield self.samples

    def check(self, auc: float) -> None:
        """Take down the AUC of a check, not a number where it could not be measured, and keep the
        check if it is the best.
        """
        self.aucs.append(auc)
        if self.to_keep():
            for now, best in self.sealed():
                best.load_state_dict(now.state_dict())
            self.kept = self.samples

    def to_keep(self) -> bool:
        """Whether the last check is the best one."""
        return keeps_up(self.aucs)

    def finish(self) -> None:
        """Go back to the best check, which is what is sealed."""
        for now, best in self.sealed():
            now.load_state_dict(best.state_dict())


def halved(done: int, of: int, halve_at: Sequence[float]) -> float:
    """The factor of step sizes that are halved at fractions of all samples or steps."""
    passed: int = sum(done >= at * of for at in halve_at)
    return float(0.5**passed)


@torch.no_grad()
def average(mean: nn.Module, now: nn.Module, memory: float, number: int) -> None:
    """Take the weights of iteration `number` into their EMA; a short memory at first, so that the
    start is soon forgotten.
    """
    keep = min(memory, (1 + number) / (10 + number))
    for old, new in zip(mean.parameters(), now.parameters(), strict=True):
        old.lerp_(new, 1 - keep)
