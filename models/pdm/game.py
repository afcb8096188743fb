"""Degradation against discriminator: one iteration on given images, whoever chooses them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.fitting.fit import average, halved
from pairmill.models.fitting.gpu import mixed, placed
from pairmill.models.pdm.degradation import (
    Degradation,
    Degraded,
    draw_latent,
    eight_bits,
    regulariser,
)
from pairmill.models.pdm.discriminator import (
    Discriminator,
    accuracy,
    adversarial_loss,
    discriminator_loss,
)
from pairmill.models.pdm.start import Codec, compressed
from pairmill.schemas.pdm import PdmConfig

PENALTY_EVERY = 4
"""Iterations between two penalties, each of which counts for all of them."""
Task = Callable[[Tensor], Tensor]
"""What else a degradation minimises, of its LR."""


class Game:
    """Networks, their EMA and their moments.

    Args:
        config: settings.
        degradation: what learns; where it starts measured, its step size is smaller by
            `start_rate`.
        rng: stream of the discriminator's initial weights.
        device: `cpu`, or `cuda` with channels last.
        codec: what comes last; none where the real images are not compressed.
        mixed: whether a GPU computes in mixed precision.
    """

    def __init__(
        self,
        config: PdmConfig,
        degradation: Degradation,
        rng: np.random.Generator,
        device: str = "cpu",
        codec: Codec | None = None,
        *,
        mixed: bool = True,
    ) -> None:
        self.config, self.device, self.codec, self.mixed = config, device, codec, mixed
        slower = 1.0 if degradation.start is None else config.start_rate
        self.rates = slower * config.learning_rate, config.critic_rate
        self.degradation = placed(degradation, device)
        self.critic = placed(Discriminator(config.critic, rng), device)
        self.mean = copy.deepcopy(self.degradation).requires_grad_(requires_grad=False)
        self.optimisers = (
            torch.optim.Adam(self.degradation.parameters(), self.rates[0], config.betas),
            torch.optim.Adam(self.critic.parameters(), self.rates[1], config.betas),
        )

    def moments(self) -> dict[str, torch.optim.Optimizer]:
        """The optimisers by name."""
        return dict(zip(("adam-degradation", "adam-critic"), self.optimisers, strict=True))

    def play(
        self,
        real: Tensor,
        hr: Tensor,
        rng: np.random.Generator,
        number: int,
        task: Task | None = None,
    ) -> tuple[Tensor, list[float]]:
        """A turn of both.

        Args:
            real: (B, 3, n, n) real LR.
            hr: (B, 3, m, m) with the surroundings that kernels need.
            rng: stream of the latent numbers.
            number: iterations made before.
            task: what else the degradation minimises.

        Returns:
            LR as it was before the turn, (B, 3, n, n) of 8 bits, detached; and the values of
            `CURVES`.
        """
        with mixed(self.device) if self.mixed else nullcontext():
            degraded = self._degrade(hr, real.shape[2], rng)
            fake = compressed(eight_bits(degraded.lr), self.codec, rng)
            adversarial, held, noise = self._step_degradation(degraded, fake, task)
            critic, right = self._step_critic(real, fake.detach(), number)
        average(self.mean, self.degradation, self.config.average, number)
        return fake.detach(), [adversarial, critic, right, held, noise]

    def set_rates(self, done: int, of: int) -> None:
        """The step sizes after `done` of so many samples or steps."""
        factor = halved(done, of, self.config.halve_at)
        for optimiser, rate in zip(self.optimisers, self.rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * factor

    def _degrade(self, hr: Tensor, side: int, rng: np.random.Generator) -> Degraded:
        shapes = self.degradation.latent_shapes(side, side)
        latent = draw_latent(rng, len(hr), *shapes).to(self.device, torch.float32)
        return self.degradation(hr, latent)  # type: ignore[no-any-return]

    def _step_degradation(self, degraded: Degraded, fake: Tensor, task: Task | None) -> list[float]:
        """The degradation's update: adversarial loss plus lambda times the regulariser (PDM, eq.
        11).
        """
        self.critic.requires_grad_(requires_grad=False)
        adversarial = adversarial_loss(self.critic(fake).float())
        noise = degraded.noise
        if noise is None:
            held = fake.new_zeros(())
        else:
            held = regulariser(noise.float(), self.config.regulariser)
        self.optimisers[0].zero_grad()
        total = adversarial + self.config.noise_weight * held
        if task is not None:
            total = total + task(fake)
        total.backward()  # type: ignore[no-untyped-call]
        self.critic.requires_grad_(requires_grad=True)
        nn.utils.clip_grad_norm_(self.degradation.parameters(), self.config.clip)
        self.optimisers[0].step()
        if noise is None:
            spread = 0.0
        else:
            spread = 255 * float(noise.detach().float().std())
        return [adversarial.item(), held.item(), spread]

    def _step_critic(self, real: Tensor, fake: Tensor, number: int) -> list[float]:
        logits = self.critic(torch.cat([real, fake])).float()
        loss = discriminator_loss(logits[: len(real)], logits[len(real) :])
        self.optimisers[1].zero_grad()
        if self.config.critic.penalty and number % PENALTY_EVERY == 0:
            self._penalise(real)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[1].step()
        return [loss.item(), float(accuracy(logits[: len(real)], logits[len(real) :]))]

    def _penalise(self, real: Tensor) -> None:
        """R1 (Mescheder et al. 2018): the critic's slope at real images costs, without which the
        fit circles its solution.
        """
        seen = real.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(seen).float().sum(), seen, create_graph=True)
        (PENALTY_EVERY * self.config.critic.penalty / 2 * slope.square().mean()).backward()  # type: ignore[no-untyped-call]
