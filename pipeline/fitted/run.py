"""From a recipe and the name of a chain to the fitted chain and its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.chains.narrow import NOTHING, kept_share, only_what_comes
from pairmill.pipeline.chains.ratio import frechet
from pairmill.pipeline.chains.settings import Setting, opened, settings, value_at, with_values
from pairmill.pipeline.chains.transfer import UNITS
from pairmill.pipeline.fitted import likeness
from pairmill.pipeline.fitted.camera import Camera, find_camera
from pairmill.pipeline.fitted.choose import chosen
from pairmill.pipeline.fitted.fit import GOOD_ENOUGH, Narrowed, Tries, narrow
from pairmill.pipeline.runner.stage import Run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import ChainFitConfig, ChainFitReport, DistanceRow, SettingRow
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.bicubic import BicubicConfig
from pairmill.schemas.recipe import Recipe

FEW = 12
"""Photographs below which the report says that they are few."""
LEFT_OUT = "entries that came down to 0 are left out of the recipe; numbers in [] still count them"
"""What the report and the recipe say of lists that became shorter."""
FAR = 3.0
"""Distance beyond which the report says that the chain cannot imitate the camera."""


@dataclass(frozen=True)
class FittedChain:
    """A fitted chain."""

    chain: DegraderBase
    """Its settings."""
    recipe: Recipe
    """The recipe with this chain in place of the one that was fitted, or beside the others."""
    report: ChainFitReport
    """What changed, and how far it is from the photographs."""


def fit_chain(
    recipe: Recipe, base: str, name: str, run: Run, storage: Storage, config: ChainFitConfig
) -> FittedChain:
    """Narrow a chain to what makes its LR like the photographs.

    Args:
        recipe: Whose images, clean-up and tiles are used.
        base: Folder that relative patterns start at.
        name: Label of one of its degraders, or a kind.
        run: Carries a stage.
        storage: The workspace.
        config: How to fit.

    Raises:
        UserError: as `chosen` and `find_camera`, and what the stages raise.
    """
    before = chosen(recipe, name)
    camera = find_camera(recipe, base, run, storage, config)
    tries = Tries(camera, recipe.scale, config, run, storage)
    target = tries.whole(camera.twin)
    floor = frechet(tries.whole(camera.twin, 1)["values"], target["values"], UNITS)
    published = tries.whole(before)
    apart = frechet(published["values"], target["values"], UNITS)
    found = Narrowed((), {})
    if apart > GOOD_ENOUGH * floor:
        found = narrow(before, target["values"], floor, tries)
    after = before
    if found.rounds and found.best.distance < apart:
        after = only_changes(before, found.best.chain, recipe.scale)
    sides = {
        f"{name} as it was": published,
        f"{name} fitted": tries.whole(after),
        "bicubic": tries.whole(BicubicConfig()),
        "the estimated camera": tries.whole(camera.twin, 1),
    }
    distances = _distances(sides, target["values"], camera, config)
    chain = only_what_comes(after)
    report = ChainFitReport(
        degrader=name,
        photographs=len(camera.photographs),
        settings=_rows(before, after, recipe.scale, found),
        distances=distances,
        rounds=tuple(one.distance for one in found.rounds),
        notes=notes(
            len(camera.photographs),
            distances,
            changed=after != before,
            cut_short=len(found.rounds) > config.rounds,
        )
        + (LEFT_OUT,) * (chain != after),
    )
    return FittedChain(chain, _with(recipe, name, chain), report)


def only_changes(before: DegraderBase, after: DegraderBase, scale: int) -> DegraderBase:
    """The chain as the recipe has it, with those settings written out that are other than they
    were.
    """
    start = {one.path: one for one in settings(opened(before, scale), scale)}
    values = [
        (one, value_at(after, one))
        for one in start.values()
        if value_at(after, one) != value_at(before, one) and value_at(after, one) != _filled(one)
    ]
    return with_values(before, values)


def _filled(setting: Setting) -> Any:
    """The published value, except of what is off as published."""
    return None if setting.path == ("in_order",) else setting.value


def _with(recipe: Recipe, name: str, chain: DegraderBase) -> Recipe:
    labels = [degrader.label for degrader in recipe.degraders]
    entries = [degrader.model_dump() for degrader in recipe.degraders]
    if name in labels:
        entries[labels.index(name)] = chain.model_dump()
    else:
        entries.append(chain.model_dump())
    return recipe.with_(degraders=entries)


def _rows(
    before: DegraderBase, after: DegraderBase, scale: int, found: Narrowed
) -> tuple[SettingRow, ...]:
    rows = []
    for setting in settings(opened(before, scale), scale):
        old = value_at(before, setting)
        was = setting.value if old is None else old
        now = value_at(after, setting)
        now = was if now is None else now
        rows.append(
            SettingRow(
                path=setting.name,
                before=shown(was),
                after=shown(now),
                kept=round(kept_share(Setting(setting.path, setting.kind, was), now), 4),
                bins=found.likelier.get(setting.name, ()),
            )
        )
    return tuple(rows)


def shown(value: Any) -> str:
    """A value for people."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:.3g}" for key, number in value.items())
    if isinstance(value, tuple | list):
        return (
            "[" + ", ".join(f"{0 if number == NOTHING else number:.4g}" for number in value) + "]"
        )
    return str(value) if isinstance(value, bool) else f"{value:.3g}"


def _distances(
    sides: dict[str, dict[str, NDArray[Any]]],
    target: NDArray[np.float64],
    camera: Camera,
    config: ChainFitConfig,
) -> tuple[DistanceRow, ...]:
    photographs = camera.looked_at()
    names = [str(number) for number in range(len(photographs))]
    side = next(iter(sides.values()))["lr"].shape[1]
    real = likeness.patches(photographs, names, side, config.seed)
    rows = [
        DistanceRow(
            label=label,
            camera=round(frechet(tried["values"], target, UNITS), 3),
            photographs=_rounded(likeness.distance(real, tried["lr"])),
        )
        for label, tried in sides.items()
    ]
    halves = _rounded(likeness.control(real, config.seed))
    return (*rows, DistanceRow(label="half of the photographs", camera=0.0, photographs=halves))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def notes(
    photographs: int, distances: tuple[DistanceRow, ...], *, changed: bool, cut_short: bool
) -> tuple[str, ...]:
    """What a reader of the table should know.

    Args:
        photographs: How many there are.
        distances: Of the chain as it was, fitted, and of bicubic, and others.
        changed: Whether anything was narrowed.
        cut_short: Whether all rounds were used up.
    """
    found, distance, bicubic = list[str](), distances[1].camera, distances[2].camera
    if photographs < FEW:
        found.append(
            f"{photographs} photographs are few: the camera is only roughly known, "
            f"{FEW} tell much more"
        )
    if not changed:
        found.append("no narrower chain is nearer to the photographs: the chain stays as it was")
    if distance > FAR:
        advice = "try more rounds; if that does not help, " if cut_short else ""
        found.append(
            f"the chain stays {distance:.1f} away from the camera: {advice}its ranges do not reach "
            "the camera or its ops cannot make such LR; write ranges wider, or take degrader realsr"
        )
    if distance > bicubic:
        found.append(
            f"bicubic downscaling is nearer to the camera ({bicubic:.1f}) than the chain is: take "
            "that, or degrader realsr"
        )
    return tuple(found)
