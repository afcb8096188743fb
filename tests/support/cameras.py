"""Simulated cameras: photographs with spectra as scenes have them, through a known kernel."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairmill.models.camera.forms import CENTRE, Blur, P
from pairmill.models.camera.model import Model
from pairmill.models.camera.photograph import PhotographSpectrum
from pairmill.models.camera.scenes import built_in
from pairmill.models.functional.kernels import gaussian_kernel, target_centre

Array = NDArray[np.float64]


def kernel_of(wide: float, narrow: float | None = None, angle: float = 0.0) -> Array:
    """A Gaussian for scale 2, (17, 17); `angle` turns its long axis from columns towards rows."""
    return gaussian_kernel(17, wide, narrow or wide, angle, target_centre(17, 2))


def scene(seed: int, height: int, width: int) -> Array:
    """(height, width, 3) float64: power falls as f^-2.4 in all directions, and a flat quarter."""
    rng = np.random.default_rng([7, seed])
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    radius = np.hypot(rows, columns)
    radius[0, 0] = 1
    waves = np.fft.rfft2(rng.standard_normal((height, width))) * radius**-1.2
    waves[0, 0] = 0
    grey = np.fft.irfft2(waves, (height, width))
    picture = 120 + 40 * grey[:, :, None] / grey.std() * np.array([0.9, 1.0, 1.1])
    picture[: height // 2, : width // 2] = np.array([90, 120, 150]) + 30 * rng.random()
    return np.asarray(picture)


def photograph_by(
    kernel: Array, seed: int, height: int = 192, width: int = 256, noise: float = 2.0
) -> NDArray[np.uint8]:
    """What a camera with this kernel makes of a scene, (height, width, 3) uint8."""
    high = scene(seed, 2 * height, 2 * width)
    # By FFT, which is ten times as fast as scipy's.
    low = cv2.filter2D(high, -1, kernel, borderType=cv2.BORDER_REFLECT_101)[::2, ::2]
    rng = np.random.default_rng([8, seed])
    seen = low + noise * rng.standard_normal((height, width, 3))
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def soft_corners(
    inner: Array, outer: Array, seed: int, height: int = 192, width: int = 256
) -> NDArray[np.uint8]:
    """The same of a camera with one kernel in the four corners of a 3 x 3 grid, another one
    elsewhere.
    """
    found = photograph_by(inner, seed, height, width)
    soft = photograph_by(outer, seed, height, width)
    rows, columns = np.mgrid[0:height, 0:width]
    corner = (rows * 3 // height != 1) & (columns * 3 // width != 1)
    found[corner] = soft[corner]
    return found


def write_photographs_by(
    folder: Path,
    kernel: Array,
    seeds: range,
    *,
    model: str = "",
    suffix: str = ".png",
    noise: float = 2.0,
) -> Path:
    """A folder of such photographs, `1.png` and so on; with the model of a camera in their EXIF."""
    folder.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if model:
        exif[271], exif[272] = "Maker", model
    for seed in seeds:
        image = Image.fromarray(photograph_by(kernel, seed, noise=noise))
        image.save(folder / f"{seed}{suffix}", exif=exif, quality=92)
    return folder


def spectrum_by(sigma: float, rng: np.random.Generator) -> PhotographSpectrum:
    """A spectrum as the model of scenes makes it, through a Gaussian of so many half pixels."""
    model = Model(built_in())
    values = CENTRE.copy()
    values[P.SIZE] = 2 * np.log(sigma)
    blur = Blur(values)
    away = model.functions @ (rng.standard_normal(len(model.variances)) * np.sqrt(model.variances))
    power = model.aliased(model.power(blur) * np.exp(model.mean + away))
    power = power * np.exp(rng.standard_normal(power.shape) * np.sqrt(model.residual)) + 4.0
    return PhotographSpectrum(power, np.zeros_like(power), None, 4.0)
