"""The adversarial fit of a degradation to unpaired images, in steps that can stop and continue at
any count of samples.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.fitting.streams import Crops, Image, keyed
from pairmill.models.fitting.trend import keeps_up, lowest, stalled
from pairmill.models.pdm.application import needed
from pairmill.models.pdm.degradation import begun
from pairmill.models.pdm.game import Game
from pairmill.models.pdm.start import Codec, Start
from pairmill.schemas.pdm import CURVES, PdmConfig


@dataclass(frozen=True)
class Batch:
    """What one iteration sees."""

    real: Tensor
    """(B, 3, n, n)."""
    hr: Tensor
    """(B, 3, m, m) with the surroundings that kernels need."""


class Fit:
    """The state of a fit: networks, moments, EMAs, and the number of samples seen."""

    def __init__(
        self,
        reals: Sequence[Image],
        hrs: Sequence[Image],
        config: PdmConfig,
        scale: int,
        seed: int,
        device: str = "cpu",
        start: Start | None = None,
    ) -> None:
        """Begin a fit.

        Args:
            reals: real LR images, (H, W, 3) uint8.
            hrs: HR images, unrelated to them.
            config: settings.
            scale: HR side over LR side.
            seed: up to 128 bits; all streams come from it.
            device: `cpu`, or `cuda` with mixed precision and channels last.
            start: what was measured of the camera; none to begin with nothing.
        """
        self.config, self.scale, self.seed, self.device = config, scale, seed, device
        rng = keyed(seed, "weights")
        self.start = start
        degradation = begun(config, scale, rng, start)
        codec = None if start is None else start.codec
        self.game = Game(config, degradation, rng, device, codec)
        self.degradation, self.critic = self.game.degradation, self.game.critic
        self.mean, self.optimisers = self.game.mean, self.game.optimisers
        self.reals = Crops(reals, config.crop, seed, "real", mirror=False)
        side = needed(config.crop, scale, self.degradation.size)
        self.hrs = Crops(hrs, side, seed, "hr", mirror=True)
        self.best = copy.deepcopy(self.mean)
        self.samples = self.kept = 0
        self.curves: list[NDArray[np.float64]] = []
        self.aucs: list[float] = []

    @property
    def codec(self) -> Codec | None:
        """What comes last; none where the real images are not compressed."""
        return self.game.codec

    @property
    def columns(self) -> Sequence[str]:
        """See `LearnedFit`."""
        return CURVES

    def networks(self) -> dict[str, nn.Module]:
        """See `LearnedFit`."""
        return {
            "degradation": self.degradation,
            "critic": self.critic,
            "mean": self.mean,
            "best": self.best,
        }

    def moments(self) -> dict[str, torch.optim.Optimizer]:
        """See `LearnedFit`."""
        return self.game.moments()

    @property
    def done(self) -> bool:
        """Whether all samples have been seen, the AUC has stopped falling, or nothing says whether
        a correction of what was measured helps, so that none would be kept.
        """
        blind = self.start is not None and len(self.aucs) > 0 and all(map(math.isnan, self.aucs))
        seen = self.samples >= self.config.samples
        return seen or blind or stalled(self.aucs, self.config.patience)

    def check(self, auc: float) -> None:
        """Take down the AUC of a check, not a number where it could not be measured, and keep the
        check if it is the best.
        """
        self.aucs.append(auc)
        if self._to_keep():
            self.best.load_state_dict(self.mean.state_dict())
            self.kept = self.samples

    def _to_keep(self) -> bool:
        """A correction of what was measured must have lowered the AUC; chance does not do."""
        if self.start is None:
            return keeps_up(self.aucs)
        return len(self.aucs) == 1 or lowest(self.aucs)

    def finish(self) -> None:
        """Make the EMA that of the best check, which is what is sealed."""
        self.mean.load_state_dict(self.best.state_dict())

    def advance(self, samples: int) -> Iterator[int]:
        """Train until at least `samples` more, or all, have been seen; yields the count after every
        iteration.
        """
        until = min(self.samples + samples, self.config.samples)
        while self.samples < until:
            self.curves.append(self._step())
            yield self.samples

    def _step(self) -> NDArray[np.float64]:
        batch, number = self._batch(), self.samples // self.config.batch
        self.game.set_rates(self.samples, self.config.samples)
        _, record = self.game.play(batch.real, batch.hr, keyed(self.seed, "latent", number), number)
        self.samples += self.config.batch
        return np.array(record)

    def _batch(self) -> Batch:
        count = self.config.batch
        rng = keyed(self.seed, "crops", self.samples // count)
        real, hr = self.reals.at(self.samples, count, rng), self.hrs.at(self.samples, count, rng)
        return Batch(self._placed(real), self._placed(hr))

    def _placed(self, image: Tensor) -> Tensor:
        if self.device == "cpu":
            return image
        return (
            image.pin_memory()
            .to(self.device, non_blocking=True)
            .contiguous(memory_format=torch.channels_last)
        )
