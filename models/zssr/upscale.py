"""Upscaling an image with what it shows itself: training, ensemble, back-projection, one scale
after another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.models.inference.ensemble import ensembled
from pairmill.models.zssr.network import ZssrNetwork
from pairmill.models.zssr.pairs import downscale_exactly, symmetries, tensor
from pairmill.models.zssr.train import Training
from pairmill.schemas.zero_shot import ZssrConfig

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

ROWS = 64
"""LR rows that are upscaled at once: bounds memory."""
BACK_PROJECTIONS = 2
"""Of images without noise; with noise there is none, for it would bring the noise back."""


def stages(scale: int) -> tuple[int, ...]:
    """Factors one after another: x4 is x2 twice, for the son of a father has a quarter of the side
    else, and little to learn from.
    """
    return (2, 2) if scale == 4 else (scale,)


def upscale(
    lr: Image,
    kernel: Array | None,
    config: ZssrConfig,
    *,
    device: str = "cpu",
    advanced: Callable[[float], None] = lambda _: None,
) -> Image:
    """An image upscaled by what it shows itself (Shocher et al. 2018).

    The same bytes on the same machine with the same number of threads.

    Args:
        lr: (H, W, 3) uint8 RGB; a son of it has sides of 8 pixels at least.
        kernel: what downscaled it; (k, k) on the grid of 2**-16, centred for the first of
            `stages`; none for MATLAB's bicubic.
        config: settings.
        device: where the network learns.
        advanced: called with the share of the work that was done.

    Returns:
        (scale H, scale W, 3) uint8.
    """
    parts, found = stages(config.scale), lr
    times = 0 if config.noise else BACK_PROJECTIONS
    for number, part in enumerate(parts, 1):
        made = _learned(found, kernel, part, config, device, lambda x: advanced(x / len(parts)))
        down = partial(downscale_exactly, kernel=kernel, scales=parts[:number])
        found = to_uint8(back_projected(made, lr, down, times))
    return found


def _learned(
    image: Image,
    kernel: Array | None,
    scale: int,
    config: ZssrConfig,
    device: str,
    advanced: Callable[[float], None],
) -> Array:
    """What a network that learned from an image makes of it; its pairs are gone afterwards."""
    training = Training(image, kernel, scale, config, device)
    training.run(advanced)
    network = training.network
    del training  # the pairs are most of the memory
    run = ensembled(partial(in_bands, network), positions=symmetries(kernel, scale))
    with torch.no_grad():
        made = run(tensor(image).to(device))
    return np.asarray(made[0].permute(1, 2, 0).cpu().numpy(), np.float64) * 255


def in_bands(network: ZssrNetwork, lr: Tensor) -> Tensor:
    """What a network makes of an image, some rows at a time; equal to the whole."""
    height, scale, reach = lr.shape[2], network.scale, network.reach
    edges = [*range(0, height, ROWS), height]
    parts = []
    for first, end in pairwise(edges):
        top, bottom = max(0, first - reach), min(height, end + reach)
        made = network(lr[:, :, top:bottom])
        parts.append(made[:, :, (first - top) * scale : (end - top) * scale])
    return torch.cat(parts, 2)


def back_projected(sr: Array, lr: Image, down: Callable[[Array], Array], times: int) -> Array:
    """SR that gives LR when it is downscaled again, nearly (Irani and Peleg 1991).

    Args:
        sr: (s H, s W, 3), 0 to 255.
        lr: (H, W, 3).
        down: what downscales.
        times: how often the difference is added.
    """
    scale = len(sr) // len(lr)
    for _ in range(times):
        sr = sr + bicubic_up(lr - down(np.clip(sr, 0, 255)), scale)
    return sr
