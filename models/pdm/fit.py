"""The adversarial fit of a degradation to unpaired images, in steps that can stop and continue at
any count of samples.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pairmill.models.fitting.fit import LearnedFit
from pairmill.models.fitting.gpu import moved
from pairmill.models.fitting.streams import Crops, Image
from pairmill.models.fitting.trend import lowest
from pairmill.models.keyed import keyed
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


class Fit(LearnedFit[PdmConfig]):
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
        super().__init__(config, seed, device)
        self.scale = scale
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
        return blind or super().done

    def to_keep(self) -> bool:
        """A correction of what was measured must have lowered the AUC; chance does not do."""
        if self.start is None:
            return super().to_keep()
        return len(self.aucs) == 1 or lowest(self.aucs)

    def sealed(self) -> Sequence[tuple[nn.Module, nn.Module]]:
        """See `LearnedFit`: the EMA."""
        return ((self.mean, self.best),)

    def step(self) -> Sequence[float]:
        """See `LearnedFit`."""
        batch, number = self._batch(), self.number
        self.game.set_rates(self.samples, self.config.samples)
        _, record = self.game.play(batch.real, batch.hr, keyed(self.seed, "latent", number), number)
        return record

    def _batch(self) -> Batch:
        count = self.config.batch
        rng = keyed(self.seed, "crops", self.number)
        real, hr = self.reals.at(self.samples, count, rng), self.hrs.at(self.samples, count, rng)
        return Batch(moved(real, self.device), moved(hr, self.device))
