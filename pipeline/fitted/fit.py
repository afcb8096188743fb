"""Fitting a chain: try it, see which sub-ranges the camera's degradation comes from, narrow, and
try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.chains.narrow import likelier, narrowed, options
from pairmill.pipeline.chains.ratio import density_ratio, frechet, tempered
from pairmill.pipeline.chains.settings import opened, settings, with_values
from pairmill.pipeline.chains.transfer import UNITS
from pairmill.pipeline.fitted.camera import Camera
from pairmill.pipeline.runner.stage import Run
from pairmill.pipeline.stages import try_chains
from pairmill.pipeline.stages.try_chains import read_tried
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import ChainFitConfig, TriedChain, TryConfig
from pairmill.schemas.degraders.base import DegraderBase

Real = NDArray[np.float64]
GOOD_ENOUGH = 1.25
"""Distance, relative to that of the camera to itself, at which nothing is left to narrow."""
PATIENCE = 2
"""Rounds without a nearer chain after which the fit ends."""


@dataclass(frozen=True)
class Tries:
    """Tries chains on the tiles of one camera."""

    camera: Camera
    scale: int
    config: ChainFitConfig
    run: Run
    storage: Storage

    def whole(self, chain: TriedChain, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Draws of all of a chain."""
        return self._tried(chain, self.config.judged, 0, seed)

    def cells(self, chain: TriedChain) -> dict[str, NDArray[Any]]:
        """Draws of one option of every setting at a time."""
        return self._tried(chain, self.config.trials, self.config.bins, 0)

    def _tried(
        self, chain: TriedChain, trials: int, bins: int, seed: int
    ) -> dict[str, NDArray[Any]]:
        pools = self.camera.pools if chain.kind == "twin" else ()
        config = TryConfig(
            scale=self.scale,
            side=self.camera.side,
            tiles=self.config.tiles,
            seed=self.config.seed + seed,
            bins=bins,
            chain=chain,
            pools=tuple(ref for ref, _ in pools),
        )
        places = tuple(group for _, group in pools)
        inputs = try_chains.Inputs(self.camera.hr, places, trials)
        return read_tried(self.storage, self.run(try_chains.STAGE, inputs, config).manifest)


@dataclass(frozen=True)
class Round:
    """A chain, and how far it is from the camera."""

    chain: DegraderBase
    distance: float


@dataclass(frozen=True)
class Narrowed:
    """How a chain was narrowed."""

    rounds: tuple[Round, ...]
    """The opened chain, then each narrower one."""
    likelier: dict[str, tuple[float, ...]]
    """By setting, how much likelier the camera's degradation was with each option in the first
    round."""

    @property
    def best(self) -> Round:
        """The nearest; of equally near ones the widest."""
        return min(self.rounds, key=lambda one: one.distance)


def narrow(chain: DegraderBase, target: Real, floor: float, tries: Tries) -> Narrowed:
    """Narrow a chain round by round until it comes no nearer.

    Args:
        chain: What to start from.
        target: (n, F) descriptions of the camera's degradations.
        floor: Distance of the camera to itself.
        tries: Tries chains.
    """
    chain = opened(chain, tries.scale)
    first: dict[str, tuple[float, ...]] = {}
    rounds = [_judged(chain, target, tries)]
    while len(rounds) <= tries.config.rounds and not _ended(rounds, floor):
        narrower, found = _narrower(chain, target, tries)
        first = first or found
        if narrower == chain:
            break
        chain = narrower
        rounds.append(_judged(chain, target, tries))
    return Narrowed(tuple(rounds), first)


def _judged(chain: DegraderBase, target: Real, tries: Tries) -> Round:
    values = tries.whole(chain)["values"]
    return Round(chain, round(frechet(values, target, UNITS), 4))


def _ended(rounds: list[Round], floor: float) -> bool:
    distances = [one.distance for one in rounds]
    best = int(np.argmin(distances))
    return distances[best] <= GOOD_ENOUGH * floor or len(rounds) - 1 - best >= PATIENCE


def _narrower(
    chain: DegraderBase, target: Real, tries: Tries
) -> tuple[DegraderBase, dict[str, tuple[float, ...]]]:
    tried, bins = tries.cells(chain), tries.config.bins
    weights, power = tempered(density_ratio(tried["values"], target))
    values, found = [], {}
    for number, setting in enumerate(settings(chain, tries.scale)):
        count = len(options(setting, bins))
        mean, error = likelier(tried["options"][:, number], weights, count)
        values.append((setting, narrowed(setting, mean, error, bins, power)))
        found[setting.name] = tuple(np.round(mean, 2).tolist())
    return with_values(chain, values), found
