"""Narrowing a chain by bins: which part of each setting is tried, and what is left of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.chains.settings import Setting, with_values
from pairmill.schemas.degraders.base import DegraderBase

D = TypeVar("D", bound=DegraderBase)
Real = NDArray[np.float64]
KEEP = 0.5
"""A bin at the end of a range stays if the photographs' degradation is at least so likely in it,
relative to the whole range."""
SURE = 1.0
"""Standard errors that a change must exceed."""
VAGUE = 0.3
"""Standard error of a bin's likelihood beyond which it stays."""
TRIED = 0.1
"""Least probability with which either side of a probability is tried."""
NEVER = 0.03
"""Probabilities and shares below this become 0."""
NOTHING = 1e-9
"""Weight of an entry that is not to be drawn: a recipe's entries have weights above 0."""


def options(setting: Setting, bins: int) -> list[Any]:
    """The parts of a setting that are tried one at a time: sub-ranges, or single choices."""
    value = setting.value
    if setting.kind in ("range", "log"):
        edges = _edges(value, bins, logarithmic=setting.kind == "log")
        return list(itertools.pairwise(edges))
    if setting.kind == "whole":
        return _whole(value, bins)
    if setting.kind in ("chance", "switch"):
        off, on = (0.0, 1.0) if setting.kind == "chance" else (False, True)
        return [off, on]
    names = _names(value)
    return [_only(value, name) for name in names if _at(value, name) > 0]


def shares(setting: Setting, bins: int) -> Real:
    """How often each option comes in the chain."""
    value = setting.value
    if setting.kind == "chance":
        return np.array([1 - value, value])
    if setting.kind == "whole":
        widths = np.array([1.0 + high - low for low, high in _whole(value, bins)])
        return np.asarray(widths / widths.sum())
    if setting.kind in ("weights", "entries"):
        weights = np.array([_at(value, name) for name in _names(value) if _at(value, name) > 0])
        return np.asarray(weights / weights.sum())
    count = len(options(setting, bins))
    return np.full(count, 1 / count)


def tried_shares(setting: Setting, bins: int) -> Real:
    """How often each option is tried: as in the chain, but none hardly ever."""
    found = np.maximum(shares(setting, bins), TRIED if setting.kind == "chance" else 0.05)
    return np.asarray(found / found.sum())


def _edges(value: tuple[float, float], bins: int, *, logarithmic: bool) -> list[float]:
    low, high = value
    if logarithmic:
        inner = [low * math.exp(math.log(high / low) * k / bins) for k in range(1, bins)]
    else:
        inner = [low + (high - low) * k / bins for k in range(1, bins)]
    return [low, *(float(f"{edge:.4g}") for edge in inner), high]


def _whole(value: tuple[int, int], bins: int) -> list[tuple[int, int]]:
    low, high = value
    count = min(bins, high - low + 1)
    edges = [low + (high + 1 - low) * k // count for k in range(count + 1)]
    return [(a, b - 1) for a, b in itertools.pairwise(edges)]


def _names(value: Any) -> list[Any]:
    return list(value) if isinstance(value, dict) else list(range(len(value)))


def _at(value: Any, name: Any) -> float:
    return float(value[name])


def _only(value: Any, name: Any) -> Any:
    """The weights with one choice alone; entries need a weight above 0, so others get next to
    none.
    """
    if isinstance(value, dict):
        return {key: float(key == name) for key in value}
    return tuple(1.0 if number == name else NOTHING for number in range(len(value)))


def draw_cell(
    rng: np.random.Generator, config: D, all_of: Sequence[Setting], bins: int
) -> tuple[D, list[int]]:
    """The chain with one option of every setting, and which."""
    chosen = []
    for setting in all_of:
        bounds = np.cumsum(tried_shares(setting, bins))
        number = min(int(np.searchsorted(bounds, rng.random(), "right")), len(bounds) - 1)
        chosen.append((setting, number))
    values = [(setting, options(setting, bins)[number]) for setting, number in chosen]
    return with_values(config, values), [number for _, number in chosen]


def likelier(numbers: NDArray[np.intp], weights: Real, count: int) -> tuple[Real, Real]:
    """Mean weight of the trials with each of `count` options, and its standard error; 1 and a large
    one where there are next to none.
    """
    mean, error = np.ones(count), np.full(count, np.inf)
    for number in range(count):
        mine = weights[numbers == number]
        if len(mine) > 3:
            mean[number], error[number] = mine.mean(), mine.std() / math.sqrt(len(mine))
    return mean, error


def narrowed(setting: Setting, mean: Real, error: Real, bins: int, power: float = 1.0) -> Any:
    """The value of a setting after its options were tried; the same where nothing speaks against
    it.

    Args:
        setting: As it was tried.
        mean: How much likelier than on average the photographs' degradation is with each option.
        error: Standard error of that.
        bins: As for `options`.
        power: Power that the likelihoods were raised to; see
            `pairmill.pipeline.chains.ratio.tempered`.
    """
    if setting.kind in ("range", "log", "whole"):
        kept = kept_bins(mean, error, KEEP**power)
        all_of = options(setting, bins)
        return (all_of[kept.start][0], all_of[kept.stop - 1][1])
    if not (np.abs(mean - 1) > SURE * error).any():
        return setting.value
    mean = mean ** (1 / power)
    if setting.kind == "switch":
        return bool(mean[1] > mean[0])
    found = shares(setting, bins) * mean
    found = np.where(found / found.sum() < NEVER, 0.0, found / found.sum())
    return _as_weights(setting, found / found.sum())


def kept_bins(mean: Real, error: Real, keep: float) -> range:
    """The bins that stay: both ends are dropped while they are unlikely and that is sure."""
    first, last = 0, len(mean)
    unlikely = (mean < keep) & (error < VAGUE)
    while first < last - 1 and unlikely[first]:
        first += 1
    while last > first + 1 and unlikely[last - 1]:
        last -= 1
    return range(first, last)


def _as_weights(setting: Setting, found: Real) -> Any:
    if setting.kind == "chance":
        return round(float(found[1]), 3)
    left = iter(found.tolist())
    whole = sum(_at(setting.value, name) for name in _names(setting.value))
    values = {
        name: round(whole * next(left), 3) if _at(setting.value, name) > 0 else 0.0
        for name in _names(setting.value)
    }
    if isinstance(setting.value, dict):
        return values
    return tuple(max(value, NOTHING) for value in values.values())


def only_what_comes(config: D) -> D:
    """The chain without the entries of lists that are never drawn."""
    return type(config).model_validate(_without_nothing(config.model_dump()))


def _without_nothing(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_nothing(one) for key, one in node.items()}
    if isinstance(node, tuple | list):
        return [_without_nothing(one) for one in node if not _never_comes(one)]
    return node


def _never_comes(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.get("weight") == NOTHING


def kept_share(before: Setting, after: Any) -> float:
    """Share of a range that is left; of weights, 1 minus the total variation."""
    if before.kind in ("range", "log", "whole"):
        (low, high), (new_low, new_high) = before.value, after
        if before.kind == "log":
            return float(math.log(new_high / new_low) / math.log(high / low))
        step = float(before.kind == "whole")
        return float((new_high - new_low + step) / (high - low + step))
    if before.kind == "switch":
        return float(before.value == after)
    if before.kind == "chance":
        return float(1 - abs(before.value - after))
    old, new = (
        np.array([_at(value, name) for name in _names(before.value)])
        for value in (before.value, after)
    )
    return float(1 - np.abs(old / old.sum() - new / new.sum()).sum() / 2)
