"""Real pairs, registered and cut into tiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.images.pairs import PairPatterns, without_half
from pairmill.pipeline.pools.base import Image, Making, PoolKind, PoolTable, Showing
from pairmill.pipeline.runner.stage import Sealed, is_done, read_records
from pairmill.pipeline.stages import align_pairs, ingest_pairs, pool_aligned
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.aligned import AlignConfig, AlignedPair, AlignedSet
from pairmill.schemas.aligned_pool import AlignedManifest, CutPairsConfig
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.redegnet import PairSet

COLUMNS = ("pair", "verdict", "scale", "registered", "before", "after", "colour", "kernel")
"""`before` and `after` are residuals in intensity levels."""


class Aligned(PoolKind[AlignedManifest]):
    """Rows of LR tiles (t, t, 3) uint8; the HR tiles lie beside them in the array `hr`."""

    name = "aligned"
    stage = pool_aligned.STAGE
    origin = "Cut from"
    fitted = True
    repeatable = False  # the files of its pairs are not kept

    def make(self, making: Making) -> Sealed[AlignedManifest]:
        """Register and cut.

        Raises:
            UserError: if the recipe names no pairs, or none is good enough.
        """
        registered, files = registered_pairs(making), ingested_pairs(making)
        used = {(ref.pair.hr, ref.pair.lr) for ref in registered.used}
        taken = tuple(
            pair for pair in files.pairs if (pair.hq.pixel_sha256, pair.lq.pixel_sha256) in used
        )
        making.pairs = (*making.pairs, *taken)
        return making.run(pool_aligned.STAGE, registered, cut_config(making.recipe))

    def ref(self, manifest: AlignedManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(
            kind=self.name,
            digest=manifest.digest,
            count=manifest.count,
            side=manifest.side,
            pairs=manifest.pairs,
        )

    def counts(self, manifest: AlignedManifest) -> dict[str, int]:
        """See `PoolKind.counts`."""
        return {
            "real_pairs": len(manifest.pairs),
            "real_pairs_rejected": sum(pair.reason is not None for pair in manifest.judged),
            "real_pair_tiles": manifest.count,
        }

    def tables(self, showing: Showing[AlignedManifest]) -> list[PoolTable]:
        """The verdicts on all pairs, even if they let no pool be sealed."""
        pairs = judged_pairs(showing.making, showing.storage)
        if not pairs:
            return []
        used = sum(pair.reason is None for pair in pairs)
        said = f"{used} of {len(pairs)} used, x{showing.making.recipe.scale}"
        title = f"no real pairs: {said}"
        notes = [f"  {pair.name}: {pair.detail}" for pair in pairs if pair.reason is not None]
        if showing.sealed is not None:
            pool = showing.sealed.manifest
            title = f"real pairs {pool.digest[:12]}: {said}, {pool.count} tiles"
            notes.append(f"  pool     {self.place(showing.storage, showing.sealed)}\n")
        return [PoolTable(title, COLUMNS, [_row(pair) for pair in pairs], notes)]

    def picture(self, item: NDArray[Any]) -> Image:
        """The LR tile as it is."""
        return np.asarray(item, np.uint8)

    def facts(self, columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Where it was."""
        yield "place on HR", f"({int(columns['left'])}, {int(columns['top'])})"


def ingested_pairs(making: Making) -> PairSet:
    """The files of `images.aligned`, decoded and digested.

    Raises:
        UserError: if the recipe names no pairs, or files are not there or have no counterpart.
    """
    pairs = making.recipe.images.aligned
    if pairs is None:
        raise UserError(
            "the recipe names no real pairs",
            where="recipe key images.aligned",
            wanted="aligned: {lr: FOLDER, hr: FOLDER}",
        )
    patterns = PairPatterns("images.aligned", "lr", "hr", (pairs.lr, pairs.hr), without_half)
    files = ingest_pairs.find(patterns, making.base, making.limit)
    return making.run(ingest_pairs.STAGE, files, making.recipe.ingest).manifest


def registered_pairs(making: Making) -> AlignedSet:
    """The same, judged and registered.

    Raises:
        UserError: see `ingested_pairs`.
    """
    return making.run(
        align_pairs.STAGE, ingested_pairs(making), align_config(making.recipe)
    ).manifest


def judged_pairs(making: Making, storage: Storage) -> Sequence[AlignedPair]:
    """The verdicts that were reached so far, by name."""
    units = align_pairs.STAGE.units(ingested_pairs(making), align_config(making.recipe))
    done = [unit for unit in units if is_done(storage, align_pairs.STAGE.name, unit)]
    return sorted(read_records(align_pairs.STAGE, done, storage), key=lambda pair: pair.name)


def align_config(recipe: Recipe) -> AlignConfig:
    """What determines the registration; the number of tiles does not."""
    default = type(recipe.aligned)().max_tiles
    return AlignConfig(scale=recipe.scale, aligned=recipe.aligned.with_(max_tiles=default))


def cut_config(recipe: Recipe) -> CutPairsConfig:
    """What determines the tiles."""
    return CutPairsConfig(
        scale=recipe.scale, tiles=recipe.tiles, max_tiles=recipe.aligned.max_tiles
    )


def _row(pair: AlignedPair) -> list[str]:
    found, verdict = pair.figures, str(pair.reason or "used")
    return [
        pair.name,
        verdict,
        f"{found.scale:.3f}" if found.overlap else "",
        f"{100 * found.registered:.0f} %" if found.blocks else "",
        f"{found.residual_before:.2f}" if found.residual_before else "",
        f"{found.residual_after:.2f}" if found.residual_after else "",
        f"{found.colour:.1f}" if found.blocks else "",
        "yes" if pair.kernel else "",
    ]


ALIGNED = Aligned()
