"""What a fitted degradation draws, in numbers: kernels, noise against intensity, and the verdict of
the gates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pairmill.models.fitting.trend import finite_or_none
from pairmill.models.functional.kernels import offset
from pairmill.models.keyed import keyed
from pairmill.models.pdm.degradation import Degraded, draw_latent, eight_bits
from pairmill.models.pdm.fit import Fit
from pairmill.models.pdm.start import compressed
from pairmill.schemas.pdm import CURVES, PdmGateConfig
from pairmill.schemas.pdm_fit import PdmMeasures, PdmReason
from pairmill.schemas.realism import RealismResult

Array = NDArray[np.float64]
KERNELS, PATCHES, PART = 256, 768, 64
BINS, FEWEST = 16, 500
QUIET = 0.25
"""A noise floor below this, in intensity levels, counts as this: rounding alone makes about that
much."""


@dataclass(frozen=True)
class Sight:
    """Real patches and fakes of the EMA, with what they were made of."""

    real: Array
    """(N, n, n, 3), in intensity levels."""
    fake: Array
    """(N, n, n, 3), 8-bit values."""
    clean: Array
    """(N, n, n, 3): blurred and subsampled, without noise."""
    noise: Array
    """(N, n, n, 3)."""
    sources: tuple[NDArray[np.int64], NDArray[np.int64]]
    """(N,) each: numbers of the real images, and of the HR images that the fakes were made of."""


@torch.no_grad()
def look(fit: Fit, patches: int = PATCHES) -> Sight:
    """Draw patches; the same streams at every check, so that checks differ by the fit alone."""
    rng, side = keyed(fit.seed, "check"), fit.config.crop
    real, hr = fit.reals.at(0, patches, rng), fit.hrs.at(0, patches, rng)
    shapes = fit.degradation.latent_shapes(side, side)
    parts = []
    for start in range(0, patches, PART):
        image = hr[start : start + PART].to(fit.device)
        parts.append(
            fit.mean(image, draw_latent(rng, len(image), *shapes).to(fit.device, torch.float32))
        )
    fake, clean, noise = (torch.cat(part).cpu() for part in zip(*map(_shown, parts), strict=True))
    return Sight(
        _levels(real),
        _levels(compressed(fake, fit.codec, keyed(fit.seed, "check", 2))),
        _levels(clean),
        _levels(noise),
        (fit.reals.sources(0, patches), fit.hrs.sources(0, patches)),
    )


def _shown(part: Degraded) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if part.noise is None:
        noise = part.lr - part.clean
    else:
        noise = part.noise.expand(part.clean.shape)
    return eight_bits(part.lr), part.clean, noise


def _levels(image: torch.Tensor) -> Array:
    return np.asarray(255 * image.permute(0, 2, 3, 1).double().numpy())


@torch.no_grad()
def drawn_kernels(fit: Fit, count: int = KERNELS) -> Array:
    """(count, k, k) kernels of the EMA."""
    side = fit.config.crop
    shape = (fit.mean.latent_shapes(side, side)[0][0], 1, 1)
    z = draw_latent(keyed(fit.seed, "check", 1), count, shape, None).kernel.to(fit.device)
    drawn = fit.mean.kernel(z).reshape(count, -1, fit.mean.size, fit.mean.size).mean(1)
    return np.asarray(drawn.double().cpu().numpy())


def noise_curve(clean: Array, noise: Array) -> tuple[tuple[float, float], ...]:
    """(intensity, standard deviation) of noise by the clean value, in intensity levels, for every
    bin with enough samples.
    """
    place = np.clip(clean // BINS, 0, 255 // BINS).astype(np.int64).ravel()
    flat, points = noise.ravel(), []
    for number in range(256 // BINS):
        inside = place == number
        if inside.sum() >= FEWEST:
            points.append((float(clean.ravel()[inside].mean()), float(flat[inside].std())))
    return tuple((round(level, 3), round(spread, 4)) for level, spread in points)


def measure(fit: Fit, sight: Sight, realism: RealismResult) -> PdmMeasures | None:
    """All that the gates and the report ask for; none if the fit has left the finite numbers.

    Args:
        fit: a fit.
        sight: patches of its EMA.
        realism: how distinguishable they are from real ones.
    """
    kernels = drawn_kernels(fit)
    if not all(np.isfinite(values).all() for values in (kernels, sight.fake, sight.noise)):
        return None
    real_floor = noise_floor(sight.real)
    fake_floor = without_scene(noise_floor(sight.fake), noise_floor(sight.clean), real_floor)
    return PdmMeasures(
        diversity=diversity(kernels),
        measured_diversity=None if fit.start is None else diversity(fit.start.kernels.mean(1)),
        offset=float(max(max(map(abs, offset(kernel, fit.scale))) for kernel in kernels)),
        real_floor=real_floor,
        fake_floor=fake_floor,
        noise_ratio=max(fake_floor, QUIET) / max(real_floor, QUIET),
        noise_deviation=float(sight.noise.std()),
        noise_mean=float(np.abs(sight.noise.mean((1, 2, 3))).max()),
        noise_curve=noise_curve(sight.clean, sight.noise),
        accuracy=_accuracy(fit),
        auc=realism.auc,
        interval=realism.interval,
        telling=realism.telling,
        aucs=finite_or_none(fit.aucs),
        images=(fit.reals.used, fit.hrs.used),
        samples=fit.samples,
        kept=fit.kept,
    )


def diversity(kernels: Array) -> float:
    """Mean distance of (N, k, k) kernels from their mean, relative to it (L2)."""
    mean = kernels.mean(0)
    distances = [np.linalg.norm(kernel - mean) for kernel in kernels]
    return float(np.mean(distances) / np.linalg.norm(mean))


def _accuracy(fit: Fit) -> float | None:
    """Over the last tenth of the fit; where it started measured, up to the check that is sealed."""
    seen = len(fit.curves)
    if fit.start is not None:
        seen = fit.kept // fit.config.batch
    if not seen:
        return None
    curves = np.array(fit.curves)[seen - max(1, seen // 10) : seen]
    return float(curves[:, CURVES.index("accuracy")].mean())


def noise_floor(patches: Array) -> float:
    """Deviation of what a 3 x 3 mean leaves, in the quietest fifth of 8 x 8 blocks, in intensity
    levels; (N, h, w, 3) in.

    Real and fake are measured alike, so that the bias of choosing quiet blocks cancels in their
    ratio.
    """
    residual = patches - uniform_filter(patches, (1, 3, 3, 1), mode="nearest")
    count, height, width = residual.shape[0], residual.shape[1] // 8 * 8, residual.shape[2] // 8 * 8
    blocks = residual[:, :height, :width].reshape(count, height // 8, 8, width // 8, 8, 3)
    return float(np.quantile(blocks.std(axis=(2, 4)), 0.2))


def without_scene(fake: float, clean: float, real: float) -> float:
    """The floor of fake patches without what their scenes, `clean` before there is noise, have in
    quiet places beyond the real patches: HR busier than the photographs is no noise.
    """
    return math.sqrt(max(fake**2 - max(clean**2 - real**2, 0.0), 0.0))


def least_diversity(measures: PdmMeasures, gates: PdmGateConfig) -> float:
    """What diversity is asked for: of measured kernels, which may be alike, half of theirs does."""
    if measures.measured_diversity is None:
        return gates.min_diversity
    return min(gates.min_diversity, measures.measured_diversity / 2)


def judge(
    measures: PdmMeasures | None, gates: PdmGateConfig, *, with_noise: bool
) -> tuple[PdmReason, ...]:
    """Which gates a fit fails; none if it may be drawn from."""
    if measures is None:
        return (PdmReason.NOT_FINITE,)
    failed = {
        PdmReason.KERNELS_ALIKE: measures.diversity < least_diversity(measures, gates),
        PdmReason.NOISE_COLLAPSED: with_noise and measures.noise_ratio < gates.min_noise_ratio,
        PdmReason.NOISE_TOO_STRONG: with_noise and measures.noise_ratio > gates.max_noise_ratio,
        PdmReason.NOISE_NOT_ZERO_MEAN: measures.noise_mean > gates.max_noise_mean,
        PdmReason.CRITIC_WON: measures.accuracy is not None
        and measures.accuracy > gates.max_accuracy,
        PdmReason.TOLD_APART: measures.auc is not None and measures.auc > gates.max_auc,
        PdmReason.NOT_MEASURED: measures.auc is None and gates.max_auc < 1,
    }
    return tuple(reason for reason, fails in failed.items() if fails)


class Patches(Protocol):
    """What is shown of a check."""

    @property
    def real(self) -> Array:
        """(N, n, n, 3), in intensity levels."""

    @property
    def fake(self) -> Array:
        """(N, n, n, 3)."""


def montage(sight: Patches, rows: int = 3, columns: int = 8) -> NDArray[np.uint8]:
    """An image: `rows` rows of real patches, a white line, and as many of fakes; (H, W, 3)
    uint8.
    """
    line = np.full((4, columns * sight.real.shape[2], 3), 255, np.uint8)
    return np.concatenate(
        [_tiled(sight.real, rows, columns), line, _tiled(sight.fake, rows, columns)]
    )


def _tiled(patches: Sequence[Array] | Array, rows: int, columns: int) -> NDArray[np.uint8]:
    chosen = np.clip(np.floor(np.asarray(patches)[: rows * columns] + 0.5), 0, 255).astype(np.uint8)
    side = chosen.shape[1]
    return (
        chosen.reshape(rows, columns, side, side, 3)
        .transpose(0, 2, 1, 3, 4)
        .reshape(rows * side, columns * side, 3)
    )
