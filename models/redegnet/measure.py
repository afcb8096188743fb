"""What a fit does with the real pairs, in numbers and in an image, and the verdict of the
gates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pairmill.models.fitting.trend import finite_or_none
from pairmill.models.functional.resize import bicubic_down, resize
from pairmill.models.redegnet.draw import represent
from pairmill.models.redegnet.fit import Batched, Fit, levels, signed
from pairmill.schemas.realism import RealismResult
from pairmill.schemas.redegnet import CURVES, RedegnetGateConfig, RedegnetMeasures, RedegnetReason

Array = NDArray[np.float64]
OTHERS = 4
"""Other pairs whose representations an image is tried with."""
FACTORS = (2, 4, 8)
SHOWN = 8


@dataclass(frozen=True)
class Sight:
    """The first crop of every pair and what SynNet makes of it; images are (P, side, side, 3), in
    intensity levels.
    """

    hq: Array
    lq: Array
    own: Array
    """With the pair's own representation."""
    others: tuple[Array, ...]
    """With those of the next pairs; none if there is one pair only."""
    codes: Array
    """(P, K, code): representations of all crops."""
    real: Array
    """(P K, side, side, 3): all crops of the real LQ."""
    swapped: Array
    """(M, side, side, 3): crops of the HQ with representations of other pairs, or its own if there
    is one pair only."""
    shown: tuple[NDArray[np.int64], NDArray[np.int64]]
    """(P K,) and (M,): numbers of the pairs that these two show."""


def look(fit: Fit, hq: Batched, lq: Batched) -> Sight:
    """Read representations off crops of the real pairs, and put them on their own HQ and on
    others'.

    Args:
        fit: the fit; its networks stay in training.
        hq: (P, K, side, side, 3) uint8: K crops of every pair.
        lq: the same crops of the LQ.
    """
    pairs, crops = hq.shape[:2]
    codes = represent(
        fit.deg, hq.reshape(-1, *hq.shape[2:]), lq.reshape(-1, *lq.shape[2:]), fit.device
    ).reshape(pairs, crops, -1)
    first = codes[:, 0]
    others = tuple(
        _synthesized(fit, hq[:, 0], np.roll(first, -step, 0))
        for step in range(1, min(OTHERS, pairs - 1) + 1)
    )
    own = _synthesized(fit, hq[:, 0], first)
    rest = _synthesized(
        fit,
        hq[:, 1:].reshape(-1, *hq.shape[2:]),
        np.roll(codes[:, 1:], -1, 0).reshape(-1, codes.shape[2]),
    )
    swapped = np.concatenate([*(others or (own,)), rest])
    numbers = np.arange(pairs)
    shown = (
        np.repeat(numbers, crops),
        np.concatenate([np.tile(numbers, max(1, len(others))), np.repeat(numbers, crops - 1)]),
    )
    return Sight(
        hq[:, 0].astype(np.float64),
        lq[:, 0].astype(np.float64),
        own,
        others,
        codes.astype(np.float64),
        lq.reshape(-1, *lq.shape[2:]).astype(np.float64),
        swapped,
        shown,
    )


@torch.no_grad()
def _synthesized(fit: Fit, hq: Batched, codes: NDArray[np.float32]) -> Array:
    fit.syn.eval()
    parts = []
    for number in range(len(hq)):
        one = slice(number, number + 1)
        image = signed(hq[one]).to(fit.device)
        code = torch.from_numpy(codes[one].copy()).to(fit.device)
        parts.append(levels(fit.syn(image, code).float()))
    fit.syn.train()
    if parts:
        return np.concatenate(parts)
    return np.zeros(hq.shape)


def measure(fit: Fit, sight: Sight, realism: RealismResult) -> RedegnetMeasures | None:
    """All that the gates and the report ask for; none if the fit has left the finite numbers.

    Args:
        fit: a fit.
        sight: what it makes of the real pairs.
        realism: how well HQ with others' representations is distinguished from real LQ.
    """
    if not all(np.isfinite(values).all() for values in (sight.own, sight.codes, sight.swapped)):
        return None
    curves = np.array(fit.curves)[-max(1, len(fit.curves) // 10) :]
    means = sight.codes.mean(1)
    length = float(np.linalg.norm(means.mean(0))) + 1e-12
    error = _error(sight.own, sight.lq)
    return RedegnetMeasures(
        error=error,
        identity_error=_error(sight.hq, sight.lq),
        bicubic_error=min(_error(_bicubic(sight.hq, factor), sight.lq) for factor in FACTORS),
        other_error=float(np.mean([_error(other, sight.lq) for other in sight.others]))
        if sight.others
        else error,
        diversity=_spread(means[None]) / length,
        spread=_spread(sight.codes) / length,
        effect=float(np.mean([_error(other, sight.own) for other in sight.others]))
        if sight.others
        else 0.0,
        accuracy=float(curves[:, CURVES.index("accuracy")].mean()),
        auc=realism.auc,
        interval=realism.interval,
        aucs=finite_or_none(fit.aucs),
        samples=fit.samples,
        kept=fit.kept,
    )


def _error(found: Array, wanted: Array) -> float:
    return float(np.abs(found - wanted).mean())


def _bicubic(pictures: Array, factor: int) -> Array:
    """Images downscaled by a factor and upscaled again."""
    side = pictures.shape[1]
    return np.stack([resize(bicubic_down(picture, factor), side, side) for picture in pictures])


def _spread(codes: Array) -> float:
    """Root mean square distance of (P, K, code) from their means over K."""
    return float(np.sqrt(((codes - codes.mean(1, keepdims=True)) ** 2).sum(2).mean()))


def judge(
    measures: RedegnetMeasures | None, gates: RedegnetGateConfig, *, specific: bool
) -> tuple[RedegnetReason, ...]:
    """Which gates a fit fails; none if it may be drawn from."""
    if measures is None:
        return (RedegnetReason.NOT_FINITE,)
    best = min(measures.identity_error, measures.bicubic_error)
    failed = {
        RedegnetReason.RECONSTRUCTS_BADLY: measures.error > gates.max_error_ratio * best,
        RedegnetReason.CODES_ALIKE: not specific and measures.diversity < gates.min_diversity,
        RedegnetReason.CODES_IGNORED: not specific and measures.effect < gates.min_effect,
        RedegnetReason.CRITIC_WON: measures.accuracy > gates.max_accuracy,
        RedegnetReason.TOLD_APART: measures.auc is not None and measures.auc > gates.max_auc,
        RedegnetReason.NOT_MEASURED: measures.auc is None and gates.max_auc < 1,
    }
    return tuple(reason for reason, fails in failed.items() if fails)


def montage(sight: Sight) -> NDArray[np.uint8]:
    """An image with a column per pair: HQ, real LQ, LQ with its own representation, and with the
    next pair's.
    """
    rows = [sight.hq, sight.lq, sight.own, *sight.others[:1]]
    return np.concatenate(
        [np.concatenate([_shown(part) for part in row[:SHOWN]], 1) for row in rows]
    )


def _shown(picture: Array) -> NDArray[np.uint8]:
    return np.clip(np.floor(np.nan_to_num(picture) + 0.5), 0, 255).astype(np.uint8)
