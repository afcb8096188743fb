"""Short scripts of the kind that people write: OpenCV and Pillow, albumentations, kornia.

Each takes HR tiles (N, H, W, 3) and gives their LR at x2, by one of two ways: an oval Gaussian blur
of 15 pixels, every second pixel, white noise of 2 to 8 levels and JPEG of quality 50 to 95; or
bicubic downscaling. What a library cannot do so is done as near as it can; its docstring says
how.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peer_bsrgan import gaussian

Tiles = NDArray[np.uint8]
Degrade = Callable[[Tiles, np.random.Generator], Iterable[Tiles]]
SIDE = 256
"""Of HR tiles."""
SIZE, SIGMAS, NOISE, QUALITY = 15, (0.8, 2.5), (2.0, 8.0), (50, 95)
CUSTOM = {
    "kind": "custom",
    "ops": [
        {
            "op": "blur",
            "kernel": {
                "shape": "gaussian",
                "size": SIZE,
                "sigma_x": list(SIGMAS),
                "sigma_y": list(SIGMAS),
                "angle": [0, math.pi],
            },
        },
        {"op": "subsample", "scale": 2},
        {"op": "gaussian_noise", "sigma": list(NOISE)},
        {"op": "jpeg", "quality": list(QUALITY)},
    ],
}
"""The same as a degrader of pairmill."""


def kernel(rng: np.random.Generator) -> NDArray[np.float64]:
    """An oval Gaussian, its mean between four pixels, where an LR pixel at x2 is."""
    widths, angle = rng.uniform(*SIGMAS, 2), rng.uniform(0, math.pi)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return gaussian(SIZE, turn @ np.diag(widths**2) @ turn.T, 0.5)


def opencv_pillow(tiles: Tiles, rng: np.random.Generator) -> Iterable[Tiles]:
    """Blur by OpenCV, noise by numpy, JPEG by Pillow."""
    for tile in tiles:
        blurred = cv2.filter2D(
            tile.astype(np.float32), -1, kernel(rng)[::-1, ::-1], borderType=cv2.BORDER_REFLECT_101
        )
        small = blurred[::2, ::2]
        noisy = small + rng.normal(0, rng.uniform(*NOISE), small.shape)
        file = io.BytesIO()
        pixels = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(50, 96)))
        yield np.asarray(Image.open(file))


def albumentations_blur() -> Degrade:
    """It draws its own kernels, centred on a pixel, and knows no subsampling: a resize by the
    nearest pixel comes to the same.
    """
    import albumentations

    steps = albumentations.Compose(
        [
            albumentations.AdvancedBlur(
                (7, SIZE), SIGMAS, SIGMAS, (0, 180), (0.999, 1.001), (1.0, 1.0), p=1
            ),
            albumentations.Resize(SIDE // 2, SIDE // 2, cv2.INTER_NEAREST),
            albumentations.GaussNoise((NOISE[0] / 255, NOISE[1] / 255), p=1),
            albumentations.ImageCompression("jpeg", QUALITY, p=1),
        ]
    )
    return _each(steps)


def albumentations_bicubic() -> Degrade:
    """OpenCV's bicubic, which looks at 4 x 4 pixels however much it shrinks."""
    import albumentations

    return _each(
        albumentations.Compose([albumentations.Resize(SIDE // 2, SIDE // 2, cv2.INTER_CUBIC)])
    )


def _each(steps: Any) -> Degrade:
    return lambda tiles, _: (steps(image=tile)["image"] for tile in tiles)


def kornia_blur() -> Degrade:
    """Kernels of our own, a batch of tensors, an approximate JPEG with gradients."""
    import kornia
    import torch

    def degrade(tiles: Tiles, rng: np.random.Generator) -> Iterable[Tiles]:
        count = len(tiles)
        kernels = torch.from_numpy(np.stack([kernel(rng) for _ in tiles]).astype(np.float32))
        with torch.inference_mode():
            batch = kornia.filters.filter2d(_tensor(tiles), kernels.flip(1, 2))[..., ::2, ::2]
            sigma = torch.from_numpy(rng.uniform(*NOISE, count) / 255).float()
            batch = batch + torch.randn(batch.shape) * sigma.view(-1, 1, 1, 1)
            quality = torch.from_numpy(rng.uniform(*QUALITY, count)).float()
            batch = kornia.enhance.jpeg_codec_differentiable(batch.clamp(0, 1), quality)
            return _pixels(batch)

    return degrade


def kornia_bicubic() -> Degrade:
    """Bicubic after a Gaussian blur that kornia chooses against aliasing."""
    import kornia
    import torch

    def degrade(tiles: Tiles, rng: np.random.Generator) -> Iterable[Tiles]:  # noqa: ARG001
        size = (tiles.shape[1] // 2, tiles.shape[2] // 2)
        with torch.inference_mode():
            return _pixels(kornia.geometry.resize(_tensor(tiles), size, "bicubic", antialias=True))

    return degrade


def pillow_bicubic(tiles: Tiles, rng: np.random.Generator) -> Iterable[Tiles]:  # noqa: ARG001
    """Pillow's bicubic looks at more pixels when it shrinks, as MATLAB's does."""
    for tile in tiles:
        image = Image.fromarray(tile)
        yield np.asarray(
            image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
        )


def _tensor(tiles: Tiles) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(tiles)).permute(0, 3, 1, 2).float() / 255


def _pixels(batch: Any) -> Tiles:
    import torch

    pixels = (batch.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return np.ascontiguousarray(pixels.numpy())
