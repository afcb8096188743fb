"""What a build of a recipe is expected to take: time and space per stage, from what the preview
measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.images import pixel_cache
from pairmill.pipeline.pools.items import PoolItems
from pairmill.pipeline.pools.learned import LearnedKind
from pairmill.pipeline.pools.make_pools import needed
from pairmill.pipeline.preview.draws import Drawn, share
from pairmill.pipeline.preview.kernel_cost import KernelCost
from pairmill.pipeline.preview.sample_images import Found, Scene
from pairmill.pipeline.preview.survey import Survey
from pairmill.schemas.image import Role
from pairmill.schemas.preview import CostRow, CostView
from pairmill.schemas.recipe import Recipe

EFFICIENCY = 0.86
"""What a worker does beside others, as a share of what it does alone;
benchmarks/results/speed_cpu.json, two workers."""
ITERATION = 0.022
"""Seconds of one iteration of the generator of kernels, on one worker whatever their number."""
LOADING = 1e-9
"""Seconds per pixel to take an image from where decoded ones are kept, or its HR from a file."""
START = 12.0
"""Seconds to start the engine and Prefect."""
SEAL = 4.0
"""Seconds to seal a version and draw its report, beside reading the shards once."""
READING = 0.8e9
"""Bytes per second at which shards are digested."""
LEAST_SPREAD = 0.1
MOST_SPREAD = 2.0
TIME_SPREAD = 0.35
"""How far a figure may be off for reasons that were not measured: a fraction of it."""


@dataclass(frozen=True)
class Measured:
    """Everything that the estimate rests on."""

    recipe: Recipe
    files: dict[Role, Survey]
    found: Found
    drawn: Sequence[Drawn]
    pools: Sequence[PoolItems]
    kernels: KernelCost | None
    sealed: frozenset[str]
    """Names of the stages that are sealed already."""
    workers: int


def estimate(measured: Measured) -> CostView:
    """The estimate, stage by stage; a stage that is sealed already costs nothing."""
    tiles, tile_spread = expected_tiles(measured)
    # Real pairs come on top of what the tiles give, until they are their share of all.
    pairs = tiles * measured.recipe.samples_per_tile / (1 - real_pairs(measured.recipe))
    rows = [
        _row(measured, name, seconds, size, basis)
        for name, seconds, size, basis in _stages(measured, tiles, pairs)
    ]
    rows = [CostRow(stage="start", seconds=START, basis="usual"), *rows]
    shards = next(row.bytes for row in rows if row.stage == "synthesize")
    rows.append(CostRow(stage="seal and report", seconds=SEAL + shards / READING, basis="usual"))
    seconds, size = sum(row.seconds for row in rows), sum(row.bytes for row in rows)
    spread = math.hypot(
        tile_spread, _spread([value for one in measured.drawn for value in one.bytes])
    )
    slow = math.hypot(spread, TIME_SPREAD)
    return CostView(
        images=sum(survey.files for survey in measured.files.values()),
        tiles=round(tiles),
        pairs=round(pairs),
        workers=measured.workers,
        rows=tuple(rows),
        seconds=(seconds / (1 + slow), seconds, seconds * (1 + slow)),
        bytes=(size / (1 + spread), size, size * (1 + spread)),
        notes=tuple(_notes(measured)),
    )


def expected_tiles(measured: Measured) -> tuple[float, float]:
    """Tiles that are used, and by which fraction that may be off: grid tiles by headers, used ones
    by a few images.
    """
    total, variance = 0.0, 0.0
    for role, survey in measured.files.items():
        scenes, grid = measured.found.with_role(role), survey.tiles(measured.recipe, role)
        if not grid:
            continue
        known = scenes or measured.found.scenes
        seen = sum(scene.used + sum(scene.skipped.values()) for scene in known)
        share = 1.0
        if seen:
            share = sum(scene.used for scene in known) / seen
        mine = survey.images * fmean(grid) * share
        shares = [scene.used / max(1, scene.used + sum(scene.skipped.values())) for scene in known]
        # What was seen whole is known; what was sampled is off by its spread.
        off_share = 0.0 if len(known) == survey.files else _spread(shares)
        off_grid = 0.0 if survey.read == survey.files else _spread([float(n) for n in grid])
        off = math.hypot(off_share, off_grid)
        mine *= measured.recipe.tiles.keep
        total, variance = total + mine, variance + (mine * off) ** 2
    return total, math.sqrt(variance) / total if total else 0.0


def _spread(values: Sequence[float]) -> float:
    """Twice the standard error of a mean as a fraction of it, within reason."""
    if len(values) < 2 or fmean(values) <= 0:
        return 0.5
    return min(
        MOST_SPREAD, max(LEAST_SPREAD, 2 * stdev(values) / math.sqrt(len(values)) / fmean(values))
    )


def _row(measured: Measured, stage: str, seconds: float, size: float, basis: str) -> CostRow:
    """A row for all workers; KernelGAN's lanes and all other units are shared out evenly."""
    found = stage in measured.sealed
    return CostRow(
        stage=stage.replace("_", " "),
        seconds=0.0 if found else seconds / _together(measured),
        bytes=0.0 if found else size,
        basis="sealed already" if found else basis,
        found=found,
    )


def _together(measured: Measured) -> float:
    """How many times faster all workers are than one."""
    if measured.workers == 1:
        return 1.0
    return measured.workers * EFFICIENCY


Line = tuple[str, float, float, str]


