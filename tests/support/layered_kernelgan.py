"""KernelGAN run literally layer by layer with autograd, one lane at a time: what the fast
formulation must equal.

Written from the paper's description only and sharing no tensor code with
`pairmill.models.kernelgan`. `Defects` switches on known defects of the paper's published code, so
that its behaviour can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.kernelgan.fit import Lane
from pairmill.schemas.kernel import KernelGanConfig

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Defects:
    """Behaviours of the published code that ours does not share."""

    summed_channels: bool = False
    """The bicubic target of every channel is the sum over all three."""
    accumulating_noise: bool = False
    """The noise on the real crop stays in the image; the fake's is half as strong."""
    latched_schedule: bool = False
    """Bicubic weight decays at multiples of 200 once its loss was below 0.4 thrice in a row; rates
    every 750."""
    power_iteration_per_run: bool = False
    """Every run of the discriminator makes a power iteration, three per training iteration."""


PUBLISHED = Defects(True, True, True, True)


@dataclass
class History:
    kernels: list[Array] = field(default_factory=list)
    losses: list[list[float]] = field(default_factory=list)


class Generator(nn.Module):
    def __init__(self, arrays: list[NDArray[np.float32]], dtype: torch.dtype) -> None:
        super().__init__()
        sides = (7, 5, 3, 1, 1, 1)
        shaped = [
            torch.from_numpy(a).to(dtype).view(a.shape[0], -1, s, s)
            for a, s in zip(arrays, sides, strict=True)
        ]
        self.layers = nn.ParameterList(shaped)

    def forward(self, crop: Tensor) -> Tensor:
        """(3, n, n) -> (3, m, m): channels as a batch of greyscale images."""
        x = crop[:, None]
        for layer in self.layers[:-1]:
            x = F.conv2d(x, layer)
        return F.conv2d(x, self.layers[-1], stride=2)[:, 0]

    def kernel(self) -> Tensor:
        """Response to an impulse, flipped into correlation orientation."""
        x = torch.zeros(1, 1, 25, 25, dtype=self.layers[0].dtype)
        x[0, 0, 12, 12] = 1
        for layer in self.layers:
            x = F.conv2d(x, layer)
        return x[0, 0].flip(0, 1)


class Discriminator(nn.Module):
    def __init__(self, arrays: list[NDArray[np.float32]], dtype: torch.dtype) -> None:
        super().__init__()
        first, blocks, rows, u_first, u_blocks = (torch.from_numpy(a).to(dtype) for a in arrays)
        convs = [
            first.view(64, 3, 7, 7),
            *(b.view(64, 64, 1, 1) for b in blocks),
            rows[10].view(1, 64, 1, 1),
        ]
        self.convs = nn.ParameterList([c.clone() for c in convs])
        self.biases = nn.ParameterList([torch.zeros(c.shape[0], dtype=dtype) for c in convs])
        self.gammas = nn.ParameterList([row.clone() for row in rows[:5]])
        self.betas = nn.ParameterList([row.clone() for row in rows[5:10]])
        self.u = [u_first[:, 0], *(u[:, 0] for u in u_blocks), torch.ones(1, dtype=dtype)]
        self.v: list[Tensor] = [torch.empty(0)] * 7

    @torch.no_grad()
    def power_iteration(self) -> None:
        for i, conv in enumerate(self.convs):
            matrix = conv.flatten(1)
            self.v[i] = F.normalize(matrix.T @ self.u[i], dim=0)
            self.u[i] = F.normalize(matrix @ self.v[i], dim=0)

    def forward(self, crop: Tensor) -> Tensor:
        x = self._conv(crop[None], 0)
        for i in range(5):
            x = self._conv(x, i + 1)
            x = F.relu(
                F.batch_norm(x, None, None, self.gammas[i], self.betas[i], training=True, eps=1e-5)
            )
        return torch.sigmoid(self._conv(x, 6))

    def _conv(self, x: Tensor, i: int) -> Tensor:
        sigma = self.u[i] @ self.convs[i].flatten(1) @ self.v[i]
        return F.conv2d(x, self.convs[i] / sigma, self.biases[i])


