"""Tables of pools and corpora."""

from __future__ import annotations

from collections import Counter

from flows.cli import render
from pipeline import layout
from pipeline.build import NotFinishedError, finder, make_kernels, make_noise
from pipeline.recipes import load_recipe
from pipeline.stages import ingest, pool_kernels, pool_noise
from pipeline.storage import Storage
from schemas.errors import UserError
from schemas.noise import NoisePoolManifest
from schemas.pool import KernelPoolManifest


def show_pools(recipe_path: str, workspace: str) -> None:
    """Tables of both pools of a recipe.

    Raises:
        UserError: if neither is sealed.
    """
    recipe, base = load_recipe(recipe_path)
    run, shown = finder(Storage(workspace)), 0
    try:
        images = run(ingest.STAGE, ingest.find(recipe.images, base), recipe.ingest).manifest
        for maker, show in ((make_kernels, show_kernels), (make_noise, show_noise)):
            try:
                show(workspace, maker(recipe, images, run).key)
                shown += 1
            except NotFinishedError:
                continue
    except NotFinishedError:
        pass
    if not shown:
        raise UserError("this recipe has no sealed pool yet", where=Storage(workspace).path("stages"),
                        todo=f"`pairmill pool kernels {recipe_path}` or `pairmill build {recipe_path}` makes it")  # fmt: skip


def show_kernels(workspace: str, key: str) -> None:
    """The verdict on every image."""
    storage = Storage(workspace)
    stage = pool_kernels.STAGE.name
    pool = KernelPoolManifest.model_validate_json(storage.read(layout.stage_manifest(stage, key)))
    rows = []
    for judged in pool.judged:
        d = judged.verdict.diagnostics
        numbers = [f"{d.offset:.2f}", f"{d.support:.1f}", f"{d.disagreement:.2f}", f"{d.shift:.3f}"] if d else ["", "", "", ""]
        verdict = "accepted" if judged.verdict.accepted else str(judged.verdict.reason)
        rows.append([judged.image[:16], verdict, *numbers, "" if judged.verdict.accepted else judged.verdict.detail])
    columns = ["image", "verdict", "offset px", "support px", "disagreement", "shift px", ""]
    render.table(f"kernel pool {pool.digest[:12]}: {pool.count} of {len(pool.judged)} accepted, x{pool.scale}", columns, rows)
    render.line(f"  pool     {storage.path(layout.pool_group(stage, key))}\n")


def show_noise(workspace: str, key: str) -> None:
    """What every image gave."""
    storage = Storage(workspace)
    stage = pool_noise.STAGE.name
    pool = NoisePoolManifest.model_validate_json(storage.read(layout.stage_manifest(stage, key)))
    rows = [
        [c.image[:16], c.patches, c.accepted, ", ".join(f"{n} {r}" for r, n in Counter(c.rejected).most_common(3)),
         "" if c.accepted or c.threshold_needed is None else f"{c.threshold_needed:.1f}"]
        for c in pool.coverage
    ]  # fmt: skip
    std = ", ".join(f"{value:.2f}" for value in pool.std)
    title = f"noise pool {pool.digest[:12]}: {pool.count} patches of {pool.patch} x {pool.patch}, std R, G, B {std} grey levels"
    render.table(title, ["image", "patches", "accepted", "rejected", "max_variance needed"], rows)
    render.line(f"  threshold: {pool.threshold_source}\n  pool     {storage.path(layout.pool_group(stage, key))}\n")
