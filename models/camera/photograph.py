"""What is measured on one photograph: its power spectrum, its noise, and what JPEG did to both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, block_power
from pairmill.models.camera.enlarged import enlarged
from pairmill.models.camera.floors import jpeg_floors, most_noise, quantised
from pairmill.models.camera.luma_noise import noise_before_jpeg
from pairmill.models.functional.block_cosines import blocked
from pairmill.models.functional.chroma import LUMA, grey
from pairmill.models.functional.noise_floor import ROUNDING, noise_floor

Array = NDArray[np.float64]

PATCH = 4
"""Side of the patches of frequencies that noise is bounded by."""
HALFWAY = (0.22, 0.28)
"""Frequencies, in cycles per pixel, that photographs enlarged four times have nothing at."""
HARDLY_MORE = 4.0
"""Times `ROUNDING`: enlarged photographs had 1.8 at most, those of a Gaussian of 3 HR pixels 9."""
LEAST_NOISE = 1e-3
"""Least variance that noise is taken for, in squared intensity levels: of painted flatness."""
ROUNDING_OF_COLOUR = ROUNDING * float(np.square(LUMA).sum())
"""Variance that rounding of R, G and B gives their luma: less than half of `ROUNDING`, since they
err independently."""


@dataclass(frozen=True, eq=False)
class PhotographSpectrum:
    """All that the estimate needs to know of a photograph, in squared intensity levels."""

    power: Array
    """(n, n // 2 + 1): mean power of blocks; white noise of variance v has power v everywhere.
    Rows are frequencies as `numpy.fft.fftfreq` orders them, columns as `rfftfreq`, in cycles per
    pixel."""
    distortion: Array
    """The same shape: power of what JPEG's quantisation changed; 0 without JPEG."""
    floors: Array | None
    """(len(VARIANCES), n, n // 2 + 1): what noise of each of `VARIANCES` adds to it, with the error
    of JPEG's quantisation; None where noise is white in the spectrum, or taken for it: without
    JPEG, where none is seen through its steps, and where it looks as behind a mosaic."""
    noise: float
    """Variance of the noise as the flattest parts show it (with `floors` before JPEG), and no more
    than the power allows, which flat parts may exceed where nothing is quite flat; of cells that
    of the photograph."""
    noise_error: float = 0.0
    """Standard deviation of its logarithm, with `floors`."""
    enlarged: float = 1.0
    """How many times it was enlarged, as far as that shows; 1 if it was not."""

    @property
    def empty(self) -> bool:
        """Whether frequencies about half the highest have hardly more than rounding to 8 bits, as
        after an enlargement by three or four: then it says nothing of what blurred it.
        """
        rows, columns = self.power.shape
        radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.arange(columns) / rows)
        low, high = HALFWAY
        halfway = self.power[(low <= radius) & (radius <= high)]
        # The mean of logarithms: along the axes strong edges leak.
        mean = np.log(np.maximum(halfway, 1e-6)).mean()
        return bool(mean < np.log(HARDLY_MORE * ROUNDING))


def measure(
    image: NDArray[np.uint8],
    table: NDArray[np.integer] | None = None,
    phase: tuple[int, int] = (0, 0),
) -> PhotographSpectrum:
    """Measure a photograph.

    Args:
        image: (H, W, 3), sides of 64 at least.
        table: (8, 8) JPEG quantisation steps of luma, row by row as frequencies rise, if the
            photograph comes from a JPEG.
        phase: rows and columns by which the photograph starts inside JPEG's first block.

    Raises:
        ValueError: if the photograph is smaller than two blocks.
    """
    luma = grey(image)
    if min(luma.shape) < 2 * SIDE:
        raise ValueError(f"a photograph has sides of {2 * SIDE} pixels at least, got {luma.shape}")
    power, distortion = block_power(luma), distortion_of(luma, table, phase)
    noise = min(noise_floor(luma, least=_rounding(image, table)), _least(power))
    floors, error = None, 0.0
    if table is not None:
        before = noise_before_jpeg(luma, table, phase)
        if before.seen_through(table):
            floors, error = floors_of(luma, power, table, phase), before.error
            noise = min(before.variance, most_noise(power, floors))
    noise = max(noise, LEAST_NOISE)
    return PhotographSpectrum(power, distortion, floors, noise, error, enlarged(luma, power))


def _rounding(image: NDArray[np.uint8], table: NDArray[np.integer] | None) -> float:
    """Variance that rounding to 8 bits gives luma: JPEG rounds luma itself."""
    if table is not None or (image == image[..., :1]).all():
        return ROUNDING
    return ROUNDING_OF_COLOUR


def _least(power: Array) -> float:
    """Least power of a patch of frequencies: white noise has no more."""
    rows, columns = len(power) // PATCH, power.shape[1] // PATCH
    patches = power[:, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    return float(patches.mean((1, 3)).min())


def floors_of(
    luma: Array, power: Array, table: NDArray[np.integer], phase: tuple[int, int]
) -> Array:
    """See `PhotographSpectrum.floors`; arguments as for `measure`."""
    steps = np.asarray(table, np.float64)

    def coder(planes: Array) -> Array:
        return quantised(planes[0], steps)[None]

    return jpeg_floors(luma[None], power[None], coder, phase)[:, 0]


def distortion_of(luma: Array, table: NDArray[np.integer] | None, phase: tuple[int, int]) -> Array:
    """(SIDE, SIDE // 2 + 1): see `PhotographSpectrum.distortion`; arguments as for `measure`."""
    if table is None:
        return np.zeros((SIDE, SIDE // 2 + 1))
    whole = luma[-phase[0] % 8 :, -phase[1] % 8 :]
    return jpeg_distortion(whole, np.asarray(table, np.float64), SIDE)


def jpeg_distortion(luma: Array, table: Array, side: int) -> Array:
    """(side, side // 2 + 1): power of the difference that JPEG made, as far as its coefficients
    tell.

    A coefficient that was rounded to another than 0 is off by a uniform error; those that became 0
    are taken for the middle of a Laplacian, whose width follows from how many did not
    (Reininger and Gibson, IEEE Trans. Commun. 1983: AC coefficients are Laplacian).
    """
    waves = blocked(luma - 128).reshape(-1, 8, 8)
    kept = (np.rint(waves / table) != 0).mean(0)
    share = np.clip(kept, 0.5 / len(waves), 0.999)
    # P(|x| > q / 2) = exp(-q / 2 b), and E[x^2; |x| < t] of a Laplacian of scale b.
    edge = table / 2
    scale = edge / -np.log(share)
    lost = 2 * scale**2 - (edge**2 + 2 * edge * scale + 2 * scale**2) * share
    error = kept * table**2 / 12 + lost
    response = _cosine_responses(side)
    return np.asarray((response.T @ error @ response)[:, : side // 2 + 1])


def _cosine_responses(side: int) -> Array:
    """(8, side): power of JPEG's cosines at the frequencies of a block; they sum to 1."""
    place, order = np.arange(8), np.arange(8)[:, None]
    cosines = np.cos((2 * place + 1) * order * np.pi / 16) / 2
    cosines[0] = math.sqrt(1 / 8)
    waves = np.exp(-2j * np.pi * np.outer(place, np.fft.fftfreq(side)))
    return np.square(np.abs(cosines @ waves)) / 8
