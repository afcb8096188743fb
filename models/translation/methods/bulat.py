"""Bulat, Yang and Tzimiropoulos (ECCV 2018): a network degrades HR with random numbers. The
published one gets one vector per image through a linear map to 128 x 128, which fixes the size;
here every LR pixel has numbers of its own, or the vector is the same everywhere.
"""

from __future__ import annotations

import numpy as np
from torch.nn.functional import l1_loss, mse_loss

from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.translation.generator import Generator
from pairmill.models.translation.method import (
    TO_REAL,
    Method,
    Player,
    Scene,
    Terms,
    real_lr,
    weighted,
)
from pairmill.schemas.translation import BulatConfig


class Bulat(Method[BulatConfig]):
    """HR to LR, one discriminator; with `weights.sr` an SR network learns along, by the sum."""

    columns = ("adversarial", "colour", "sr", "discriminator", "accuracy")

    def add_networks(self, rng: np.random.Generator) -> None:
        """See `Method`."""
        self.networks[TO_REAL] = Generator(self.config.generator, self.scale, rng)
        self.add_adversary("judge_real", rng)
        if self.config.weights.sr:
            self.add_sr(self.config.sr, rng)

    def all_players(self) -> tuple[Player, ...]:
        """See `Method`."""
        learns = (TO_REAL, "sr") if self.config.weights.sr else (TO_REAL,)
        return (
            Player("generator", learns, self._generate),
            self.judging("judge_real", real_lr, "fake", "discriminator"),
        )

    def _generate(self, scene: Scene) -> Terms:
        fake = self.degrade(scene.hr, scene)
        shown = scene.made["fake"] = eight_bits(fake)
        weights = self.config.weights
        return weighted(
            {
                "adversarial": (
                    weights.adversarial,
                    lambda: self.adversary("judge_real").fooled(shown, scene.real),
                ),
                "colour": (weights.colour, lambda: mse_loss(fake, scene.clean)),
                "sr": (weights.sr, lambda: l1_loss(self.networks["sr"](shown), scene.hr)),
            }
        )
