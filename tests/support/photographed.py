"""Photographs of the scenes of scikit-image and scikit-learn, by cameras of a known blur."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from pairmill.models.camera.photograph import PhotographSpectrum, measure
from pairmill.models.functional.resize import to_uint8
from pairmill.models.registration.warp import blurred
from pairmill.pipeline.compression.tables import LUMA, standard

Array = NDArray[np.float64]
SCENES = ("astronaut", "coffee", "chelsea", "camera", "china", "flower")


PHOTOGRAPHS = ("china", "flower")
"""Those of scikit-learn."""


def _of_skimage(name: str) -> NDArray[np.uint8]:
    return np.asarray(getattr(skimage.data, name)())


@lru_cache(maxsize=16)
def scene(number: int) -> NDArray[np.uint8]:
    """(H, W, 3): one of a dozen scenes, two halves of each picture."""
    name = SCENES[number % len(SCENES)]
    found = load_sample_image(f"{name}.jpg") if name in PHOTOGRAPHS else _of_skimage(name)
    picture = np.asarray(found)
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    half = picture.shape[1] // 2
    part = picture[:, :half] if number < len(SCENES) else picture[:, half:]
    return np.ascontiguousarray(part[:480])


def shoot(
    number: int, kernel: Array, *, scale: int = 2, noise: float = 0.0, quality: int | None = None
) -> NDArray[np.uint8]:
    """(h, w, 3): a photograph of a scene."""
    high = scene(number).astype(np.float64)
    low = blurred(high, kernel)[::scale, ::scale]
    low = low + noise * np.random.default_rng(number).normal(size=low.shape)
    photograph = to_uint8(low)
    if quality is None:
        return photograph
    code = cv2.imencode(".jpg", photograph[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(decoded[..., ::-1])


def measured(
    number: int, kernel: Array, *, scale: int = 2, noise: float = 0.0, quality: int | None = None
) -> PhotographSpectrum:
    """The spectrum of a photograph of a scene."""
    photograph = shoot(number, kernel, scale=scale, noise=noise, quality=quality)
    table = None if quality is None else standard(LUMA, quality)
    return measure(photograph, table)


def distance(kernel: Array, truth: Array) -> float:
    """|kernel - truth| / |truth|."""
    return float(np.linalg.norm(kernel - truth) / np.linalg.norm(truth))
