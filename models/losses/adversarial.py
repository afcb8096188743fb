"""The two sides of a GAN: what the network and what the discriminator minimise, from logits of any
shape.

- The network's step: `generator(D(hr), D(sr))`, with D's parameters frozen
  (`requires_grad_(False)`). D(hr) depends on nothing of the network's, so it is detached here; only
  `relativistic` needs it.
- The discriminator's step: `discriminator(D(hr), D(sr.detach()))`: the caller detaches SR, or the
  network would be trained to be caught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus

from pairmill.schemas.losses import GanConfig

Side = Callable[[Tensor, Tensor], Tensor]


def _entropy(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, logits.new_full((), target).expand_as(logits))


def _square(logits: Tensor) -> Tensor:
    return logits.square().mean()


def _soft(logits: Tensor) -> Tensor:
    return softplus(logits).mean()


def _relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    return (_entropy(real - fake.mean(), 0) + _entropy(fake - real.mean(), 1)) / 2


def _relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """The means get no gradient, as in ESRGAN's code."""
    return (_entropy(real - fake.detach().mean(), 1) + _entropy(fake - real.detach().mean(), 0)) / 2


@dataclass(frozen=True)
class Form:
    """One kind of GAN: two functions of (real, fake) logits."""

    generator: Side
    discriminator: Side


FORMS: dict[str, Form] = {
    "vanilla": Form(
        lambda _, fake: _entropy(fake, 1), lambda real, fake: _entropy(real, 1) + _entropy(fake, 0)
    ),
    "lsgan": Form(
        lambda _, fake: _square(fake - 1), lambda real, fake: _square(real - 1) + _square(fake)
    ),
    "hinge": Form(
        lambda _, fake: -fake.mean(),
        lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
    ),
    "wgan": Form(lambda _, fake: -fake.mean(), lambda real, fake: fake.mean() - real.mean()),
    "wgan_softplus": Form(
        lambda _, fake: _soft(-fake), lambda real, fake: _soft(-real) + _soft(fake)
    ),
    "relativistic": Form(_relativistic_generator, _relativistic_discriminator),
}
"""Formulas by `GanConfig.form`; all but `relativistic`, which is halved as in ESRGAN, add the two
terms of the discriminator."""


class Gan:
    """Both sides of one form; logits are judged in float32."""

    def __init__(self, config: GanConfig) -> None:
        self.config, self.form = config, FORMS[config.form]

    def generator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """What the network minimises.

        Args:
            real_logits: D(hr), any shape; no gradient goes back through it. Forms other than
                `relativistic` do not look at it.
            fake_logits: D(sr), with gradient.
        """
        return self.form.generator(real_logits.detach().float(), fake_logits.float())

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """What the discriminator minimises.

        Args:
            real_logits: D(hr), any shape.
            fake_logits: D(sr.detach()).
        """
        return self.form.discriminator(real_logits.float(), fake_logits.float())
