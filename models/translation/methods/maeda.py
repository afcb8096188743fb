"""Maeda (CVPR 2020), "pseudo-supervision": clean LR is degraded at random and cleaned again, and
the SR network learns HR from what is left; so it only ever sees cleaned LR.
"""

from __future__ import annotations

import numpy as np
from torch.nn.functional import l1_loss

from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.translation.generator import Generator
from pairmill.models.translation.method import (
    TO_REAL,
    Player,
    Scene,
    Terms,
    clean_lr,
    hr,
    joined,
    real_lr,
    weighted,
)
from pairmill.models.translation.two_way import TwoWay
from pairmill.schemas.translation import MaedaConfig


class Maeda(TwoWay[MaedaConfig]):
    """Two translators, an SR network, three discriminators, all in one stage."""

    columns = (
        "adversarial",
        "adversarial_real",
        "adversarial_hr",
        "identity",
        "cycle",
        "task",
        "discriminator_clean",
        "discriminator",
        "discriminator_hr",
        "accuracy",
    )

    def add_networks(self, rng: np.random.Generator) -> None:
        """See `Method`; cleaning has half as many blocks."""
        generator = self.config.generator
        cleaning = generator.with_(noise="none", blocks=max(1, generator.blocks // 2))
        self.networks["to_clean"] = Generator(cleaning, 1, rng)
        self.networks[TO_REAL] = Generator(generator, 1, rng)
        self.add_sr(self.config.sr, rng)
        self.add_adversary("judge_clean", rng)
        self.add_adversary("judge_real", rng)
        if self.config.weights.adversarial_hr:
            self.add_adversary("judge_hr", rng, hr=True)

    def all_players(self) -> tuple[Player, ...]:
        """See `Method`."""
        players = [
            Player("generator", ("to_clean", TO_REAL, "sr"), self._generate),
            self.judging("judge_clean", clean_lr, "cleaned", "discriminator_clean"),
            self.judging("judge_real", real_lr, "noised", "discriminator"),
        ]
        if self.config.weights.adversarial_hr:
            players.append(self.judging("judge_hr", hr, "upscaled", "discriminator_hr"))
        return tuple(players)

    def _generate(self, scene: Scene) -> Terms:
        terms, cleaned, again = self.both_ways(scene)
        restored, upscaled = self.networks["sr"](joined(again, cleaned)).chunk(2)
        made, weights = scene.made, self.config.weights
        made["upscaled"] = eight_bits(upscaled)
        terms["adversarial_hr"] = (
            weights.adversarial_hr,
            lambda: self.adversary("judge_hr").fooled(made["upscaled"], scene.hr),
        )
        terms["task"] = (weights.task, lambda: l1_loss(restored, scene.hr))
        return weighted(terms)
