"""CinCGAN (Yuan et al., CVPR Workshops 2018), its first cycle: real LR is cleaned, and what undoes
the cleaning is the degradation.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn.functional import l1_loss

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
from pairmill.schemas.translation import CincganConfig


class Cincgan(Method[CincganConfig]):
    """Real to clean and back; clean LR is judged, and with `weights.adversarial_real` real LR too,
    with a cycle of its own.
    """

    columns = (
        "adversarial",
        "adversarial_real",
        "identity",
        "cycle",
        "total_variation",
        "discriminator_clean",
        "discriminator",
        "accuracy",
    )

    def add_networks(self, rng: np.random.Generator) -> None:
        """See `Method`."""
        generator = self.config.generator
        self.networks["to_clean"] = Generator(generator.with_(noise="none"), 1, rng)
        self.networks[TO_REAL] = Generator(generator, 1, rng)
        self.add_adversary("judge_clean", rng)
        if self.config.weights.adversarial_real:
            self.add_adversary("judge_real", rng)

    def all_players(self) -> tuple[Player, ...]:
        """See `Method`."""
        players = [
            Player("generator", ("to_clean", TO_REAL), self._generate),
            self.judging("judge_clean", clean_lr, "cleaned", "discriminator_clean"),
        ]
        if self.config.weights.adversarial_real:
            players.append(self.judging("judge_real", real_lr, "noised", "discriminator"))
        return tuple(players)

    def _generate(self, scene: Scene) -> Terms:
        to_clean = self.networks["to_clean"]
        cleaned, same = to_clean(joined(scene.real, scene.clean)).chunk(2)
        shown = scene.made["cleaned"] = eight_bits(cleaned)
        weights = self.config.weights
        terms = {
            "adversarial": (
                weights.adversarial,
                lambda: self.adversary("judge_clean").fooled(shown, scene.clean),
            ),
            "identity": (weights.identity, lambda: l1_loss(same, scene.clean)),
            "total_variation": (weights.total_variation, lambda: squared_differences(cleaned)),
        }
        if not weights.adversarial_real:
            back = self.degrade(cleaned, scene)
            return weighted(terms | {"cycle": (weights.cycle, lambda: l1_loss(back, scene.real))})
        back, noised = self.degrade(joined(cleaned, scene.clean), scene).chunk(2)
        fake = scene.made["noised"] = eight_bits(noised)
        again = to_clean(noised)
        return weighted(
            terms
            | {
                "cycle": (
                    weights.cycle,
                    lambda: l1_loss(back, scene.real) + l1_loss(again, scene.clean),
                ),
                "adversarial_real": (
                    weights.adversarial_real,
                    lambda: self.adversary("judge_real").fooled(fake, scene.real),
                ),
            }
        )


def squared_differences(image: Tensor) -> Tensor:
    """Mean squares of the differences of neighbours, down plus right."""
    return image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean()
