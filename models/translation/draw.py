"""One degradation of one image, from random numbers that are given: what a program does."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairmill.models.fitting.threads import one_thread
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.functional.shift import shifted
from pairmill.models.translation.checkpoint import Translator


def numbers(translator: Translator, lr_shape: tuple[int, int]) -> int:
    """How many standard normal numbers a draw takes."""
    shape = translator.network.latent_shape(*lr_shape)
    return math.prod(shape) if shape else 0


def translate(
    translator: Translator, hr: NDArray[np.uint8], normals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Degrade one image, in float32 on one thread of the CPU: the same bits for the same numbers on
    processors of one kind.

    Args:
        translator: fitted; its scale divides the sides of `hr`.
        hr: (H, W, 3) uint8.
        normals: `numbers(translator, lr_shape)` of them.

    Returns:
        (h, w, 3) in intensity levels, not clipped.
    """
    card, network = translator.card, translator.network
    height, width = (side // card.scale for side in hr.shape[:2])
    image: NDArray[np.generic] = hr[: height * card.scale, : width * card.scale]
    if any(card.shift):
        image = shifted(image, *card.shift)
    if card.from_hr:
        seen = image if image.dtype == np.uint8 else to_uint8(np.asarray(image, np.float64))
    else:
        seen = to_uint8(bicubic_down(image, card.scale))
    shape = network.latent_shape(height, width)
    latent = None
    if shape:
        latent = torch.from_numpy(normals.astype(np.float32)).reshape(1, *shape)
    with torch.inference_mode(), one_thread():
        made: Tensor = network(_batch(seen), latent)[0]
    return np.ascontiguousarray(255 * made.permute(1, 2, 0).double().numpy())


def _batch(image: NDArray[np.generic]) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) in [0, 1]."""
    turned = np.ascontiguousarray(image.transpose(2, 0, 1))
    return torch.from_numpy(turned)[None].float() / 255
