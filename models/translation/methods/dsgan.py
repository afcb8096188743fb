"""DSGAN (Fritsche et al., ICCV Workshops 2019): bicubic LR gets the character of the images that it
was made from. Real to the discriminator are patches of these images themselves, at full size.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from pairmill.models.losses.vgg import Vgg, feature_losses
from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.translation.discriminator import low_pass
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
from pairmill.schemas.translation import DsganConfig

COLOUR_SIDE = 5
"""Side of the mean that is the colour of a place."""


class Dsgan(Method[DsganConfig]):
    """One generator, one discriminator, HR and LR of the same images."""

    columns = ("adversarial", "colour", "perceptual", "discriminator", "accuracy")

    def __init__(
        self, config: DsganConfig, scale: int, rng: np.random.Generator, vgg: Vgg | None = None
    ) -> None:
        self.vgg = vgg
        super().__init__(config, scale, rng)

    def add_networks(self, rng: np.random.Generator) -> None:
        """See `Method`."""
        self.networks[TO_REAL] = Generator(self.config.generator, 1, rng)
        self.add_adversary("judge_real", rng)

    def all_players(self) -> tuple[Player, ...]:
        """See `Method`."""
        return (
            Player("generator", (TO_REAL,), self._generate),
            self.judging("judge_real", real_lr, "fake", "discriminator"),
        )

    def _generate(self, scene: Scene) -> Terms:
        fake = self.degrade(scene.clean, scene)
        shown = scene.made["fake"] = eight_bits(fake)
        weights = self.config.weights
        terms = {
            "adversarial": (
                weights.adversarial,
                lambda: self.adversary("judge_real").fooled(shown, scene.real),
            ),
            "colour": (weights.colour, lambda: colour_loss(fake, scene.clean)),
        }
        vgg = self.vgg
        if vgg is not None:
            terms["perceptual"] = (
                weights.perceptual,
                lambda: feature_losses(vgg, fake.clamp(0, 1), scene.clean)[0],
            )
        return weighted(terms)


def colour_loss(fake: Tensor, clean: Tensor) -> Tensor:
    """L1 between 5 x 5 means, where they lie within the image (DSGAN, eq. 4)."""
    mean = torch.full((COLOUR_SIDE, COLOUR_SIDE), 1 / COLOUR_SIDE**2)
    return l1_loss(low_pass(fake, mean, border=False), low_pass(clean, mean, border=False))
