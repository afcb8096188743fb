"""Judging one image's kernel estimates: whether a corpus may be built on them, and if not, why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate

from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import offset, recentre
from pairmill.models.functional.resize import bicubic_up
from pairmill.models.kernelgan import spectra
from pairmill.schemas.kernel import (
    KernelDiagnostics,
    KernelQualityConfig,
    KernelReason,
    KernelVerdict,
)

Array = NDArray[np.float64]

PAIR_SIDE = 512
"""Side of the centred part of an image that a trial pair is made of, in pixels; a shift shows in
far less."""
SPECTRUM_SIDE = 1024
"""Side of the centred part of an image whose power spectrum is taken, in pixels."""
SHIFT_BAND = 0.12
"""Frequencies, in cycles per HR pixel, that vote on the shift: below them a kernel's asymmetry is a
pure shift."""


@dataclass(frozen=True)
class Rule:
    """A threshold on one measurement."""

    reason: KernelReason
    words: str
    """What is wrong with a kernel, and by how much: `{}` is the value."""
    value: Callable[[KernelDiagnostics], float]
    limit: Callable[[KernelQualityConfig], float]
    unit: str = " px"
    """Unit of value and limit; shares are said in per cent."""
    most: bool = True
    """Whether the limit is the largest allowed value, rather than the smallest."""

    def broken(self, value: float, limit: float) -> bool:
        """Whether a value is beyond the limit."""
        if self.most:
            return value > limit
        return value < limit

    def said(self, value: float, limit: float) -> str:
        """The objection in words."""
        bound = "most" if self.most else "least"
        words = self.words.format(self._with_unit(value))
        return f"{words}; at {bound} {self._with_unit(limit)} is allowed"

    def _with_unit(self, value: float) -> str:
        if self.unit == "%":
            return f"{100 * value:.3g} %"
        return f"{value:.3g}{self.unit}"


WIDTHS = (
    Rule(
        KernelReason.TOO_SHARP,
        "it hardly blurs: it spreads a point over {}",
        lambda d: d.support,
        lambda c: c.min_support,
        most=False,
    ),
    Rule(
        KernelReason.TOO_WIDE,
        "it blurs more than can be estimated: it spreads a point over {}",
        lambda d: d.support,
        lambda c: c.max_support,
    ),
)
"""How far a kernel may spread a point, by whatever method it was estimated."""
RULES = (
    Rule(
        KernelReason.SUM,
        "it changes the brightness of pictures by {}",
        lambda d: abs(1 - d.sum),
        lambda c: c.max_sum_error,
        "%",
    ),
    Rule(
        KernelReason.OFF_CENTRE,
        "it moves pictures by {}",
        lambda d: d.offset,
        lambda c: c.max_offset,
    ),
    Rule(
        KernelReason.OFF_CENTRE,
        "it moves pictures by {} even after it was centred",
        lambda d: d.residual_offset,
        lambda c: c.max_residual_offset,
    ),
    Rule(
        KernelReason.BORDER,
        "it is cut off or went astray: {} of it lies at its edge",
        lambda d: d.border,
        lambda c: c.max_border,
        "%",
    ),
    Rule(
        KernelReason.NEGATIVE,
        "it would sharpen: {} of it is negative",
        lambda d: d.negative,
        lambda c: c.max_raw_negative,
        "%",
    ),
    *WIDTHS,
    Rule(
        KernelReason.MISMATCH,
        "its LR is sharper or softer than the photograph: their spectra differ by {}",
        lambda d: d.mismatch or 0.0,
        lambda c: c.max_mismatch,
        " dB",
    ),
)
SHIFTED = Rule(
    KernelReason.MISALIGNED,
    "its LR does not lie over HR: it is shifted by {}",
    lambda d: d.shift,
    lambda c: c.max_shift,
)
"""Asked last, of kernels that have an image."""


def first_broken(
    rules: Sequence[Rule], diagnostics: KernelDiagnostics, config: KernelQualityConfig
) -> tuple[KernelReason, str] | None:
    """Reason and words of the first rule that is broken; none if all are kept."""
    for rule in rules:
        value, limit = rule.value(diagnostics), rule.limit(config)
        if rule.broken(value, limit):
            return rule.reason, rule.said(value, limit)
    return None


def judge(
    raw: Array, finished: Array, image: NDArray[np.uint8], config: KernelQualityConfig
) -> tuple[Array | None, KernelVerdict]:
    """Pick the kernel that stands for an image, or say why none does.

    The restart that most others agree with speaks for the image; the kernel is the mean of all that
    agree with it, which varies less from run to run than any one of them, stretched until its LR is
    as sharp as the image (`pairmill.models.kernelgan.spectra`). Raw measurements are the speaker's.

    Args:
        raw: (R, 13, 13), kernels as estimated.
        finished: (R, 17, 17), the same after `pairmill.models.kernelgan.postprocess`; NaN where
            that failed.
        image: (H, W, 3) uint8, what the kernels were estimated from.
        config: thresholds.

    Returns:
        The accepted kernel (17, 17), non-negative, sum 1, centred for scale 2, or none; and the
        verdict.
    """
    usable = [number for number in range(len(raw)) if np.isfinite(finished[number]).all()]
    if not usable:
        return None, refusal(
            KernelReason.NOT_FINITE, f"none of {len(raw)} restarts ended in a kernel"
        )
    distances = distance_matrix(finished[usable])
    place, group = medoid(distances, config.max_disagreement)
    number = usable[place]
    others = np.delete(distances[place], place)
    if len(group) == 1 and len(others):
        # A lone restart: how near the next one came says by how much they disagree.
        spread = float(others.min())
    else:
        spread = float(distances[place, group].max())
    mean = recentre(finished[usable][group].mean(axis=0), 2)
    kernel, best = match_spectrum(mean, image, stretching=config.match_spectrum)
    matching = {
        "stretch": width(kernel) / width(mean) if config.match_spectrum else None,
        "mismatch": best.mismatch,
    }
    diagnostics = measure(
        raw[number], kernel, image, agreeing=len(group), disagreement=spread
    ).with_(**matching)
    reason, detail = _first_objection(diagnostics, config, len(raw), distances)
    verdict = KernelVerdict(
        accepted=reason is None,
        reason=reason,
        detail=detail,
        restart=number,
        diagnostics=diagnostics,
    )
    return (kernel if reason is None else None), verdict


def refusal(reason: KernelReason, detail: str) -> KernelVerdict:
    """The verdict on an image of which nothing could be measured."""
    return KernelVerdict(
        accepted=False, reason=reason, detail=detail, restart=None, diagnostics=None
    )


def measure(
    raw: Array, finished: Array, image: NDArray[np.uint8], *, agreeing: int, disagreement: float
) -> KernelDiagnostics:
    """All measurements of an estimate (13, 13) and its kernel (17, 17); see `KernelDiagnostics` for
    units.
    """
    row, column = offset(raw, 2)
    return KernelDiagnostics(
        sum=float(raw.sum()),
        offset=math.hypot(row, column),
        residual_offset=math.hypot(*offset(finished, 2)),
        border=border_share(raw),
        negative=negative_share(raw),
        support=effective_support(finished),
        width=width(finished),
        disagreement=disagreement,
        agreeing=agreeing,
        shift=pair_shift(image, finished),
    )


def match_spectrum(
    kernel: Array, image: NDArray[np.uint8], *, stretching: bool
) -> tuple[Array, spectra.Match]:
    """The kernel (17, 17), stretched if it may be, and how well its LR matches the image's power
    spectrum.

    A kernel whose stretched form does not fit into its array stays as it is.
    """
    found = image_spectra(image)
    if stretching:
        # Where the stretched form does not fit into 17 x 17, the mismatch of the kernel as it is
        # decides.
        with suppress(ValueError):
            return spectra.matched(found, kernel)
    return kernel, spectra.match(found, kernel, stretching=False)


def image_spectra(image: NDArray[np.uint8]) -> spectra.Spectra:
    """Spectra of the middle of an image (H, W, 3) and of its half-size copy."""
    return spectra.spectra(grey(_centre(image, SPECTRUM_SIDE)))


def border_share(kernel: Array) -> float:
    """Share of absolute mass in the outermost ring of cells, in [0, 1]."""
    mass = np.abs(kernel)
    # At least 0: sums in another order may exceed the whole.
    return max(0.0, 1 - float(mass[1:-1, 1:-1].sum() / mass.sum()))


def negative_share(kernel: Array) -> float:
    """Share of negative values in the absolute mass, in [0, 1]."""
    return float(np.maximum(-kernel, 0).sum() / np.abs(kernel).sum())


def effective_support(kernel: Array) -> float:
    """1 / sum of squares of a kernel of sum 1, in pixels: 1 for an impulse, n for n equal cells."""
    return 1 / float(np.square(kernel).sum())


def width(kernel: Array) -> float:
    """Root mean square distance from the centre of mass per axis, in pixels: sigma for an isotropic
    Gaussian.
    """
    side = np.arange(kernel.shape[0])
    rows, columns = kernel.sum(1), kernel.sum(0)
    spread = sum(float(part @ side**2 - (part @ side) ** 2) for part in (rows, columns))
    return math.sqrt(max(spread, 0.0) / 2)


def distance_matrix(kernels: Array) -> Array:
    """(R, R) distances |a - b| / max(|a|, |b|) of (R, k, k) kernels: 0 for equal ones, about 1.4
    for unrelated ones.
    """
    flat = kernels.reshape(len(kernels), -1)
    norms = np.linalg.norm(flat, axis=1)
    gaps = np.linalg.norm(flat[:, None] - flat, axis=2)
    return np.asarray(gaps / np.maximum(norms[:, None], norms))


def medoid(distances: Array, most: float) -> tuple[int, NDArray[np.intp]]:
    """The restart with the most others within `most`, the nearest to them among equals; and its
    group, with itself.
    """
    near = distances <= most
    inside = np.where(near, distances, 0.0).sum(axis=1)
    # lexsort takes its last key first: most neighbours, then the nearest.
    order = np.lexsort((inside, -near.sum(axis=1)))
    best = int(order[0])
    return best, np.flatnonzero(near[best])


def pair_shift(image: NDArray[np.uint8], kernel: Array) -> float:
    """Shift between HR and the bicubically upscaled LR of a trial pair, in HR pixels.

    Args:
        image: (H, W, 3) uint8, taken as HR.
        kernel: (k, k) for scale 2.
    """
    high = _centre(image, PAIR_SIDE).mean(axis=2, dtype=np.float64)
    # SciPy's `reflect` repeats the edge sample, as our `mirror`.
    low = correlate(high, kernel, mode="reflect")[::2, ::2]
    return math.hypot(*phase_shift(high, bicubic_up(low[:, :, None], 2)[:, :, 0]))


def phase_shift(reference: Array, moved: Array) -> tuple[float, float]:
    """Sub-pixel shift of `moved` against `reference`, both (H, W), in pixels (rows, columns), by
    phase correlation.

    Fits a plane to the phase of the cross-power spectrum at low frequencies, weighted by its
    strength; for shifts of under four pixels.
    """
    taper = np.outer(np.hanning(reference.shape[0]), np.hanning(reference.shape[1]))
    first, second = (np.fft.fft2((part - part.mean()) * taper) for part in (reference, moved))
    cross = first * np.conj(second)
    fy, fx = np.meshgrid(*(np.fft.fftfreq(length) for length in reference.shape), indexing="ij")
    band = (np.hypot(fy, fx) < SHIFT_BAND) & (np.abs(cross) > 0)
    # Least squares squares it again: each frequency votes with its strength.
    weight = np.sqrt(np.abs(cross[band]))
    # A shift by d turns the phase at frequency f by 2 pi f d (Fourier's shift theorem).
    slopes = 2 * np.pi * np.stack([fy[band], fx[band]], axis=1) * weight[:, None]
    solution, *_ = np.linalg.lstsq(slopes, np.angle(cross[band]) * weight, rcond=None)
    return float(solution[0]), float(solution[1])


def _centre(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    top, left = (max(0, length - side) // 2 for length in image.shape[:2])
    # Even sides: halves must lie over it pixel by pixel.
    height, width_ = (min(length, side) // 2 * 2 for length in image.shape[:2])
    return image[top : top + height, left : left + width_]


def _first_objection(
    diagnostics: KernelDiagnostics, config: KernelQualityConfig, restarts: int, distances: Array
) -> tuple[KernelReason | None, str]:
    if broken := first_broken(RULES, diagnostics, config):
        return broken
    agree = f"{diagnostics.agreeing} of {restarts} restarts agree"
    wanted = min(config.min_agreeing, restarts)
    if (diagnostics.agreeing or 0) < wanted:
        differ = (
            f"the nearest two differ by {diagnostics.disagreement:.3g}; at most "
            f"{config.max_disagreement:.3g} is allowed"
        )
        said = "the others ended in no kernel"
        if len(distances) > 1:
            said = differ
        return KernelReason.DISAGREEMENT, f"{agree}, and {wanted} must: {said}"
    if broken := first_broken((SHIFTED,), diagnostics, config):
        return broken
    return None, f"{agree} within {diagnostics.disagreement:.3g}"
