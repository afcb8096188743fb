"""Programs drawn from every degrader of a recipe, applied to tiles, timed, and weighed as they
would be stored.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import encode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.ops.crop import whole_ops
from pairmill.pipeline.pools.items import PoolItems
from pairmill.pipeline.preview.pool_items import assets_of, pools_of
from pairmill.pipeline.preview.sample_images import Scene
from pairmill.pipeline.preview.strips import Tile, draw_strip
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.errors import UserError
from pairmill.schemas.preview import DegraderView, StripView
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import Recipe

PATIENCE = 6.0
"""Seconds after which every degrader is content with the programs that it has, at least one."""
QUICK = 0.2
"""Seconds below which a program is timed twice."""
RECORD = 700
"""Bytes of a sample's JSON beside its program."""
ROW = 300
"""Bytes of a sample in the table, compressed."""
BLOCK = 512
"""Bytes that members of a tar are padded to, and bytes of their headers."""


OWN_HR = (
    "Its LR are photographs, and its HR those of images.aligned: there is nothing to draw on other "
    "images. `pairmill pool aligned RECIPE` registers the pairs and says which are good enough."
)


@dataclass
class Drawn:
    """What one degrader drew."""

    config: DegraderBase
    strips: list[StripView] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Per HR pixel and pair: draw, apply, digest, encode."""
    bytes: list[float] = field(default_factory=list)
    """Per HR pixel and pair, in the tar."""
    whole: dict[str, None] = field(default_factory=dict)
    """Ops that need a whole tile, however small the crop; in order."""
    problem: str = ""

    @property
    def label(self) -> str:
        """What it is called."""
        return self.config.label


def draw_all(
    recipe: Recipe,
    scenes: Sequence[Scene],
    pools: Sequence[PoolItems],
    draws: int,
    picture_files: PictureFiles,
    patience: float = PATIENCE,
) -> list[Drawn]:
    """Draw `draws` programs of each degrader in turn; number n goes to image n, over and over.

    A degrader that cannot draw says why in `problem`. A draw depends on the recipe's seed, the
    degrader and its number alone.
    """
    started = time.perf_counter()
    drawn = [Drawn(config) for config in recipe.degraders]
    bench = _Bench(recipe, pools, assets_of(pools), picture_files)
    for number in range(draws):
        for one in drawn:
            late = time.perf_counter() - started > patience
            if not one.problem and not (late and one.strips):
                _draw(one, number, scenes[number % len(scenes)], bench)
    return drawn


@dataclass(frozen=True)
class _Bench:
    """What all draws share."""

    recipe: Recipe
    pools: Sequence[PoolItems]
    assets: Assets
    picture_files: PictureFiles


def _draw(one: Drawn, number: int, scene: Scene, bench: _Bench) -> None:
    tile, pools = scene.tile, bench.pools
    if one.config.own_hr:
        one.problem = OWN_HR
        return
    try:
        degrader = degraders.build(one.config, bench.recipe.scale, pools_of(pools))
    except UserError as error:
        one.problem = f"{error.what}. {error.todo}".strip()
        return
    start = time.process_time()
    program = degrader.draw(
        stream(bench.recipe.seed, "preview", one.label, number), tile.hr.shape[:2]
    )
    drawing = time.process_time() - start
    counts = {pool.digest: len(pool.items) for pool in pools}
    stand_ins = frozenset(pool.digest for pool in pools if not pool.sealed)
    strip, lr = draw_strip(
        program, tile, bench.assets, counts, bench.picture_files, f"{one.label}-{number}", stand_ins
    )
    applying = _timed(program, tile, bench.assets)
    start = time.process_time()
    for image in (tile.hr, lr):
        pixel_digest(image)
    one.whole |= dict.fromkeys(whole_ops(program, bench.assets))
    stored = _stored(bench.recipe, tile, lr, len(strip.program))
    storing = time.process_time() - start
    pixels = tile.hr.shape[0] * tile.hr.shape[1]
    one.seconds.append((drawing + applying + storing) / pixels)
    one.bytes.append(stored / pixels)
    one.strips.append(strip.with_(milliseconds=1000 * (drawing + applying)))


def _stored(recipe: Recipe, tile: Tile, lr: NDArray[np.uint8], program: int) -> float:
    """Bytes that a version gets of one sample."""
    encoding = recipe.shards.encoding
    if recipe.shards.lr == "replayed":  # HR once for all draws of its tile
        return _padded(len(encode(tile.hr, encoding))) / recipe.samples_per_tile + ROW
    sizes = len(encode(tile.hr, encoding)), len(encode(lr, encoding)), RECORD + program
    return sum(map(_padded, sizes))


def _padded(size: int) -> int:
    return BLOCK + -(-size // BLOCK) * BLOCK


def _timed(program: Program, tile: Tile, assets: Assets) -> float:
    """Seconds to apply a program: once more where it is quick, since a build keeps what the first
    time prepares.
    """
    seconds = float("inf")
    for _ in range(2):
        start = time.process_time()
        apply(program, tile.hr, assets)
        seconds = min(seconds, time.process_time() - start)
        if seconds > QUICK:
            break
    return seconds


def fewer(drawn: Sequence[Drawn], wanted: int) -> list[str]:
    """Why degraders drew fewer programs than were asked for."""
    return [
        f"{one.label} drew {len(one.strips)} of {wanted} programs: a preview stops drawing after "
        f"{PATIENCE:g} s. A smaller tiles.size, or --draws {len(one.strips)}, is quicker."
        for one in drawn
        if len(one.strips) < wanted and not one.problem
    ]


def shares(recipe: Recipe) -> dict[str, dict[str, float]]:
    """Which share of the pairs of each split each degrader draws, by split, then label."""
    found = {}
    for split in recipe.splits.shares():
        total = sum(config.weight_in(split) for config in recipe.degraders)
        found[split] = {
            config.label: config.weight_in(split) / total for config in recipe.degraders
        }
    return found


def share(recipe: Recipe, label: str) -> float:
    """Which share of all pairs a degrader is expected to draw."""
    by_split = shares(recipe)
    return sum(part * by_split[split][label] for split, part in recipe.splits.shares().items())


def _share_text(recipe: Recipe, label: str) -> str:
    texts = {split: f"{100 * labels[label]:.3g} %" for split, labels in shares(recipe).items()}
    if len(set(texts.values())) == 1:
        return f"{next(iter(texts.values()))} of the pairs"
    return ", ".join(f"{text} of {split}" for split, text in texts.items())


def view(one: Drawn, recipe: Recipe) -> DegraderView:
    """What the page says of it."""
    about = (type(one.config).__doc__ or "").strip()
    return DegraderView(
        kind=one.config.kind,
        label=one.label,
        share=_share_text(recipe, one.label),
        about=" ".join(about.split("\n\n")[0].split()),
        settings=_changed(one.config),
        strips=tuple(one.strips),
        problem=one.problem,
    )


def _changed(config: DegraderBase) -> dict[str, str]:
    """Settings that differ from their defaults, but for the weight."""
    said = config.model_dump(mode="json", exclude_defaults=True)
    return {
        name: _text(value) for name, value in said.items() if name not in ("kind", "weight", "name")
    }


def _text(value: object) -> str:
    text = str(value)
    if len(text) <= 160:
        return text
    return text[:157] + "..."