def _stages(m: Measured, tiles: float, pairs: float) -> list[Line]:
    """Name, seconds on one core, bytes, basis."""
    scenes = m.found.scenes
    pixels = {role: survey.pixels for role, survey in m.files.items()}
    decoding = _per_pixel(scenes, [scene.decoding for scene in scenes])
    real = m.found.with_role(Role.REAL) or scenes
    cleaning = _per_pixel(real, [scene.cleaning for scene in real])
    stored = _per_pixel(real, [float(scene.hr_bytes) for scene in real])
    everything, some = sum(pixels.values()), counted(len(scenes), "image")
    # Of more images than are kept, some are decoded by every stage.
    loading = LOADING if 3 * everything <= pixel_cache.MOST else decoding
    lines: list[Line] = [
        ("ingest", decoding * everything, 0.0, f"decoding of {some}"),
        (
            "clean_up",
            loading * everything + cleaning * pixels[Role.REAL],
            stored * pixels[Role.REAL],
            f"clean-up of {some}",
        ),
    ]
    mined = m.recipe.draws_from("kernels") or m.recipe.draws_from("noise")
    if mined and not m.recipe.pools_from:
        lines += _pool_stages(m, loading * pixels[Role.REAL], pixels[Role.REAL])
    return [*lines, _synthesis(m, tiles, pairs)]


def _pool_stages(m: Measured, loading: float, pixels: float) -> list[Line]:
    images = m.files[Role.REAL].images
    lines: list[Line] = []
    if m.kernels is not None:
        # Cameras are estimated from spectra, everything else from decoded images.
        lines = [
            (
                one.stage,
                images * one.seconds + (loading if one.stage != "estimate_cameras" else 0.0),
                images * one.bytes,
                one.basis,
            )
            for one in m.kernels.stages
        ]
    if m.recipe.draws_from("generated_kernels"):
        fitting = 1.0
        if m.recipe.kmsr.method == "wgan":
            fitting = m.recipe.kmsr.fit.iterations * ITERATION
        lines.append(
            ("generate_kernels", fitting * _together(m), m.recipe.kmsr.count * 2e3, "usual time")
        )
    by_kind = {pool.kind: pool for pool in m.pools}
    if mined := by_kind.get("compression"):
        lines.append(
            (
                "mine_compression",
                loading + mined.per_pixel * pixels,
                images * 2e3,
                "mining of the placeholder",
            )
        )
    noise = by_kind.get("noise")
    if noise is not None:
        patch = m.recipe.noise.patch**2 * 3
        if noise.sealed:
            each = 0.0
        else:
            each = min(len(noise.items), m.recipe.noise.for_images(round(images)).quota)
        kept = min(images * each, m.recipe.noise.max_patches)
        size = images * each * patch + kept * patch * 4
        lines.append(
            ("mine_noise", loading + noise.per_pixel * pixels, size, "mining of the placeholder")
        )
    return lines


def real_pairs(recipe: Recipe) -> float:
    """Share of the pairs whose LR are photographs; at most 0.99, so that others are left."""
    own = [config.label for config in recipe.degraders if config.own_hr]
    return min(0.99, sum(share(recipe, label) for label in own))


def _synthesis(m: Measured, tiles: float, pairs: float) -> Line:
    area = m.recipe.tiles.size**2
    shares = [(one, share(m.recipe, one.label)) for one in m.drawn if one.seconds]
    seconds = sum(part * fmean(one.seconds) for one, part in shares) * area * pairs
    size = sum(part * fmean(one.bytes) for one, part in shares) * area * pairs
    others = 1 - real_pairs(m.recipe)  # real pairs are taken for as large as the average of these
    seconds, size = seconds / others, size / others
    reading = LOADING * tiles * area
    draws = sum(len(one.seconds) for one in m.drawn)
    return ("synthesize", seconds + reading, size, f"{draws} draws, timed and weighed")


def _per_pixel(scenes: Sequence[Scene], values: Sequence[float]) -> float:
    return float(np.sum(values)) / max(1, sum(scene.pixels for scene in scenes))


def _notes(m: Measured) -> list[str]:
    files, read = sum(s.files for s in m.files.values()), sum(s.read for s in m.files.values())
    some = "all" if read == files else f"{read:,} of"
    headers = f"The sizes of {some} {files:,} files were read"
    broken = read - sum(len(s.sizes) for s in m.files.values())
    if broken:
        headers += f"; {broken:,} of them cannot be used"
    notes = [
        f"{headers}; the share of tiles that are neither flat nor blurred is that of "
        f"{counted(len(m.found.scenes), 'image')}.",
        "Times were measured on this machine now, on one core, and shared out to "
        f"{counted(m.workers, 'worker')}; the range "
        "allows for a third more or less beside the spread of what was measured.",
    ]
    if m.kernels is not None and not m.kernels.measured:
        notes.append(
            "Kernel estimation was not timed here; the figure is that of another machine, for a "
            "processor, not a GPU."
        )
    fits = [] if m.recipe.pools_from else needed(m.recipe)
    notes += [
        f"Fitting {kind.title} is not part of the estimate."
        for kind in fits
        if isinstance(kind, LearnedKind) and kind.stage.name not in m.sealed
    ]
    if m.recipe.takes_pairs and "align_pairs" not in m.sealed:
        notes.append(
            "Registering real pairs is not part of the estimate: it takes about two seconds for a "
            "pair whose LR is 320 × 240."
        )
    failing = [one.label for one in m.drawn if not one.seconds and not one.config.own_hr]
    if failing:
        notes.append(
            f"Nothing could be drawn from {', '.join(failing)}: the estimate leaves it out."
        )
    return notes
