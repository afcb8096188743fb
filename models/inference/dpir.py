"""Plug-and-play restoration: exact steps towards an LR whose kernel is known, and denoisers between
them (IRCNN, Zhang et al. 2017; DPIR, Zhang et al. 2021).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from pairmill.models.archs import build
from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.ircnn import DILATIONS, Ircnn
from pairmill.models.archs.layers import BicubicUp, cropped
from pairmill.models.archs.observed import continued, explained
from pairmill.models.fitting.streams import Crops, Image
from pairmill.models.keyed import keyed
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.networks.ircnn import IrcnnConfig

LOUDEST = 49 / 255
"""Level of the first denoiser."""
WEIGHT = 0.23
"""lambda of DPIR."""
ROUNDING = 0.5 / 255
"""Least noise that is reckoned with: that of 8 bits, and some."""
STEPS = 24
"""Data steps of DPIR."""
ROWS, REACH = 128, sum(DILATIONS)
"""Rows of an image that are denoised at a time, and how far a denoiser sees beyond them."""

PUBLISHED = IrcnnConfig()


class Denoisers:
    """One denoiser per level of noise; between the levels the next louder one is taken.

    Args:
        networks: (B, 3, h, w) to the same, by level in units of 1 / 255, at least one; none sees
            further than `REACH` rows.
    """

    def __init__(self, networks: Mapping[float, nn.Module]) -> None:
        self.levels = sorted(networks)
        self.networks = {level: network.eval() for level, network in networks.items()}

    def __call__(self, x: Tensor, level: float) -> Tensor:
        """(B, 3, h, w) with noise of deviation `level`, in [0, 1], to the same without; a band of
        rows at a time, which gives what the whole image would.
        """
        place = min(bisect_left(self.levels, 255 * level - 1e-6), len(self.levels) - 1)
        network, height = self.networks[self.levels[place]], x.shape[2]
        found = torch.empty_like(x)
        for top in range(0, height, ROWS):
            first, last = max(0, top - REACH), min(height, top + ROWS + REACH)
            band = network(x[:, :, first:last])
            found[:, :, top : top + ROWS] = band[:, :, top - first :][:, :, :ROWS]
        return found

    def to(self, device: str) -> Denoisers:
        """The same on another device."""
        return Denoisers({level: each.to(device) for level, each in self.networks.items()})


@torch.no_grad()
def restored(
    lr: Tensor,
    told: Degradation,
    scale: int,
    denoise: Denoisers,
    steps: int = STEPS,
    report: Callable[[int], None] = lambda _: None,
) -> Tensor:
    """HR that explains an LR and is like what the denoisers know.

    Args:
        lr: (B, 3, h, w) in [0, 1].
        told: how it was made; of the noise map, the mean power of all pictures counts.
        scale: HR pixels per LR pixel along each axis.
        denoise: for the levels from 49 / 255 down to the larger of scale / 255 and the noise.
        steps: data steps, each followed by a denoiser; their levels fall by equal ratios.
        report: called after each with its number, from 0.

    Returns:
        (B, 3, scale h, scale w), about in [0, 1].
    """
    wide = continued(lr, told.kernel.shape[-1] // scale + 2)
    power = float(told.noise.square().mean()) + ROUNDING**2
    last = min(LOUDEST, max(scale / 255, math.sqrt(power)))
    z = BicubicUp(scale).to(lr)(wide)
    for number, level in enumerate(np.geomspace(LOUDEST, last, steps).tolist()):
        penalty = lr.new_full((len(lr),), WEIGHT * power / level**2)
        z = denoise(explained(z, wide, told.kernel, scale, penalty), level)
        report(number)
    return cropped(z, *(scale * length for length in lr.shape[2:]))


def fit_denoiser(
    images: list[Image],
    level: float,
    steps: int,
    seed: int,
    config: IrcnnConfig = PUBLISHED,
    *,
    batch: int = 16,
    side: int = 40,
    rate: float = 1e-3,
) -> tuple[Ircnn, NetworkSpec]:
    """A denoiser of one level, learned from clean images and noise that is drawn; on the CPU.

    Args:
        images: (H, W, 3) uint8, without noise.
        level: standard deviation of the noise, in units of 1 / 255.
        steps: of Adam, whose rate falls to 0 linearly.
        seed: of weights, crops and noise.
        config: settings of the network.
        batch: crops per step.
        side: of a crop, in pixels.
        rate: of the first step.

    Returns:
        The network, and what a checkpoint of it says.
    """
    network = build(config, 1, seed).train()
    assert isinstance(network, Ircnn)
    crops = Crops(images, side, seed, "hr", mirror=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        clean = crops.at(step * batch, batch, keyed(seed, "crops", step))
        drawn = keyed(seed, "latent", step).standard_normal(tuple(clean.shape), np.float32)
        loss = mse_loss(network(clean + level / 255 * torch.from_numpy(drawn)), clean)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network.eval(), NetworkSpec(network=config, scale=1)
