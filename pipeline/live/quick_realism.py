"""A quick look at how distinguishable LR is from the user's photos: few images, few patches, no
network; the interval says how much that is worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders import Degrader
from pairmill.pipeline.images.decode import ImageRejected
from pairmill.pipeline.live.parts import PARTS, part
from pairmill.pipeline.live.render import StaleError, draw
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.preview.sample_images import Scene, scene_of
from pairmill.pipeline.realism.compare import FEWEST_IMAGES, compare, pool, real_against_real
from pairmill.pipeline.realism.patches import PHASE, Image, Patches
from pairmill.pipeline.report.realism_rows import window
from pairmill.pipeline.rng import stream
from pairmill.pipeline.stages.ingest import FilePayload
from pairmill.pipeline.subset import evenly
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import Role
from pairmill.schemas.live import LiveRealism
from pairmill.schemas.realism import RealismConfig, RealismResult
from pairmill.schemas.recipe import Recipe

IMAGES = 16
"""Most images of each role that take part."""
PATIENCE = 8.0
"""Seconds after which no further image is decoded, if there are enough."""
TILES = 32
"""HR tiles that LR is made of."""
TILE = 256
"""Largest side of a tile, in HR pixels."""
PATCHES = 200
"""Most patches of either side."""


@dataclass
class QuickRealism:
    """Compares LR with the user's photos; everything that does not depend on settings is made
    once, when it is first asked for.
    """

    recipe: Recipe
    files: Sequence[FilePayload]
    scenes: Sequence[Scene]
    """Images that are decoded already."""

    def of(
        self,
        name: str,
        degrader: Degrader,
        assets: Assets,
        stale: Callable[[], bool] = lambda: False,
    ) -> LiveRealism:
        """How distinguishable LR of a degrader is from the photos.

        Args:
            name: Name of what is compared; random draws depend on it alone.
            degrader: What draws.
            assets: Pools that its programs name.
            stale: Asked now and then, also while classifiers are trained.

        Raises:
            StaleError: if it was.
            UserError: if a draw cannot be applied.
        """
        start = time.perf_counter()
        if self.problem:
            return LiveRealism(name=name, problem=self.problem)
        images, sources = list[Image](), list[str]()
        for number, (source, hr) in enumerate(self.tiles):
            _check(stale)
            rng = stream(self.recipe.seed, "live", name, number)
            program = draw(degrader, rng, (hr.shape[0], hr.shape[1]))
            images.append(apply(program, hr, assets))
            sources.append(source)
        _check(stale)
        synthetic = pool(images, sources, self.config)
        found = compare(self.photos, synthetic, self.config, lambda: _check(stale))
        return _said(name, found.result, start)

    def control(self, stale: Callable[[], bool] = lambda: False) -> LiveRealism:
        """Photos against photos: what cannot be distinguished scores about this.

        Raises:
            StaleError: as `of`.
        """
        start = time.perf_counter()
        if self.problem:
            return LiveRealism(name="photos", problem=self.problem)
        found = real_against_real(self.photos, self.config, lambda: _check(stale))
        return _said("photos", found, start)

    @cached_property
    def config(self) -> RealismConfig:
        """How it is measured."""
        side = self.recipe.realism.patch
        sides = [min(hr.shape[:2]) // self.recipe.scale for _, hr in self.tiles]
        usual = sorted(sides)[len(sides) // 2] if sides else side
        most = min(side, usual) // PHASE * PHASE
        changes = {"patch": max(2 * PHASE, most), "patches": PATCHES, "network": False}
        return self.recipe.realism.with_(**changes, card=False)

    @property
    def problem(self) -> str:
        """Why nothing can be compared; empty if it can."""
        count = len(self.images[Role.REAL])
        if count < FEWEST_IMAGES:
            return (
                f"it needs {FEWEST_IMAGES} real photos or more that can be read; there are {count}"
            )
        return ""

    @cached_property
    def images(self) -> dict[Role, list[Scene]]:
        """Decoded images by role."""
        start, found = time.perf_counter(), {role: list[Scene]() for role in Role}
        known = {scene.url: scene for scene in self.scenes}
        for role in Role:
            mine = [file.url for file in self.files if file.role == role]
            # Those that are there already first.
            chosen = [mine[place] for place in evenly(len(mine), IMAGES)]
            for url in sorted(chosen, key=lambda url: url not in known):
                late = time.perf_counter() - start > PATIENCE
                if late and len(found[role]) >= FEWEST_IMAGES:
                    break
                try:
                    found[role].append(known.get(url) or scene_of(url, role, self.recipe))
                except (ImageRejected, PairmillError, ValueError):
                    continue
        return found

    @cached_property
    def photos(self) -> Patches:
        """Patches of the user's photos."""
        mine = self.images[Role.REAL]
        seed = self.recipe.realism.seed
        windows = [window(scene.source, scene.url, seed) for scene in mine]
        return pool(windows, [scene.url for scene in mine], self.config)

    @cached_property
    def tiles(self) -> list[tuple[str, np.ndarray]]:
        """Names of images, and tiles of their HR, as many of each."""
        scenes = [scene for role in Role for scene in self.images[role]]
        each = max(1, min(PARTS, -(-TILES // max(1, len(scenes)))))
        scale = self.recipe.scale
        side = TILE // scale * scale
        return [
            (scene.url, part(scene.hr, side, side, number, scale))
            for number in range(each)
            for scene in scenes
        ][:TILES]


def _check(stale: Callable[[], bool]) -> None:
    if stale():
        raise StaleError


def _said(name: str, result: RealismResult, start: float) -> LiveRealism:
    return LiveRealism(
        name=name,
        problem=result.problem,
        verdict=result.words(),
        auc=result.auc,
        interval=result.interval,
        images=result.images,
        patches=result.patches,
        telling=result.telling,
        seconds=time.perf_counter() - start,
    )
