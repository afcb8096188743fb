"""CycleSR (Chen et al., CVPR Workshops 2020): a CycleGAN between clean and real LR; then the
degradation is drawn towards what an SR network can restore.
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
    clean_lr,
    joined,
    real_lr,
    weighted,
)
from pairmill.schemas.translation import CyclesrConfig


class Cyclesr(Method[CyclesrConfig]):
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
        to_clean = self.networks["to_clean"]
        noised, same_real = self.degrade(joined(scene.clean, scene.real), scene).chunk(2)
        cleaned, same_clean, again = to_clean(joined(scene.real, scene.clean, noised)).chunk(3)
        back = self.degrade(cleaned, scene)
        made, weights = scene.made, self.config.weights
        made["noised"], made["cleaned"] = eight_bits(noised), eight_bits(cleaned)
        return weighted(
            {
                "adversarial": (
                    weights.adversarial,
                    lambda: self.adversary("judge_clean").fooled(made["cleaned"], scene.clean),
                ),
                "adversarial_real": (
                    weights.adversarial_real,
                    lambda: self.adversary("judge_real").fooled(made["noised"], scene.real),
                ),
                "identity": (
                    weights.identity,
                    lambda: l1_loss(same_real, scene.real) + l1_loss(same_clean, scene.clean),
                ),
                "cycle": (
                    weights.cycle,
                    lambda: l1_loss(back, scene.real) + l1_loss(again, scene.clean),
                ),
                "task": (
                    weights.task if self._task(scene) else 0.0,
                    lambda: mse_loss(self.networks["sr"](made["noised"]), scene.hr),
                ),
            }
        )

    def _restore(self, scene: Scene) -> Terms:
        lr = scene.made["noised"].detach() if self._task(scene) else scene.clean
        return {"sr": mse_loss(self.networks["sr"](lr), scene.hr)}