def train_lane(
    lane: Lane,
    config: KernelGanConfig,
    defects: Defects | None = None,
    dtype: torch.dtype = torch.float64,
    after: range | None = None,
) -> History:
    """Train one lane; keeps the kernel after (in the published code: before) the update of
    iterations in `after`."""
    defects = defects or Defects()
    image = torch.from_numpy(lane.image.copy()).permute(2, 0, 1).to(dtype) / 255
    generator, critic = Generator(lane.generator, dtype), Discriminator(lane.discriminator, dtype)
    adams = [
        torch.optim.Adam(net.parameters(), config.learning_rate, (0.5, 0.999))
        for net in (generator, critic)
    ]
    schedule = Schedule(config, defects)
    history = History()
    for iteration in range(config.iterations):
        schedule.set_rates(adams, iteration)
        crop = cut(image, lane.draws.generator[iteration], config.crop) * 2 - 1
        real = cut(image, lane.draws.discriminator[iteration], config.crop // 2 - 6)
        noise = torch.from_numpy(lane.draws.noise[iteration % len(lane.draws.noise)]).to(dtype) * (
            config.noise / 255
        )
        critic.power_iteration()
        kernel = generator.kernel()
        fake = generator(crop)
        adversarial = (critic(fake) - 1).abs().mean()
        near = bicubic_loss(fake, crop, summed=defects.summed_channels)
        own = kernel_loss(kernel, schedule.weights(iteration), gated=not defects.latched_schedule)
        step(adams[0], adversarial + schedule.weights(iteration)["bicubic"] * near + own)
        if defects.accumulating_noise:
            real += noise[1]  # a view: the noise stays in the image
        else:
            real = real + noise[1]
        if defects.power_iteration_per_run:
            critic.power_iteration()
        judged_real = critic(real * 2 - 1)
        if defects.power_iteration_per_run:
            critic.power_iteration()
        fake_noise = noise[0] if defects.accumulating_noise else 2 * noise[0]
        judged_fake = critic(generator(crop).detach() + fake_noise)
        loss = (judged_fake.abs().mean() + (judged_real - 1).abs().mean()) / 2
        step(adams[1], loss)
        schedule.update(iteration, near.item())
        if after is None or iteration in after:
            kept = kernel if defects.latched_schedule else generator.kernel()
            history.kernels.append(kept.detach().double().numpy())
            history.losses.append([adversarial.item(), loss.item(), near.item(), own.item()])
    return history


def step(adam: torch.optim.Optimizer, loss: Tensor) -> None:
    adam.zero_grad()
    loss.backward()
    adam.step()


def cut(image: Tensor, corner: NDArray[np.int64], side: int) -> Tensor:
    top, left = map(int, corner)
    return image[:, top : top + side, left : left + side]


def bicubic_loss(fake: Tensor, crop: Tensor, *, summed: bool) -> Tensor:
    taps = torch.tensor([-3, -9, 29, 111, 111, 29, -9, -3], dtype=crop.dtype) / 256
    kernel = torch.outer(taps, taps).view(1, 1, 8, 8)
    target = F.conv2d(crop[:, None], kernel, stride=2, padding=3)[:, 0, 3:-3, 3:-3]
    if summed:
        target = target.sum(0, keepdim=True).expand(3, -1, -1)
    return F.mse_loss(fake, target)


def kernel_loss(kernel: Tensor, weights: dict[str, float], *, gated: bool) -> Tensor:
    offset = torch.arange(13, dtype=kernel.dtype) - 6
    bell = torch.exp(-(offset**2) / (2 * 13**2))
    mask = 30 * (1 - torch.outer(bell, bell) / torch.outer(bell, bell).max())
    mask[2:11, 2:11] = 0
    position = torch.arange(13, dtype=kernel.dtype)
    row = (kernel * position[:, None]).sum() / kernel.sum()
    column = (kernel * position).sum() / kernel.sum()
    loss = (
        weights["total"] * (1 - kernel.sum()).abs()
        + weights["boundary"] * (kernel * mask).abs().mean()
    )
    if weights["centre"] and (not gated or abs(1 - float(kernel.detach().sum())) < 0.5):
        loss = loss + weights["centre"] * ((row - 6.5) ** 2 + (column - 6.5) ** 2) / 2
        loss = loss + weights["sparse"] * (kernel.abs() + 1e-12).pow(0.2).mean()
    return loss


class Schedule:
    def __init__(self, config: KernelGanConfig, defects: Defects) -> None:
        self.config, self.latched = config, defects.latched_schedule
        self.misses, self.hits, self.open, self.bicubic, self.late = 0, 0, False, 5.0, False

    def set_rates(self, adams: list[torch.optim.Adam], iteration: int) -> None:
        scale = 3000 / self.config.iterations if self.latched else 1.0
        at = (
            (750, 1500, 2250)
            if self.latched
            else [f * self.config.iterations for f in self.config.decay_at]
        )
        passed = sum(iteration * scale >= a for a in at)
        for adam in adams:
            adam.param_groups[0]["lr"] = self.config.learning_rate / 10**passed

    def weights(self, iteration: int) -> dict[str, float]:
        config = self.config
        if self.latched:
            bicubic, late = self.bicubic, self.late
        else:
            progress = iteration / config.iterations
            bicubic = config.bicubic_weights[sum(progress >= at for at in config.bicubic_until)]
            late = progress >= config.sparse_after
        centre, sparse = (config.centre_weight, config.sparse_weight) if late else (0.0, 0.0)
        return {
            "bicubic": bicubic,
            "total": config.sum_weight,
            "boundary": config.boundary_weight,
            "centre": centre,
            "sparse": sparse,
        }

    def update(self, iteration: int, near: float) -> None:
        if not self.latched or iteration == 0:
            return
        if not self.open:
            self.hits = self.hits + 1 if near < 0.4 else 0
            self.open = self.hits >= 3
        elif iteration % 200 == 0 and self.bicubic > 5e-6:
            self.bicubic = max(self.bicubic / 100, 5e-6)
            self.late = self.late or self.bicubic < 5e-3
