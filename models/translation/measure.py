"""What a fitted translator draws, in numbers: where it lies, its colours, how much of it is random,
and the verdict of the gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, laplace
from torch import Tensor

from pairmill.models.fitting.trend import finite_or_none
from pairmill.models.functional.shift import shifted
from pairmill.models.keyed import keyed
from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.pdm.measure import noise_floor
from pairmill.models.translation.adversary import MIDDLE
from pairmill.models.translation.fit import Fit, clean_of
from pairmill.models.translation.generator import Generator, draw_latent
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.translation import TranslationCheckpoint, TranslationGateConfig
from pairmill.schemas.translation_fit import TranslationMeasures, TranslationReason

Array = NDArray[np.float64]
PATCHES, PART = 768, 64
SMOOTH = 1.0
"""Standard deviation of the blur before offsets are measured, in LR pixels."""
BLOCK = 4
"""Side of the means that colours are compared by (`colour`)."""
ROUNDS = 3
"""Corrections of the offset, each by what the one before left."""
LEAST = 0.005
"""An offset of less than this, in HR pixels, is not corrected."""
Shift = tuple[float, float]


@dataclass(frozen=True)
class Sight:
    """Real patches and drawn ones of the EMA; all (N, n, n, 3), in intensity levels."""

    real: Array
    fake: Array
    other: Array
    """Of the same HR, by other random numbers."""
    clean: Array
    """Bicubic LR."""
    sources: tuple[NDArray[np.int64], NDArray[np.int64]]
    """(N,) each: numbers of the real images, and of the HR images that the fakes were made of."""


@torch.no_grad()
def look(fit: Fit, patches: int = PATCHES, shift: Shift = (0.0, 0.0)) -> Sight:
    """Draw patches; the same streams at every check, so that checks differ by the fit alone.

    Args:
        fit: a fit.
        patches: how many.
        shift: how far HR are moved down and right first, in HR pixels.
    """
    rng, side = keyed(fit.seed, "check"), fit.config.crop
    real, hr = fit.reals.at(0, patches, rng), fit.hrs.at(0, patches, rng)
    moved = _moved(hr, shift)
    fake, other = (
        _levels(eight_bits(_drawn(fit, moved, keyed(fit.seed, "check", 1 + number))))
        for number in range(2)
    )
    return Sight(
        _levels(real),
        fake,
        other,
        _levels(clean_of(hr, side)),
        (fit.reals.sources(0, patches), fit.hrs.sources(0, patches)),
    )


def _drawn(fit: Fit, hr: Tensor, rng: np.random.Generator) -> Tensor:
    network: Generator = fit.mean
    side, parts = fit.config.crop, []
    for start in range(0, len(hr), PART):
        image = hr[start : start + PART]
        seen = image if network.scale > 1 else clean_of(image, side)
        latent = draw_latent(rng, network, len(image), side, side)
        placed = None if latent is None else latent.to(fit.device)
        parts.append(network(seen.to(fit.device), placed).float().cpu())
    return torch.cat(parts)


def _moved(hr: Tensor, shift: Shift) -> Tensor:
    """(N, 3, H, W) in [0, 1], moved and rounded to 8 bits."""
    if not any(shift):
        return hr
    images = 255 * hr.permute(0, 2, 3, 1).double().numpy()
    moved = np.stack([shifted(image, *shift) for image in images])
    rounded = np.floor(np.clip(moved, 0, 255) + 0.5)
    return torch.from_numpy(rounded / 255).float().permute(0, 3, 1, 2)


def _levels(image: Tensor) -> Array:
    return np.asarray(255 * image.permute(0, 2, 3, 1).double().numpy())


def offset_of(clean: Array, fake: Array) -> Shift:
    """How far `fake` lies below and right of `clean`, both (N, n, n, 3), in their pixels: by least
    squares on gradients (Lucas and Kanade 1981), over all patches. Level, contrast and sharpness
    are fitted along, so that a change of them does not move it. Of first order: a twentieth too
    much at 0.4 pixels, hence `ROUNDS`.
    """
    first, second = (
        gaussian_filter(images.mean(3), (0, SMOOTH, SMOOTH))[:, 2:-2, 2:-2]
        for images in (clean, fake)
    )
    slopes = [np.gradient(first, axis=axis).ravel() for axis in (1, 2)]
    others = [np.ones(first.size), first.ravel(), laplace(first, axes=(1, 2)).ravel()]
    known, change = np.stack([*slopes, *others]), (second - first).ravel()
    found = np.linalg.lstsq(known @ known.T, known @ change, rcond=None)[0]
    return -float(found[0]), -float(found[1])


def centred(fit: Fit, patches: int = PATCHES) -> Shift:
    """How HR must be moved so that what is drawn lies where its bicubic LR lies, in HR pixels."""
    shift = (0.0, 0.0)
    for _ in range(ROUNDS):
        sight = look(fit, patches, shift)
        down, right = (fit.scale * part for part in offset_of(sight.clean, sight.fake))
        if not np.isfinite([down, right]).all() or max(abs(down), abs(right)) < LEAST:
            break
        shift = (shift[0] - down, shift[1] - right)
    limit = float(fit.config.crop)
    return tuple(float(np.clip(round(part, 4), -limit, limit)) for part in shift)  # type: ignore[return-value]


def card_of(fit: Fit) -> TranslationCheckpoint:
    """What the checkpoint of a fit says of itself."""
    return TranslationCheckpoint(
        method=fit.config.method,
        scale=fit.scale,
        from_hr=fit.config.from_hr,
        generator=fit.config.generator,
        shift=fit.shift,
    )


def measure(fit: Fit, sight: Sight, realism: RealismResult) -> TranslationMeasures | None:
    """All that the gates and the report ask for; none if the fit has left the finite numbers.

    Args:
        fit: a fit.
        sight: patches of its EMA, with `fit.shift`.
        realism: how distinguishable they are from real ones.
    """
    if not all(np.isfinite(values).all() for values in (sight.fake, np.array(fit.curves))):
        return None
    found = [fit.scale * part for part in offset_of(sight.clean, sight.fake)]
    return TranslationMeasures(
        offset=max(map(abs, found)),
        drift=max(map(abs, fit.shift)),
        colour=float(np.abs(_blocks(sight.fake) - _blocks(sight.clean)).mean()),
        effect=float(np.abs(sight.fake - sight.clean).mean()),
        diversity=float((sight.fake - sight.other).std() / np.sqrt(2)),
        real_floor=noise_floor(sight.real),
        fake_floor=noise_floor(sight.fake),
        accuracy=_accuracy(fit),
        auc=realism.auc,
        interval=realism.interval,
        telling=realism.telling,
        aucs=finite_or_none(fit.aucs),
        images=(fit.learned_from.used, fit.hrs.used),
        samples=fit.samples,
        kept=fit.kept,
    )


def _accuracy(fit: Fit) -> float | None:
    """Over the last tenth of the fit."""
    method = fit.system.method
    if method.watched not in method.networks or fit.config.gan not in MIDDLE:
        return None
    curves = np.array(fit.curves)[-max(1, len(fit.curves) // 10) :]
    return float(curves[:, fit.columns.index("accuracy")].mean())


def _blocks(images: Array) -> Array:
    side = images.shape[1] // BLOCK
    cut = images[:, : side * BLOCK, : side * BLOCK]
    return np.asarray(cut.reshape(-1, side, BLOCK, side, BLOCK, 3).mean((2, 4)))


def judge(
    measures: TranslationMeasures | None, gates: TranslationGateConfig
) -> tuple[TranslationReason, ...]:
    """Which gates a fit fails; none if it may be drawn from."""
    if measures is None:
        return (TranslationReason.NOT_FINITE,)
    failed: dict[TranslationReason, Any] = {
        TranslationReason.OFF_CENTRE: measures.offset > gates.max_offset,
        TranslationReason.OFF_COLOUR: measures.colour > gates.max_colour,
        TranslationReason.NO_EFFECT: measures.effect < gates.min_effect,
        TranslationReason.TOLD_APART: measures.auc is not None and measures.auc > gates.max_auc,
        TranslationReason.NOT_MEASURED: measures.auc is None and gates.max_auc < 1,
    }
    return tuple(reason for reason, fails in failed.items() if fails)
