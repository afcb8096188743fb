"""A discriminator with its loss, its penalty and the fakes that it remembers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.losses.adversarial import FORMS
from pairmill.models.translation.discriminator import Discriminator, accuracy
from pairmill.models.translation.history import History
from pairmill.schemas.translation import TranslationBase

PENALTY_EVERY = 4
"""Iterations between two penalties, each of which counts for all of them."""
MIDDLE = {"vanilla": 0.0, "lsgan": 0.5, "hinge": 0.0}
"""Logits above it mean real, by form. The others compare images, and give one alone no side."""


class Adversary(nn.Module):
    """Judges images of one kind.

    Args:
        config: settings of the method.
        side: of the images, in pixels.
        rng: stream of the initial weights.
    """

    def __init__(self, config: TranslationBase, side: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.config = config
        self.form = FORMS["wgan" if config.gan == "wgan_gp" else config.gan]
        self.network = Discriminator(config.discriminator, rng)
        self.history = History(config.history, side)

    def fooled(self, fake: Tensor, real: Tensor) -> Tensor:
        """What a generator minimises; `real` matters to the relativistic form alone."""
        if self.config.gan != "relativistic":
            return self.form.generator(fake, self.network(fake))
        with torch.no_grad():
            judged = self.network(real)
        return self.form.generator(judged, self.network(fake))

    def judged(
        self, real: Tensor, fake: Tensor, rng: np.random.Generator, number: int
    ) -> tuple[Tensor, Tensor | None]:
        """What the discriminator minimises, and the share of places that it classifies correctly;
        none for the forms that have no `MIDDLE`.

        Args:
            real: (B, 3, h, w).
            fake: the same, detached.
            rng: of the history and the penalty.
            number: of the iteration; penalties are not for every one.
        """
        shown = self.history.exchanged(fake, rng)
        first, second = self._both(real, shown)
        loss = self.form.discriminator(first, second)
        loss = loss + self._penalty(real, shown, rng, number)
        middle = MIDDLE.get(self.config.gan)
        return loss, None if middle is None else accuracy(first, second, middle)

    def _both(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both in float32: in one pass, but where batches are normalised, since the mean
        of real and fake together is one that no generator is judged by.
        """
        if self.config.discriminator.norm == "batch":
            return self.network(real).float(), self.network(fake).float()
        first, second = self.network(torch.cat([real, fake])).float().chunk(2)
        return first, second

    def _penalty(self, real: Tensor, fake: Tensor, rng: np.random.Generator, number: int) -> Tensor:
        config = self.config.discriminator
        if self.config.gan == "wgan_gp":
            mix = torch.from_numpy(rng.random((len(real), 1, 1, 1), dtype=np.float32)).to(real)
            slope, places = self._slope(mix * real + (1 - mix) * fake)
            # The critic of an image is the mean of its judgements, as in the loss.
            off: Tensor = (slope.flatten(1).norm(dim=1) / places - 1).square().mean()
            return config.gradient_penalty * off
        if not config.penalty or number % PENALTY_EVERY:
            return real.new_zeros(())
        slope, _ = self._slope(real)
        found: Tensor = PENALTY_EVERY * config.penalty / 2 * slope.square().mean()
        return found

    def _slope(self, images: Tensor) -> tuple[Tensor, int]:
        """Gradient of the sum of all judgements, (B, 3, h, w), and judgements per image."""
        seen = images.detach().clone().requires_grad_()
        logits = self.network(seen).float()
        (slope,) = torch.autograd.grad(logits.sum(), seen, create_graph=True)
        return slope, logits[0].numel()
