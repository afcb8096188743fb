"""The fit of a generator to a pool: Wasserstein GAN with gradient penalty (Gulrajani et al.,
NeurIPS 2017).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.fitting.fit import average
from pairmill.models.kmsr.geometry import in_all_orientations
from pairmill.models.kmsr.networks import LATENT, Critic, Generator
from pairmill.schemas.kmsr import KmsrFitConfig

Array = NDArray[np.float64]
Streams = Callable[[str], np.random.Generator]
"""Gives the random stream of a purpose, `weights`, `pool`, `latent`, `mix` or `draw`, from its
beginning each time."""


@dataclass
class Fit:
    """The state of a fit."""

    cores: Array
    """(N, n, n), squares around the target centres, sum 1."""
    config: KmsrFitConfig
    """Settings."""
    keyed: Streams
    """Where all random numbers come from."""
    curves: list[tuple[float, float]] = field(default_factory=list)
    """Per iteration: the estimated distance between pool and generator, and the mean slope of the
    critic, ideally 1."""

    def __post_init__(self) -> None:
        """Draw initial weights."""
        side, rng, config = self.cores.shape[-1], self.keyed("weights"), self.config
        everything = torch.from_numpy(in_all_orientations(self.cores))
        self.generator = Generator(everything.mean(0), config.width, rng)
        self.pool = (everything * self.generator.unit).to(torch.float32)[:, None]
        self.critic = Critic(side, config.width, rng)
        self.mean = copy.deepcopy(self.generator).requires_grad_(requires_grad=False)
        self.optimisers = tuple(
            torch.optim.Adam(network.parameters(), config.learning_rate, (0.0, 0.9))
            for network in (self.generator, self.critic)
        )
        self.streams = {purpose: self.keyed(purpose) for purpose in ("pool", "latent", "mix")}

    def advance(self) -> Iterator[int]:
        """Train to the end; yields the number of finished iterations."""
        while len(self.curves) < self.config.iterations:
            for _ in range(self.config.critic_steps):
                record = self._step_critic()
            self._step_generator()
            average(self.mean, self.generator, self.config.average, len(self.curves))
            self.curves.append(record)
            yield len(self.curves)

    def draw(self, count: int) -> Array:
        """The first `count` kernels of the fitted generator, (count, n, n), non-negative, sum 1;
        always the same ones.
        """
        latent = _normal(self.keyed("draw"), count)
        with torch.no_grad():
            made = (
                torch.cat([self.mean(part) for part in torch.split(latent, 256)])[:, 0]
                .to(torch.float64)
                .numpy()
            )
        return np.asarray(made / made.sum(axis=(1, 2), keepdims=True))

    def _step_critic(self) -> tuple[float, float]:
        places = (self.streams["pool"].random(self.config.batch) * len(self.pool)).astype(np.int64)
        real = self.pool[torch.from_numpy(places)]
        with torch.no_grad():
            fake = self.generator(_normal(self.streams["latent"], len(real)))
        distance = self.critic(real).mean() - self.critic(fake).mean()
        slope = self._slope(real, fake)
        loss = self.config.penalty * (slope - 1).square().mean() - distance
        self.optimisers[1].zero_grad()
        loss.backward()
        self.optimisers[1].step()
        return float(distance.detach()), float(slope.detach().mean())

    def _slope(self, real: Tensor, fake: Tensor) -> Tensor:
        """The critic's slope at random places between pairs, (B,), in units of the root mean square
        over cells (eq. 3).
        """
        share = torch.from_numpy(self.streams["mix"].random((len(real), 1, 1, 1))).to(real.dtype)
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        steepness: Tensor = slope.flatten(1).norm(dim=1)
        return steepness

    def _step_generator(self) -> None:
        self.critic.requires_grad_(requires_grad=False)
        loss = -self.critic(
            self.generator(_normal(self.streams["latent"], self.config.batch))
        ).mean()
        self.optimisers[0].zero_grad()
        loss.backward()
        self.optimisers[0].step()
        self.critic.requires_grad_(requires_grad=True)


def _normal(rng: np.random.Generator, count: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal((count, LATENT))).to(torch.float32)
