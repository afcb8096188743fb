"""The noise pool: some patches, their spectrum, and what each image gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.report.collect.choose import evenly, in_turn
from pipeline.report.collect.pools import PoolRows
from pipeline.report.collect.sources import Sources
from pipeline.report.pictures import heat, stretched
from pipeline.report.shelf import Shelf
from schemas.noise import NoiseCoverage, NoisePoolManifest
from schemas.report import CoverageView, NoiseSection, PatchView

PATCHES, COVERAGE, POINTS = 24, 40, 600
"""Most patches, images and points of the scatter plot that are shown."""
SIDE = 128
"""Largest side of a shown patch, in pixels."""
RANGE = (-20.0, 20.0)
"""Colours of the spectrum, in dB."""


def collect_noise(pool: NoisePoolManifest, rows: PoolRows, sources: Sources, shelf: Shelf) -> NoiseSection:
    """Draw and describe the pool."""
    rms = float(np.sqrt(np.mean(np.square(pool.std))))
    gain = float(f"{min(32.0, max(1.0, 36 / max(rms, 1e-6))):.2g}")
    spectrum = mean_spectrum(rows.spread())
    points = [pool.patches[place] for place in evenly(pool.count, POINTS)]
    most = sorted(pool.coverage, key=lambda record: (-record.accepted, -record.patches, record.image))
    return NoiseSection(
        count=pool.count, patch=pool.patch, gain=gain, side=min(pool.patch, SIDE), std=pool.std,
        threshold=pool.threshold_source, averaged=spectrum.patches,
        spectrum=shelf.png("noise-spectrum", heat(spectrum.decibels, RANGE[1], RANGE[0])), spectrum_range=RANGE,
        radial=spectrum.radial, levels=tuple((point.mean, float(np.sqrt(point.noise))) for point in points),
        shown=_patches(pool, rows, gain, sources, shelf),
        coverage=tuple(_coverage(record, sources) for record in most[:COVERAGE]), images=len(pool.coverage),
        giving=sum(record.accepted > 0 for record in pool.coverage),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean power spectrum of grey residuals."""

    decibels: NDArray[np.float64]
    """(p, p), zero frequency in the middle, in dB above white noise of equal variance."""
    radial: tuple[tuple[float, float], ...]
    """(cycles per pixel, dB) over all directions."""
    patches: int


def mean_spectrum(patches: NDArray[np.float32]) -> Spectrum:
    """The spectrum of (N, p, p, 3) residuals, each tapered by a Hann window; detrending leaves a hole in the middle."""
    side = patches.shape[1]
    taper = np.outer(np.hanning(side), np.hanning(side))
    power = np.zeros((side, side))
    for patch in patches:
        grey = patch.astype(np.float64).mean(axis=2)
        power += np.abs(np.fft.fft2((grey - grey.mean()) * taper)) ** 2
    power = np.fft.fftshift(power / max(power.mean(), 1e-12))
    return Spectrum(10 * np.log10(np.maximum(power, 1e-4)), _radial(power), len(patches))


def _radial(power: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    side = power.shape[0]
    frequency = np.fft.fftshift(np.fft.fftfreq(side))
    radius = np.hypot(frequency[:, None], frequency[None])
    bins = min(32, side // 2)
    ring = np.minimum((radius * 2 * bins).astype(int), bins)
    points = []
    for number in range(1, bins):                        # ring 0 is what detrending took
        level = float(power[ring == number].mean())
        points.append(((number + 0.5) / (2 * bins), 10 * float(np.log10(max(level, 1e-4)))))
    return tuple(points)


def _patches(
    pool: NoisePoolManifest, rows: PoolRows, gain: float, sources: Sources, shelf: Shelf
) -> tuple[PatchView, ...]:
    views = []
    turns = in_turn(range(pool.count), lambda index: pool.patches[index].image)
    indices = sorted(turns[:PATCHES])
    for index, patch in zip(indices, rows.rows(indices), strict=True):
        record = pool.patches[index]
        picture = shelf.png(f"noise-{index:05d}", stretched(patch[:SIDE, :SIDE], gain))
        views.append(PatchView(
            index=index, picture=picture, source=sources.name(record.image), left=record.left, top=record.top,
            mean=record.mean, std=float(np.sqrt(record.noise)),
        ))  # fmt: skip
    return tuple(views)


def _coverage(record: NoiseCoverage, sources: Sources) -> CoverageView:
    return CoverageView(
        source=sources.name(record.image), patches=record.patches, accepted=record.accepted,
        rejected={str(reason): count for reason, count in record.rejected.items()},
        threshold_needed=record.threshold_needed,
    )  # fmt: skip
