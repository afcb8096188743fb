"""KernelGAN-FKP: KernelGAN whose generator is the kernel of a flow, against a Wasserstein critic
with gradient penalty (Liang et al., CVPR 2021, Sec. 3.4).

Crops and their noise are KernelGAN's, drawn beforehand from a stream for each restart. A restart is
trained by itself, so its kernel depends on nothing else that is estimated at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, leaky_relu, pad

from pairmill.models.archs.layers import Conv, draw_weights
from pairmill.models.fkp.prior import KernelPrior
from pairmill.models.functional.kernels import SIZES, pad_or_crop, recentre
from pairmill.models.kernelgan.crops import Crops, Iteration
from pairmill.models.kernelgan.generator import KERNEL
from pairmill.models.kernelgan.sampling import (
    Image,
    centre_weights,
    centre_window,
    draw,
    half_size,
    lane_stream,
)
from pairmill.schemas.kernel import KernelGanConfig, KernelGanFkpConfig

Array = NDArray[np.float64]
LAYERS, CHANNELS = 5, 32
"""Convolutions of the critic, and their channels (published)."""


class Critic(nn.Module):
    """Five 3 x 3 convolutions, normalised over the crop, to a map of values (published)."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        widths = [3, *(CHANNELS,) * (LAYERS - 1), 1]
        self.convs = nn.ModuleList(Conv(a, b, 3, 1, 0) for a, b in pairwise(widths))
        self.gains = nn.ParameterList(torch.ones(CHANNELS) for _ in range(LAYERS - 2))
        self.biases = nn.ParameterList(torch.zeros(CHANNELS) for _ in range(LAYERS - 2))
        draw_weights(self, rng)

    def forward(self, crops: Tensor) -> Tensor:
        """(1, 3, n, n) to (1, 1, n - 10, n - 10): higher is more like the photograph."""
        found = leaky_relu(self.convs[0](crops), 0.2)
        for conv, gain, bias in zip(self.convs[1:-1], self.gains, self.biases, strict=True):
            found = leaky_relu(batch_norm(conv(found), None, None, gain, bias, training=True), 0.2)
        judged: Tensor = self.convs[-1](found)
        return judged


def fit_kernels(
    images: Sequence[Image],
    seeds: Sequence[int],
    config: KernelGanFkpConfig,
    prior: KernelPrior,
    *,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Array]:
    """Estimate a x2 kernel per image and restart.

    Args:
        images: (H, W, 3) uint8 RGB of any sizes that KernelGAN's `check_image` accepts.
        seeds: one integer of up to 128 bits per image.
        config: settings.
        prior: of scale 2.
        report: called with iterations done, and in all.

    Returns:
        (R, 11, 11) of each image: sum 1, correlation orientation.

    Raises:
        ValueError: if the prior is not of scale 2.
    """
    if prior.scale != 2:
        raise ValueError(f"KernelGAN-FKP estimates x2 kernels, got a flow of scale {prior.scale}")
    total, done, found = len(images) * config.restarts * config.iterations, 0, []
    for image, seed in zip(images, seeds, strict=True):
        kernels = []
        for restart in range(config.restarts):
            fit = _Fit(image, lane_stream(seed, restart), config, prior)
            for number in range(config.iterations):
                fit.step(number)
                done += 1
                report(done, total)
            kernels.append(fit.kernel())
        found.append(np.stack(kernels))
    return found


class _Fit:
    """One restart between two iterations."""

    def __init__(
        self,
        image: Image,
        rng: np.random.Generator,
        config: KernelGanFkpConfig,
        prior: KernelPrior,
    ) -> None:
        self.config, self.prior = config, prior
        crops = KernelGanConfig(iterations=config.iterations, noise=config.noise)
        window = centre_window(image, config.window)
        self.critic = Critic(rng)
        self.code = prior.code(rng).requires_grad_()
        draws = draw(crops, rng, centre_weights(window, crops.crop))
        self.crops = Crops([(window, half_size(window), draws)], crops, "cpu", torch.float32)
        self.share = rng.random((config.iterations, config.steps), dtype=np.float32)
        self.adam_code = torch.optim.Adam([self.code], config.kernel_rate, fused=True)
        self.adam_critic = torch.optim.Adam(
            self.critic.parameters(), config.learning_rate, (0.5, 0.999), fused=True
        )
        self.total = torch.zeros(1, prior.codec.side, prior.codec.side, dtype=torch.float64)

    def kernel(self) -> Array:
        """(11, 11), the mean over the last half of the iterations."""
        mean = self.total[0].numpy()
        return np.asarray(mean / mean.sum())

    def step(self, number: int) -> None:
        """Some steps of the critic, then as many of the code, on the same two crops."""
        crops, config = self.crops.at(number), self.config
        for share in self.share[number]:
            self._step_critic(crops, float(share))
        for _ in range(config.steps):
            # With the noise that the critic knows: kernels need not sharpen to make up for it.
            loss = -self.critic(self._fake(crops) + crops.noise[:, 0]).mean()
            self.adam_code.zero_grad()
            (self.code.grad,) = torch.autograd.grad(loss, self.code)
            self.adam_code.step()
            with torch.no_grad():
                self.code.copy_(self.prior.on_sphere(self.code))
        if number >= config.iterations // 2:
            with torch.no_grad():
                self.total += self.prior.kernels(self.code)

    def _fake(self, crops: Iteration) -> Tensor:
        kernel = self.prior.kernels(self.code)
        rim = (KERNEL - kernel.shape[-1]) // 2
        # As wide as KernelGAN's, so that its crops serve: the ring is zero.
        wide = pad(kernel, (rim,) * 4)[:, None]
        return conv2d(crops.generator.transpose(0, 1), wide, stride=2).transpose(0, 1)

    def _step_critic(self, crops: Iteration, share: float) -> None:
        with torch.no_grad():
            fake = self._fake(crops) + crops.noise[:, 0]
        real = crops.real + crops.noise[:, 1]
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).mean(), between, create_graph=True)
        distance = self.critic(fake).mean() - self.critic(real).mean()
        loss = distance + self.config.penalty * (slope.norm() - 1).square()
        self.adam_critic.zero_grad()
        loss.backward()
        self.adam_critic.step()


def finish(kernel: Array) -> Array:
    """A kernel of a x2 flow, (11, 11), ready for use.

    Returns:
        (17, 17), non-negative, sum 1, centred for scale 2; all NaN where there is no such kernel.
    """
    try:
        return recentre(pad_or_crop(np.maximum(kernel, 0), SIZES[2]), 2)
    except ValueError:
        return np.full((SIZES[2], SIZES[2]), np.nan)
