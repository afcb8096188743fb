"""The realism of every degrader of a version, with two controls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.corpora.replay import corpus_assets
from pairmill.pipeline.corpora.samples import Pair, Row, choose_shards, read_pairs, table_rows
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.html.pictures import nearest
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.realism.compare import (
    FEWEST_IMAGES,
    SURPLUS,
    Compared,
    compare,
    pool,
    real_against_real,
)
from pairmill.pipeline.realism.patches import PHASE, Image, Patches
from pairmill.pipeline.report.realism_card_rows import CardMaker, Inceptions, groups_of_rows
from pairmill.pipeline.rng import pick, stream
from pairmill.pipeline.stages import ingest
from pairmill.pipeline.subset import in_turn, lottery
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.realism import RealismConfig, RealismResult, RealismRow, RealismSection

PHOTOGRAPHS, ENOUGH, PIXELS = 64, 12, 120_000_000
"""Most photos that are read, and pixels after which no more are once there are enough; about
four seconds."""
WINDOW = 1024
"""Side of the part of a photo that patches are cut from, in pixels."""
TILES, HEAD = 400, 4096
"""Maximum number of tiles per degrader, and rows at the head of a shard that may be taken."""
SHOWN = 8
"""Pairs of patches in an image."""
REAL, BICUBIC = "real against real", "bicubic against real"
CARD = "scores of papers"
NO_GROUPS: Mapping[str, str] = {}


def measure(
    storage: Storage,
    manifest: CorpusManifest,
    real: Iterable[ImageRecord],
    config: RealismConfig,
    picture_files: PictureFiles,
    advanced: Callable[[str], None] = lambda _: None,
    groups: Mapping[str, str] = NO_GROUPS,
    inception: Inceptions | None = None,
) -> RealismSection:
    """Compare the LR of every degrader of a version with real photos.

    Args:
        storage: The workspace.
        manifest: A version; its shards and table are in place.
        real: Real photos; those that cannot be read are left out.
        config: How to measure; patches are smaller where the LR tiles are.
        picture_files: Where images go.
        advanced: Called with what is looked at next.
        groups: Name of the group of photographs by pixel digest; empty where there is one.
        inception: Features for FID; without it there is none.
    """
    recipe = manifest.identity.recipe
    side = min(config.patch, int(recipe["tiles"]["size"]) // int(recipe["scale"]) // PHASE * PHASE)
    if side < 2 * PHASE:
        return _without(
            side,
            0,
            f"LR tiles must have {2 * PHASE} pixels a side or more; `tiles.size` over `scale` is "
            "less",
        )
    advanced("photos")
    rows = list(table_rows(storage, manifest, choose_shards(manifest), HEAD))
    photographs = dict(some_photographs(real, {row.image for row in rows}, config.seed))
    if len(photographs) < FEWEST_IMAGES:
        return _without(
            side,
            len(photographs),
            f"{FEWEST_IMAGES} real photos or more are needed; {len(photographs)} could be read",
        )
    config = config.with_(patch=side)
    patches = pool(list(photographs.values()), list(photographs), config)
    judge = _Judge(patches, config, picture_files, len(photographs))
    card = None
    if config.card:
        assets = corpus_assets(storage, manifest)
        card = CardMaker(manifest, assets, photographs, patches, config, groups, inception)
    degraders, tiles = [], tiles_wanted(recipe, config)
    for name, chosen in rows_by_degrader(rows, tiles).items():
        advanced(name)
        pairs = read_pairs(storage, manifest, chosen)
        row, compared = judge.row(name, [(p.row.image, p.lr) for p in pairs])
        degraders.append(row)
        if card:
            card.add(name, pairs, compared)
            card.add_groups(name, _by_group(storage, manifest, rows, name, tiles))
    advanced(BICUBIC)
    scale = int(recipe["scale"])
    reduced = [
        (p.row.image, _bicubic(p, scale))
        for p in read_pairs(storage, manifest, spread_rows(rows, tiles))
    ]
    row, compared = judge.row(BICUBIC, reduced, control=True)
    if card:
        card.add_control(BICUBIC, reduced, compared)
    advanced(REAL)
    controls = [row, judge.control(real_against_real(judge.real, config))]
    ranked = sorted(
        degraders, key=lambda row: (row.result.auc is None, row.result.distance, row.name)
    )
    if card:
        advanced(CARD)
        card.rank([row.name for row in ranked])
    return RealismSection(
        patch=side,
        photographs=len(photographs),
        rows=(*ranked, *controls),
        card=card.card(REAL) if card else None,
    )


def _by_group(
    storage: Storage, manifest: CorpusManifest, rows: list[Row], degrader: str, tiles: int
) -> dict[str, list[Pair]]:
    """Some samples of a degrader by the group that they were made after; nothing where there are no
    two groups.
    """
    if len(manifest.groups) < 2:
        return {}
    mine = [row for row in rows if row.degrader == degrader]
    looked_at = spread_rows(mine, tiles * len(manifest.groups))
    return {
        group: read_pairs(storage, manifest, spread_rows(chosen, tiles))
        for group, chosen in groups_of_rows(looked_at, manifest).items()
    }


def _without(side: int, photographs: int, problem: str) -> RealismSection:
    return RealismSection(patch=side, photographs=photographs, problem=problem)


def _bicubic(pair: Pair, scale: int) -> Image:
    return to_uint8(bicubic_down(pair.hr, scale))


class _Judge:
    """Compares one side after the other with the same real patches."""

    def __init__(
        self, real: Patches, config: RealismConfig, picture_files: PictureFiles, photographs: int
    ) -> None:
        self.real, self.config, self.picture_files, self.photographs, self.drawn = (
            real,
            config,
            picture_files,
            photographs,
            0,
        )

    def row(
        self, name: str, images: list[tuple[str, Image]], *, control: bool = False
    ) -> tuple[RealismRow, Compared]:
        """One row with its image, and what was compared."""
        synthetic = pool(
            [image for _, image in images], [source for source, _ in images], self.config
        )
        compared = compare(self.real, synthetic, self.config)
        row = RealismRow(name=name, control=control, samples=len(images), result=compared.result)
        if compared.result.auc is not None:
            shown = strip(compared)
            picture = self.picture_files.png(f"realism-{self.drawn}", shown)
            row = row.with_(picture=picture, side=shown.shape[1] // zoom_of(self.config.patch))
            self.drawn += 1
        return row, compared

    def control(self, result: RealismResult) -> RealismRow:
        """The row of real against real."""
        return RealismRow(name=REAL, control=True, samples=self.photographs, result=result)


def zoom_of(side: int) -> int:
    """Side of the squares that stand for pixels of patches of that side."""
    return max(1, 64 // side)


def strip(compared: Compared) -> Image:
    """The pairs that were best distinguished, one per source image: real patches above, synthetic
    ones below.
    """
    chosen: list[int] = []
    seen = set[str]()
    for place in np.argsort(-compared.apart, kind="stable").tolist():
        source = str(compared.synthetic.sources[place])
        if source not in seen and len(chosen) < SHOWN:
            seen.add(source)
            chosen.append(place)
    sides = (compared.real.pixels[chosen], compared.synthetic.pixels[chosen])
    zoom = zoom_of(sides[0].shape[1])
    return np.concatenate([nearest(np.concatenate(list(side), axis=1), zoom) for side in sides])


def tiles_wanted(recipe: dict[str, object], config: RealismConfig) -> int:
    """Tiles of a degrader that give enough patches to choose from, twice over for the sake of
    variety.
    """
    tiles, scale = recipe["tiles"], recipe["scale"]
    assert isinstance(tiles, dict)
    assert isinstance(scale, int)
    along = (int(tiles["size"]) // scale - config.patch) // (config.patch // 2) + 1
    return min(TILES, max(48, 2 * SURPLUS * config.patches // along**2))


def rows_by_degrader(rows: list[Row], most: int) -> dict[str, list[Row]]:
    """Some rows of every degrader, in name order."""
    names = sorted({row.degrader for row in rows})
    return {
        name: spread_rows([row for row in rows if row.degrader == name], most) for name in names
    }


def spread_rows(rows: list[Row], most: int) -> list[Row]:
    """At most `most` rows at random, spread over source images, in shard order."""
    chosen = in_turn(sorted(rows, key=lambda row: lottery(row.key)), lambda row: row.image)[:most]
    return sorted(chosen, key=lambda row: (row.shard, row.key))


def some_photographs(
    real: Iterable[ImageRecord], used: set[str], seed: int
) -> Iterator[tuple[str, Image]]:
    """Pixel digests and windows of photos that can be read, at random, those that LR was made of
    first.
    """
    left, count = PIXELS, 0
    for record in sorted(real, key=lambda r: (r.pixel_sha256 not in used, lottery(r.pixel_sha256))):
        if count >= PHOTOGRAPHS or (count >= ENOUGH and left < record.width * record.height):
            return
        try:
            image = load(record)
        except (PairmillError, ValueError, OSError):  # moved or deleted since
            continue
        left -= record.width * record.height
        count += 1
        yield record.pixel_sha256, window(image, record.pixel_sha256, seed)


def window(image: NDArray[np.uint8], name: str, seed: int) -> Image:
    """A part of at most `WINDOW` x `WINDOW` pixels, at random, on the grid of JPEG blocks."""
    rng = stream("realism", seed, "window", name)
    top, left = (
        PHASE * pick(rng, max(0, length - WINDOW) // PHASE + 1) for length in image.shape[:2]
    )
    return np.ascontiguousarray(image[top : top + WINDOW, left : left + WINDOW])


def find_photographs(storage: Storage, manifest: CorpusManifest) -> tuple[ImageRecord, ...]:
    """The real photos that a version was made of, from the sealed image sets of the workspace;
    empty if there is none.
    """
    folder = layout.stage_folder(ingest.STAGE.name, "").rstrip("/")
    for key in storage.names(folder):
        path = layout.stage_manifest(ingest.STAGE.name, key)
        if storage.exists(path):
            images = ImageSet.model_validate_json(storage.read(path))
            if (
                hashlib.sha256(repr(images.identity()).encode()).hexdigest()
                == manifest.identity.images
            ):
                return images.with_role(Role.REAL)
    return ()
