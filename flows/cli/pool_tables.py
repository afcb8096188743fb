"""Tables of pools and corpora."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.pipeline.build.build import NotFinishedError, finder, limited
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.pools.make_pools import (
    judged_kernels,
    make_compression,
    make_generated_kernels,
    make_kernels,
    make_noise,
)
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.runner.stage import Run, Sealed
from pairmill.pipeline.stages import generate_kernels, pool_compression, pool_kernels, pool_noise
from pairmill.pipeline.stages.pool_kernels import nearest_thresholds
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.compression import CompressionPoolManifest, MinedCompression
from pairmill.schemas.errors import UserError
from pairmill.schemas.image import ImageSet
from pairmill.schemas.kmsr import GeneratedPoolManifest
from pairmill.schemas.noise import NoisePoolManifest
from pairmill.schemas.pool import JudgedKernel, PoolKernelsConfig
from pairmill.schemas.recipe import Recipe

KINDS = ("kernels", "noise", "compression")


def show_pools(
    recipe_path: str, workspace: str, kinds: tuple[str, ...] = KINDS, limit: int | None = None
) -> None:
    """Tables of the pools of a recipe, and of the verdicts on kernels even where none was good
    enough for a pool.

    Raises:
        UserError: if there is nothing yet.
    """
    recipe, base = load_recipe(recipe_path)
    recipe, storage = limited(recipe, limit), Storage(workspace)
    run, shown = finder(storage), 0
    with suppress(NotFinishedError):
        images = select_images(
            recipe, base, run, limit, earlier_keys(storage, recipe, recipe.name)
        ).images.manifest
        names = {image.pixel_sha256: image.url.rsplit("/", 1)[-1] for image in images.accepted}
        for kind in kinds:
            with suppress(NotFinishedError):
                if kind == "kernels":
                    shown += show_judged(recipe, images, run, storage, names)
                    continue
                if kind == "compression":
                    show_compression(workspace, make_compression(recipe, images, run).key, names)
                else:
                    show_noise(workspace, make_noise(recipe, images, run).key, names)
                shown += 1
    if not shown:
        raise UserError(
            "this recipe has no sealed pool yet",
            where=storage.path("stages"),
            todo=f"`pairmill pool kernels {recipe_path}` or `pairmill build {recipe_path}` makes "
            "it",
        )


def show_judged(
    recipe: Recipe, images: ImageSet, run: Run, storage: Storage, names: dict[str, str]
) -> bool:
    """The verdicts on kernels, and what pools they gave; whether there was any."""
    judged = judged_kernels(recipe, images, run, storage)
    if not judged:
        return False
    try:
        kernels = make_kernels(recipe, images, run)
    except NotFinishedError:
        accepted = sum(record.verdict.accepted for record in judged)
        show_kernels(
            f"no kernel pool: {accepted} of {len(judged)} accepted, x{recipe.scale}", judged, names
        )
        config = PoolKernelsConfig(scale=recipe.scale, quality=recipe.kernel_quality)
        nearest = "" if accepted else nearest_thresholds(judged, config).removesuffix("; or ")
        terminal.line(f"  {nearest or 'the build that judges the rest goes on here'}\n")
        return True
    pool, stage = kernels.manifest, pool_kernels.STAGE.name
    show_kernels(
        f"kernel pool {pool.digest[:12]}: {pool.count} of {len(judged)} accepted, x{pool.scale}",
        judged,
        names,
    )
    terminal.line(f"  pool     {storage.path(layout.pool_group(stage, kernels.key))}\n")
    with suppress(NotFinishedError):
        if recipe.needs_generated_kernels:
            show_generated(storage, make_generated_kernels(recipe, kernels, run))
    return True


def show_kernels(title: str, judged: Iterable[JudgedKernel], names: dict[str, str]) -> None:
    """The verdict on every image, and below the table why kernels were rejected."""
    rows, because = [], []
    for record in judged:
        d = record.verdict.diagnostics
        numbers = [""] * 4
        if d is not None:
            numbers = [
                f"{d.width:.2f}",
                f"{d.disagreement:.2f}",
                _or_dash(d.stretch, ".2f"),
                _or_dash(d.mismatch, ".1f"),
            ]
        name, verdict = names.get(record.image, record.image[:12]), "accepted"
        if not record.verdict.accepted:
            verdict = str(record.verdict.reason)
            because.append(f"  {name}: {record.verdict.detail}")
        rows.append([name, verdict, *numbers])
    terminal.table(
        title, ["image", "verdict", "width px", "differ", "stretch", "mismatch dB"], rows
    )
    for line in because:
        terminal.line(escape(line))


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def show_generated(storage: Storage, sealed: Sealed[GeneratedPoolManifest]) -> None:
    """What was made in the manner of the kernel pool, and how alike the two are."""
    pool, made = sealed.manifest, sealed.manifest.made
    rejected = ", ".join(f"{count} {reason}" for reason, count in made.rejected.items()) or "none"
    named = [("the pool, turned and flipped", made.pool), ("generated", made.generated)]
    rows = [
        [name, f"{s.width:.2f}", f"{s.width_std:.2f}", f"{s.anisotropy:.2f}", f"{s.distance:.2f}"]
        for name, s in named
        if s
    ]
    title = (
        f"generated kernels {pool.digest[:12]}: {pool.count} of {made.drawn} drawn by "
        f"{pool.method}, x{pool.scale}"
    )
    terminal.table(title, ["kernels", "width", "its std", "anisotropy", "differ"], rows)
    place = storage.path(layout.pool_group(generate_kernels.STAGE.name, sealed.key))
    terminal.line(f"  rejected {rejected}\n  pool     {place}\n")


def show_noise(workspace: str, key: str, names: dict[str, str]) -> None:
    """What every image gave."""
    storage = Storage(workspace)
    stage = pool_noise.STAGE.name
    pool = NoisePoolManifest.model_validate_json(storage.read(layout.stage_manifest(stage, key)))
    rows = []
    for c in pool.coverage:
        most = ", ".join(
            f"{count} {reason}" for reason, count in Counter(c.rejected).most_common(3)
        )
        needed = "" if c.accepted or c.threshold_needed is None else f"{c.threshold_needed:.1f}"
        rows.append([names.get(c.image, c.image[:12]), c.patches, c.accepted, most, needed])
    std = ", ".join(f"{value:.2f}" for value in pool.std)
    title = (
        f"noise pool {pool.digest[:12]}: {pool.count} patches of {pool.patch} x "
        f"{pool.patch}, std R, G, B {std} grey levels"
    )
    terminal.table(title, ["image", "patches", "accepted", "rejected most", "max_variance"], rows)
    terminal.line(
        f"  threshold: {pool.threshold_source}\n  pool     "
        f"{storage.path(layout.pool_group(stage, key))}\n"
    )


def show_compression(workspace: str, key: str, names: dict[str, str]) -> None:
    """How every image was compressed."""
    storage = Storage(workspace)
    stage = pool_compression.STAGE.name
    pool = CompressionPoolManifest.model_validate_json(
        storage.read(layout.stage_manifest(stage, key))
    )
    rows = [
        [names.get(image.image, image.image[:12]), *_compression(image)] for image in pool.images
    ]
    columns = ["image", "known from", "quality", "table", "chroma", "grid", "confidence"]
    found = sum(image.found for image in pool.images)
    title = f"compression pool {pool.digest[:12]}" if pool.digest else "no compression pool"
    terminal.table(f"{title}: {found} of {len(pool.images)} images are compressed", columns, rows)
    if pool.digest:
        terminal.line(f"  pool     {storage.path(layout.pool_group(stage, key))}\n")
    else:
        terminal.line(
            f"  LR is not compressed: less than {pool.min_share:.0%} of the images are "
            "(compression.min_share)\n"
        )


def _compression(image: MinedCompression) -> list[str]:
    if not image.found:
        return ["none", "", "", "", "", ""]
    table = "standard" if image.standard else "its own"
    measured = "" if image.source == "file" else f", {image.known[0]} of 64 measured"
    phase = f"{image.phase[0]}, {image.phase[1]}"
    return [
        str(image.source),
        str(image.quality),
        table + measured,
        image.subsampling,
        phase,
        f"{image.confidence:.2f}",
    ]
