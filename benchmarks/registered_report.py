"""Figures of a kernel measured on registered pairs, and of the HR images that it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.camera_kernel import CENTRE, SIZE, best_gaussian, best_sharpened, solve_forced
from pairmill.models.functional.kernels import offset, second_moments
from pairmill.models.registration.grid import Array
from pairmill.models.registration.kernel import (
    SMOOTHNESS,
    Equations,
    Measured,
    equations,
    first_kernel,
    relative_error,
    solve,
    together,
)
from pairmill.models.registration.register import Limits, Pair, Registered
from pairmill.models.registration.warp import blurred


def report(measured: Measured) -> dict[str, Any]:
    """All figures, lengths in HR pixels and residuals in intensity levels."""
    said, kernel = together(measured.said), measured.kernel
    return {
        "pairs": len(measured.registered),
        "left out": [one.pair.name for one in measured.left_out],
        "change per round": measured.changes,
        "blocks": block_counts([*measured.registered, *measured.left_out]),
        "LR pixels": said.pixels,
        "residual": residuals(measured),
        "shift of blocks beyond the field, rms per axis": own_shifts(measured.registered),
        "kernel": figures(kernel),
        "forms": {
            name: {
                "residual": float(np.sqrt(said.cost(form))),
                "from free form": relative_error(form, kernel),
                **figures(form),
            }
            for name, form in (
                ("gaussian", best_gaussian(said)),
                ("sharpened", best_sharpened(said)),
            )
        },
        "unit gain": unit_gain(measured),
        **spread(measured.said, kernel),
        **sensitivity(said),
    }


def unit_gain(measured: Measured) -> dict[str, float]:
    """The kernel with contrast as it is: see `solve_forced`."""
    said = together(equations(one, unit_gain=True) for one in measured.registered)
    forced = solve_forced(said)
    gains = np.concatenate([one.gain[one.accepted] for one in measured.registered])
    return {
        "median gain of blocks": float(np.median(gains)),
        "from kernel": relative_error(forced, measured.kernel),
        **figures(forced),
    }


def residuals(measured: Measured) -> dict[str, float]:
    """What is left between HR made LR and LR, root mean square over the same LR pixels.

    Without registration, brightness is one gain and one offset per pair.
    """
    start, kernel = first_kernel(2), measured.kernel
    left: dict[str, list[Array]] = {"before, first Gaussian": [], "before": [], "after": []}
    for one in measured.registered:
        use, lr = one.weights, one.pair.lr
        for name, tried in (("before, first Gaussian", start), ("before", kernel)):
            plain = blurred(one.pair.hr, tried)[::2, ::2][use]
            left[name].append(lr[use] - np.polyval(np.polyfit(plain, lr[use], 1), plain))
        left["after"].append((lr - one.matched(blurred(one.warped(), kernel)[::2, ::2]))[use])
    return {name: float(np.sqrt((np.concatenate(x) ** 2).mean())) for name, x in left.items()}


def block_counts(
    registered: Sequence[Registered],
    limits: Limits = Limits(),  # noqa: B008
) -> dict[str, int]:
    """Blocks by what became of them; the first reason counts."""
    counts = {"accepted": 0, "flat": 0, "shifted": 0, "residual": 0}
    for one in registered:
        flat = one.own_error >= limits.shift_error
        shifted = ~flat & (np.hypot(*one.own_shift) >= limits.shift)
        counts["accepted"] += int(one.accepted.sum())
        counts["flat"] += int(flat.sum())
        counts["shifted"] += int(shifted.sum())
        counts["residual"] += int((~flat & ~shifted & ~one.accepted).sum())
    return counts


def own_shifts(registered: Sequence[Registered]) -> float:
    """Root mean square of what accepted blocks would move beyond their field: its square is the
    most that misregistration adds to the kernel's second moments, per axis.
    """
    own = np.concatenate([one.own_shift[:, one.accepted].ravel() for one in registered])
    return float(np.sqrt((own**2).mean()))


def spread(said: Sequence[Equations], kernel: Array) -> dict[str, Any]:
    """How far halves of the pairs, and single pairs, are from each other and from all."""
    odd, even = (solve(together(said[start::2])) for start in (0, 1))
    alone = [solve(one) for one in said]
    apart = [relative_error(one, kernel) for one in alone]
    cores = [np.sqrt(_core(one)) for one in alone]
    return {
        "halves, largest difference over largest value": float(
            np.abs(odd - even).max() / kernel.max()
        ),
        "halves, relative": relative_error(odd, even),
        "single pairs from all, relative": _three(apart),
        "core sigma of single pairs": _three(cores),
    }


def _core(kernel: Array) -> float:
    found = figures(kernel)
    return (found["core sigma rows"] ** 2 + found["core sigma columns"] ** 2) / 2


def _three(values: Sequence[float]) -> dict[str, float]:
    least, middle, most = (float(x) for x in np.percentile(values, [0, 50, 100]))
    return {"least": least, "median": middle, "most": most}


def sensitivity(said: Equations) -> dict[str, dict[str, float]]:
    """Relative change of the kernel with other smoothness, and with noise of HR taken out."""
    usual = solve(said)
    return {
        "smoothness, times": {
            f"{times:g}": relative_error(solve(said, smoothness=times * SMOOTHNESS), usual)
            for times in (0.0, 0.1, 0.3, 3.0, 10.0)
        },
        "noise of HR taken as": {
            f"{noise:g}": relative_error(solve(said, noise=noise), usual)
            for noise in (1.0, 1.5, 3.0)
        },
    }


def hr_facts(pairs: Sequence[Pair]) -> dict[str, float]:
    """Whether HR is soft, noisy, or came from JPEG: of all pairs together.

    The slope of log power over log frequency (a scene has about -2; steeper at high frequencies is
    blur), noise from the corners of the spectrum (0.62 to 0.71 cycles per pixel), and the largest
    mean step between pixels at one of eight phases over the median of the phases (1: no blocks).
    """
    spectra = [_spectrum(pair.hr) for pair in pairs]
    power = np.mean(spectra, axis=0)
    radius = np.hypot(*_frequencies(pairs[0].hr))
    noise = [np.sqrt(np.median(one[radius > 0.62]) / np.log(2)) for one in spectra]
    return {
        "slope 0.02 to 0.2": _slope(power, radius, 0.02, 0.2),
        "slope 0.2 to 0.4": _slope(power, radius, 0.2, 0.4),
        "noise, median": float(np.median(noise)),
        "blocks of 8, median": float(np.median([_blockiness(pair.hr) for pair in pairs])),
    }


def _frequencies(image: Array) -> tuple[Array, Array]:
    height, width = image.shape
    rows, columns = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    return rows, columns


def _spectrum(image: Array) -> Array:
    window = np.hanning(image.shape[0])[:, None] * np.hanning(image.shape[1])
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    return np.asarray(power / (window**2).sum())


def _slope(power: Array, radius: Array, low: float, high: float) -> float:
    edges = np.geomspace(low, high, 9)
    rings = [power[(radius >= a) & (radius < b)].mean() for a, b in pairwise(edges)]
    middles = np.sqrt(edges[:-1] * edges[1:])
    return float(np.polyfit(np.log(middles), np.log(rings), 1)[0])


def _blockiness(image: Array) -> float:
    steps = np.abs(np.diff(image, axis=1)).mean(0)
    phases = np.array([steps[start::8].mean() for start in range(8)])
    return float(phases.max() / np.median(phases))


def response(kernel: Array, frequency: float) -> float:
    """|K| at a frequency in cycles per HR pixel, averaged over all directions."""
    angles = np.arange(32) * np.pi / 32
    places = np.arange(SIZE) - CENTRE
    values = [
        np.exp(-2j * np.pi * frequency * np.sin(angle) * places)
        @ kernel
        @ np.exp(-2j * np.pi * frequency * np.cos(angle) * places)
        for angle in angles
    ]
    return float(np.mean(np.abs(values)))


def figures(kernel: Array) -> dict[str, float]:
    """Width, form and place of a kernel, lengths in HR pixels.

    Negative lobes far out make second moments small or negative, so that the width of the core is
    given too: of the Gaussian with the same fall from the centre to three tenths of the height.
    """
    moments, core = second_moments(kernel), core_moments(kernel)
    small, large = np.sqrt(np.linalg.eigvalsh(core))
    row, column = offset(kernel, 2)
    away = np.hypot(*(np.mgrid[:SIZE, :SIZE] - CENTRE)).ravel()
    order = np.argsort(away)
    mass = np.cumsum(np.abs(kernel).ravel()[order]) / np.abs(kernel).sum()
    return {
        "moment rows": float(moments[0, 0]),
        "moment columns": float(moments[1, 1]),
        "core sigma rows": float(np.sqrt(core[0, 0])),
        "core sigma columns": float(np.sqrt(core[1, 1])),
        "anisotropy": float(large / small),
        "radius of 90 % of |mass|": float(away[order][np.searchsorted(mass, 0.9)]),
        "negative over all |mass|": float(-kernel[kernel < 0].sum() / np.abs(kernel).sum()),
        "negative, of sum 1": float(-kernel[kernel < 0].sum()),
        "centre rows": row,
        "centre columns": column,
        **{f"|K| at {f}": response(kernel, f) for f in (0.05, 0.1, 0.15, 0.2, 0.25)},
    }


def core_moments(kernel: Array) -> Array:
    """(2, 2): a Gaussian's, from the logarithm of what exceeds three tenths of the largest value.

    Narrower than a standard deviation of 0.9, too few pixels do.
    """
    places = np.argwhere(kernel > 0.3 * kernel.max())
    values = kernel[tuple(places.T)]
    y, x = (places - CENTRE).T
    terms = np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=1)
    fit, *_ = np.linalg.lstsq(terms * values[:, None], np.log(values) * values, rcond=None)
    return np.linalg.inv(-np.array([[2 * fit[3], fit[4]], [fit[4], 2 * fit[5]]]))
