"""CycleSR (Chen et al., CVPR Workshops 2020): a CycleGAN between clean and real LR; then the
degradation is drawn towards what an SR network can restore.
"""

from __future__ import annotations

import numpy as np
from torch.nn.functional import mse_loss

from pairmill.models.translation.generator import Generator
from pairmill.models.translation.method import (
    TO_REAL,
    Player,
    Scene,
    Terms,
    clean_lr,
    real_lr,
    weighted,
)
from pairmill.models.translation.two_way import TwoWay
from pairmill.schemas.translation import CyclesrConfig


class Cyclesr(TwoWay[CyclesrConfig]):
    """Two translators, two discriminators, an SR network."""

    columns = (
        "adversarial",
        "adversarial_real",
        "identity",
        "cycle",
        "task",
        "sr",
        "discriminator_clean",
        "discriminator",
        "accuracy",
    )

    def add_networks(self, rng: np.random.Generator) -> None:
        """See `Method`."""
        generator = self.config.generator
        self.networks[TO_REAL] = Generator(generator, 1, rng)
        self.networks["to_clean"] = Generator(generator.with_(noise="none"), 1, rng)
        self.add_adversary("judge_real", rng)
        self.add_adversary("judge_clean", rng)
        if self.config.weights.task:
            self.add_sr(self.config.sr, rng)

    def all_players(self) -> tuple[Player, ...]:
        """See `Method`."""
        players = (
            Player("generator", (TO_REAL, "to_clean"), self._generate),
            self.judging("judge_real", real_lr, "noised", "discriminator"),
            self.judging("judge_clean", clean_lr, "cleaned", "discriminator_clean"),
        )
        if not self.config.weights.task:
            return players
        return (*players, Player("sr", ("sr",), self._restore))

    def _task(self, scene: Scene) -> bool:
        """Whether the SR network has a say by now."""
        return scene.progress >= self.config.task_from

    def _generate(self, scene: Scene) -> Terms:
        terms, _, _ = self.both_ways(scene)
        terms["task"] = (
            self.config.weights.task if self._task(scene) else 0.0,
            lambda: mse_loss(self.networks["sr"](scene.made["noised"]), scene.hr),
        )
        return weighted(terms)

    def _restore(self, scene: Scene) -> Terms:
        lr = scene.made["noised"].detach() if self._task(scene) else scene.clean
        return {"sr": mse_loss(self.networks["sr"](lr), scene.hr)}
