"""The estimators that are compared, each as the product runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernel_cases import SIDES, Photograph, padded
from pairmill.models.camera.estimate import CameraBlur, estimate
from pairmill.models.camera.forms import PULL, Blur
from pairmill.models.camera.photograph import PhotographSpectrum, measure
from pairmill.models.camera.scenes import Scenes
from pairmill.models.functional.kernels import gaussian, target_centre
from pairmill.models.kernelgan.fit import fit_kernels
from pairmill.pipeline.kernels.quality import match_spectrum
from pairmill.schemas.kernel import KernelGanConfig

Array = NDArray[np.float64]
T = TypeVar("T")
Seen = tuple[PhotographSpectrum, float]
"""What the new estimator sees of a photograph, and the core seconds of looking."""

CONSTANT = 1.4
"""Standard deviation of the constant kernel, in HR pixels of scale 2."""
PRODUCT = 17
"""Side of the kernels of a pool at scale 2."""
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Estimate:
    """A kernel, and what it cost."""

    method: str
    kernel: Array
    """(n, n) of `SIDES`, sum 1."""
    seconds: float
    """Core seconds per photograph."""
    form: str = ""
    deviation: float = float("nan")
    """Standard deviation of the logarithm of its width, as the method says."""
    expected: float = float("nan")
    """|k - truth| / |truth| as the method expects it."""


@dataclass(frozen=True, eq=False)
class Group:
    """What the new estimator says of some photographs."""

    camera: Estimate
    own: list[Estimate]
    """Of each photograph."""
    found: CameraBlur


def constant(scale: int = 2, sigma: float = CONSTANT) -> Estimate:
    """One round Gaussian for all; sigma in HR pixels of scale 2."""
    side, wide = SIDES[scale], sigma * scale / 2
    kernel = gaussian(side, wide**2 * np.eye(2), target_centre(side, scale))
    return Estimate("constant", kernel, 0.0)


def spectra(photograph: Photograph, start: Array | None = None) -> Estimate:
    """The earlier spectral match at scale 2, from the constant or another kernel (17, 17)."""
    begin = constant().kernel if start is None else start
    name = "spectra" if start is None else "kernelgan + spectra"
    kernel, seconds = timed(
        lambda: match_spectrum(padded(begin, PRODUCT), photograph.image, stretching=True)[0]
    )
    return Estimate(name, padded(kernel, SIDES[2]), seconds)


def kernelgan(photograph: Photograph, seed: int, iterations: int | None = None) -> list[Estimate]:
    """KernelGAN at scale 2: the mean of its restarts, and the same after the spectral match."""
    config = KernelGanConfig()
    if iterations is not None:
        config = config.model_copy(update={"iterations": iterations})
    fits, seconds = timed(lambda: fit_kernels([photograph.image], [seed], config))
    mean = np.asarray(np.nanmean(fits[0].finished, axis=0))
    if not np.isfinite(mean).all():
        return []
    matched = spectra(photograph, mean)
    return [
        Estimate("kernelgan", padded(mean, SIDES[2]), seconds),
        replace(matched, seconds=seconds + matched.seconds),
    ]


def measured(photograph: Photograph) -> Seen:
    """Measure a photograph."""
    return timed(lambda: measure(photograph.image, photograph.table))


def camera(seen: Sequence[Seen], scale: int, scenes: Scenes | None = None) -> Group:
    """The new estimator on photographs of one camera; on one it is method `spectral`."""
    found, seconds = timed(lambda: estimate([spectrum for spectrum, _ in seen], scenes))
    each = (seconds + sum(spent for _, spent in seen)) / len(seen)
    name = "spectral" if len(seen) == 1 else "camera"
    whole = _estimate(name, found, found.blur, each, scale, np.zeros((0, 0)))
    own = [
        _estimate("camera, own", found, one.blur, each, scale, one.covariance)
        for one in found.photographs
    ]
    return Group(whole, own, found)


def _estimate(
    method: str, found: CameraBlur, blur: Blur, seconds: float, scale: int, pulled: Array
) -> Estimate:
    """The kernel of a camera, or of one of its photographs: what is unknown of the camera is
    unknown of it too.
    """
    free = [*found.matched.free, *range(PULL, PULL + len(pulled))]
    count = len(found.matched.free)
    covariance = np.zeros((len(free), len(free)))
    covariance[:count, :count], covariance[count:, count:] = found.matched.covariance, pulled
    deviation, expected = uncertainty(blur, free, covariance, scale)
    kernel = blur.kernel(scale, SIDES[scale])
    return Estimate(method, kernel, seconds, "+".join(found.form), deviation, expected)


def uncertainty(
    blur: Blur, free: Sequence[int], covariance: Array, scale: int
) -> tuple[float, float]:
    """How sure a blur is, to first order: standard deviation of the logarithm of its kernel's
    width, and expected |k - truth| / |truth|.

    Args:
        blur: the blur.
        free: places of its parameters that were estimated.
        covariance: of these.
        scale: of the kernel.
    """
    kernel = blur.kernel(scale, SIDES[scale])
    wide, squares = log_width(kernel), np.zeros(2)
    variances, axes = np.linalg.eigh(covariance)
    for variance, axis in zip(variances, axes.T, strict=True):
        values = blur.values.copy()
        values[free] += STEP * axis
        moved = replace(blur, values=values).kernel(scale, SIDES[scale])
        slopes = (log_width(moved) - wide) / STEP, float(np.linalg.norm(moved - kernel)) / STEP
        squares += max(float(variance), 0.0) * np.square(slopes)
    return float(np.sqrt(squares[0])), float(np.sqrt(squares[1]) / np.linalg.norm(kernel))


def log_width(kernel: Array) -> float:
    """Logarithm of the standard deviation of the round Gaussian with as large a sum of squares, in
    HR pixels: of any form, lobes included.
    """
    return float(-0.5 * np.log(4 * np.pi * np.square(kernel).sum()))


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """A result, and the core seconds it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start
