"""The crops of one iteration for all lanes at once, gathered from images of any sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.kernelgan.generator import output_size
from pairmill.models.kernelgan.sampling import NOISE_FIELDS, Draws, Image
from pairmill.schemas.kernel import KernelGanConfig


class Iteration(NamedTuple):
    """What one iteration trains on; T lanes, n = crop side, m = `output_size(n)`, pixels in [-1,
    1].
    """

    generator: Tensor
    """(T, 3, n, n): what the generator shrinks."""
    target: Tensor
    """(T, 3, m, m): the same crops shrunk bicubically."""
    real: Tensor
    """(T, 3, m, m): what the discriminator is to take for real."""
    noise: Tensor
    """(T, 2, 3, m, m): added to the fake and the real crop."""


class Crops:
    """The images of all lanes on the device, and where each iteration's crops begin."""

    def __init__(
        self,
        lanes: Sequence[tuple[Image, NDArray[np.float64], Draws]],
        config: KernelGanConfig,
        device: str,
        dtype: torch.dtype,
    ) -> None:
        real = output_size(config.crop)
        # The generator has no padding: its output begins this many half-size pixels inside a crop.
        margin = (config.crop // 2 - real) // 2
        images = [np.ascontiguousarray(image.transpose(2, 0, 1)) for image, _, _ in _unique(lanes)]
        halves = [
            half.astype(np.float32 if dtype == torch.float32 else np.float64)
            for _, half, _ in _unique(lanes)
        ]
        number = _numbers(lanes)
        generator = np.stack([draws.generator for *_, draws in lanes], axis=1)
        discriminator = np.stack([draws.discriminator for *_, draws in lanes], axis=1)
        self._generator = _Windows(images, number, generator, config.crop, device)
        self._target = _Windows(halves, number, generator // 2 + margin, real, device)
        self._real = _Windows(images, number, discriminator, real, device)
        noise = torch.from_numpy(np.stack([draws.noise for *_, draws in lanes], axis=1))
        # Pixels run over [-1, 1]: an intensity level is 2 / 255.
        self._noise = noise.to(device, dtype) * (2 * config.noise / 255)
        self._dtype = dtype

    def at(self, iteration: int) -> Iteration:
        """The crops of one iteration."""
        generator, real = (
            windows.at(iteration).to(self._dtype).mul_(2 / 255).sub_(1.0)
            for windows in (self._generator, self._real)
        )
        target = self._target.at(iteration).to(self._dtype)
        return Iteration(generator, target, real, self._noise[iteration % NOISE_FIELDS])


class _Windows:
    """Square windows of planar images (3, H, W), all images in one flat array."""

    def __init__(
        self,
        images: Sequence[NDArray[np.generic]],
        number: NDArray[np.int64],
        corners: NDArray[np.int64],
        side: int,
        device: str,
    ) -> None:
        starts = np.cumsum([0, *(image.size for image in images)])[:-1][number]
        height, width = np.array([image.shape[1:] for image in images], np.int64)[number].T
        begin = starts + corners[..., 0] * width + corners[..., 1]
        channel = np.arange(3)[:, None, None] * (height * width)[:, None, None, None]
        inside = channel + np.arange(side)[:, None] * width[:, None, None, None] + np.arange(side)
        self._flat = torch.from_numpy(np.concatenate([image.ravel() for image in images])).to(
            device
        )
        self._begin = torch.from_numpy(begin).to(device)
        self._inside = torch.from_numpy(inside).to(device)
        self._index = torch.empty_like(self._inside)

    def at(self, iteration: int) -> Tensor:
        """(T, 3, side, side) in the images' type."""
        torch.add(self._inside, self._begin[iteration][:, None, None, None], out=self._index)
        return self._flat.take(self._index)


def _unique(
    lanes: Sequence[tuple[Image, NDArray[np.float64], Draws]],
) -> list[tuple[Image, NDArray[np.float64], Draws]]:
    return list({id(lane[0]): lane for lane in lanes}.values())


def _numbers(lanes: Sequence[tuple[Image, NDArray[np.float64], Draws]]) -> NDArray[np.int64]:
    """Which of `_unique(lanes)` each lane's image is."""
    order = {id(lane[0]): number for number, lane in enumerate(_unique(lanes))}
    return np.array([order[id(lane[0])] for lane in lanes], np.int64)
