"""The adversarial fit of a degradation to unpaired images, in steps that can stop and continue at
any count of samples.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.fitting.streams import Crops, Image, keyed
from pairmill.models.fitting.trend import keeps_up, lowest, stalled
from pairmill.models.pdm.application import needed
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
from pairmill.models.pdm.start import Start, compressed
from pairmill.schemas.pdm import CURVES, PdmConfig

PENALTY_EVERY = 4
"""Iterations between two penalties, each of which counts for all of them."""


@dataclass(frozen=True)
class Batch:
    """What one iteration sees."""

    real: Tensor
    """(B, 3, n, n)."""
    hr: Tensor
    """(B, 3, m, m) with the surroundings that kernels need."""


class Fit:
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
        self.config, self.scale, self.seed, self.device = config, scale, seed, device
        rng = keyed(seed, "weights")
        if device != "cpu":
            layout = torch.channels_last
        else:
            layout = torch.contiguous_format
        self.start, self.codec = start, None if start is None else start.codec
        degradation = Degradation(config, scale, rng, None if start is None else start.shape)
        if start is not None:
            degradation.fill_in(start)
        self.degradation = degradation.to(device).to(memory_format=layout)  # type: ignore[call-overload]
        self.critic = Discriminator(config.critic, rng).to(device).to(memory_format=layout)  # type: ignore[call-overload]
        self.mean = copy.deepcopy(self.degradation).requires_grad_(requires_grad=False)
        self.optimisers = (
            torch.optim.Adam(self.degradation.parameters(), self._rates[0], config.betas),
            torch.optim.Adam(self.critic.parameters(), config.critic_rate, config.betas),
        )
        self.reals = Crops(reals, config.crop, seed, "real", mirror=False)
        self.hrs = Crops(hrs, needed(config.crop, scale, degradation.size), seed, "hr", mirror=True)
        self.best = copy.deepcopy(self.mean)
        self.samples = self.kept = 0
        self.curves: list[NDArray[np.float64]] = []
        self.aucs: list[float] = []

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
        return dict(zip(("adam-degradation", "adam-critic"), self.optimisers, strict=True))

    @property
    def done(self) -> bool:
        """Whether all samples have been seen, or the AUC has stopped falling."""
        return self.samples >= self.config.samples or stalled(self.aucs, self.config.patience)

    def check(self, auc: float) -> None:
        """Take down the AUC of a check, not a number where it could not be measured, and keep the
        check if it is the best.
        """
        self.aucs.append(auc)
        if self._to_keep():
            self.best.load_state_dict(self.mean.state_dict())
            self.kept = self.samples

    def _to_keep(self) -> bool:
        """A correction of what was measured must have lowered the AUC; chance does not do."""
        if self.start is None:
            return keeps_up(self.aucs)
        return len(self.aucs) == 1 or lowest(self.aucs)

    def finish(self) -> None:
        """Make the EMA that of the best check, which is what is sealed."""
        self.mean.load_state_dict(self.best.state_dict())

    def advance(self, samples: int) -> Iterator[int]:
        """Train until at least `samples` more, or all, have been seen; yields the count after every
        iteration.
        """
        until = min(self.samples + samples, self.config.samples)
        while self.samples < until:
            self.curves.append(self._step())
            yield self.samples

    def _step(self) -> NDArray[np.float64]:
        batch = self._batch()
        self._set_rates()
        with self._precision():
            degraded = self._degrade(batch.hr)
            fake = compressed(
                eight_bits(degraded.lr), self.codec, keyed(self.seed, "check", 3 + self.samples)
            )
            record = self._step_degradation(degraded, fake)
            record += self._step_critic(batch.real, fake.detach())
        self._average()
        self.samples += self.config.batch
        adversarial, held, noise, critic, right = record
        return np.array([adversarial, critic, right, held, noise])

    def _batch(self) -> Batch:
        count = self.config.batch
        rng = keyed(self.seed, "crops", self.samples // count)
        real, hr = self.reals.at(self.samples, count, rng), self.hrs.at(self.samples, count, rng)
        return Batch(self._placed(real), self._placed(hr))

    def _placed(self, image: Tensor) -> Tensor:
        if self.device == "cpu":
            return image
        return (
            image.pin_memory()
            .to(self.device, non_blocking=True)
            .contiguous(memory_format=torch.channels_last)
        )

    def _degrade(self, hr: Tensor) -> Degraded:
        rng = keyed(self.seed, "latent", self.samples // self.config.batch)
        shapes = self.degradation.latent_shapes(self.config.crop, self.config.crop)
        latent = draw_latent(rng, len(hr), *shapes).to(self.device, torch.float32)
        return self.degradation(hr, latent)  # type: ignore[no-any-return]

    def _step_degradation(self, degraded: Degraded, fake: Tensor) -> list[float]:
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
        (adversarial + self.config.noise_weight * held).backward()  # type: ignore[no-untyped-call]
        self.critic.requires_grad_(requires_grad=True)
        nn.utils.clip_grad_norm_(self.degradation.parameters(), self.config.clip)
        self.optimisers[0].step()
        if noise is None:
            spread = 0.0
        else:
            spread = 255 * float(noise.detach().float().std())
        return [adversarial.item(), held.item(), spread]

    def _step_critic(self, real: Tensor, fake: Tensor) -> list[float]:
        logits = self.critic(torch.cat([real, fake])).float()
        loss = discriminator_loss(logits[: len(real)], logits[len(real) :])
        self.optimisers[1].zero_grad()
        if self.config.critic.penalty and self.samples // len(real) % PENALTY_EVERY == 0:
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

    @torch.no_grad()
    def _average(self) -> None:
        """The EMA of the weights; a short memory at first, so that the start is soon
        forgotten.
        """
        iteration = self.samples // self.config.batch
        keep = min(self.config.average, (1 + iteration) / (10 + iteration))
        for mean, now in zip(self.mean.parameters(), self.degradation.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)

    def _set_rates(self) -> None:
        passed = sum(self.samples >= at * self.config.samples for at in self.config.halve_at)
        for optimiser, rate in zip(self.optimisers, self._rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * 0.5**passed

    @property
    def _rates(self) -> tuple[float, float]:
        """Step sizes of degradation and discriminator before any halving."""
        slower = 1.0 if self.start is None else self.config.start_rate
        return slower * self.config.learning_rate, self.config.critic_rate

    def _precision(self) -> AbstractContextManager[None]:
        if self.device == "cpu":
            return nullcontext()
        return torch.autocast("cuda", torch.bfloat16)
