"""Training of ZSSR: crops of the image's own pairs, L1, Adam, until the error falls no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.keyed import keyed
from pairmill.models.zssr.network import ZssrNetwork
from pairmill.models.zssr.pairs import pairs, tensor
from pairmill.models.zssr.schedule import Schedule
from pairmill.models.zssr.start import least_squares
from pairmill.schemas.zero_shot import ZssrConfig

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

TINY = 1e-6
"""Contrast of an image that has none, in shares of white."""
MEASURED = 128
"""Side of the middle part of the son that the error is measured on, at most."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A son, what the linear filter makes of it, and what its father has more."""

    son: Tensor
    """(1, 3, h, w) in [0, 1]."""
    filtered: Tensor
    """(1, 3, scale h, scale w)."""
    missing: Tensor
    """(1, 3, scale h, scale w): the father minus `filtered`."""

    def part(self, top: int, left: int, height: int, width: int, scale: int) -> Pair:
        """A crop, by places of the son."""
        rows, columns = slice(top, top + height), slice(left, left + width)
        fine = (
            slice(rows.start * scale, rows.stop * scale),
            slice(columns.start * scale, columns.stop * scale),
        )
        return Pair(
            self.son[..., rows, columns], self.filtered[..., *fine], self.missing[..., *fine]
        )


class Training:
    """A network and what it learns from."""

    def __init__(
        self, image: Image, kernel: Array | None, scale: int, config: ZssrConfig, device: str
    ) -> None:
        """Make the pairs, the linear filter and the initial weights.

        Args:
            image: (H, W, 3), the father.
            kernel: see `pairmill.models.zssr.pairs.downscale`.
            scale: of this network.
            config: settings.
            device: where it learns.
        """
        self.config, self.scale, self.device = config, scale, device
        made = pairs(image, kernel, scale)
        filter_ = least_squares(made, scale, config.reach, config.noise)
        rng = keyed(config.seed, "weights")
        self.network = ZssrNetwork(scale, config.features, config.layers, filter_, rng).to(device)
        self.pairs = [self._pair(father, son) for father, son in made]
        first = self.pairs[0]
        self.network.gain.fill_(float(first.missing.std()) + TINY)
        detail = self.network.details(first.son, first.filtered)
        self.network.detail.fill_(float(detail.std()) + TINY)
        self.measured = self._middle(self.pairs[0])
        self.adam = torch.optim.Adam(self.network.body.parameters(), config.rate)
        self.crops = keyed(config.seed, "crops")

    @torch.no_grad()
    def _pair(self, father: Image, son: Image) -> Pair:
        seen = tensor(son).to(self.device)
        filtered = self.network.filtered(seen)
        return Pair(seen, filtered, tensor(father).to(self.device) - filtered)

    def _middle(self, pair: Pair) -> Pair:
        height, width = pair.son.shape[2:]
        rows, columns = min(height, MEASURED), min(width, MEASURED)
        top, left = (height - rows) // 2, (width - columns) // 2
        return pair.part(top, left, rows, columns, self.scale)

    def step(self) -> None:
        """Learn from one crop."""
        crop = self._crop()
        self.adam.zero_grad()
        loss = (self.network.added(crop.son, crop.filtered) - crop.missing).abs().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()

    def _crop(self) -> Pair:
        number, top, left = self.crops.random(3)
        pair = self.pairs[int(number * len(self.pairs))]
        rows, columns = (
            min(length, self.config.crop // self.scale) for length in pair.son.shape[2:]
        )
        height, width = pair.son.shape[2:]
        first = int(top * (height - rows + 1)), int(left * (width - columns + 1))
        crop = pair.part(*first, rows, columns, self.scale)
        return self._noisy(crop) if self.config.noise else crop

    def _noisy(self, crop: Pair) -> Pair:
        """With noise on the son; what the filter makes of it is the network's to take away."""
        values = self.crops.standard_normal(tuple(crop.son.shape), np.float32)
        noise = torch.from_numpy(values).to(self.device) * (self.config.noise / 255)
        son = (crop.son + noise).clamp(0, 1)
        change = self.network.filtered(son - crop.son)
        return Pair(son, crop.filtered + change, crop.missing - change)

    @torch.no_grad()
    def error(self) -> float:
        """Mean squared error of what the network makes of the son."""
        seen = self.measured
        found = self.network.added(seen.son, seen.filtered) - seen.missing
        return float(found.square().mean())

    def run(self, advanced: Callable[[float], None] = lambda _: None) -> int:
        """Train to the end.

        Args:
            advanced: Called with the share of the longest training that was done; the rest at the
                end.

        Returns:
            Steps.
        """
        most = self.config.max_steps
        schedule, step = Schedule(self.config.rate, most), 0
        while not schedule.ended(step):
            self.step()
            step += 1
            if schedule.measures(step):
                schedule.errors.append((step, self.error()))
            schedule.passed(step)
            self.adam.param_groups[0]["lr"] = schedule.rate
            advanced(1 / most)
        advanced(1 - step / most)
        return step
