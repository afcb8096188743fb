"""The pairs of the gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.report.collect.pools import KernelPictures
from pipeline.report.collect.samples import Pair
from pipeline.report.pictures import Image, busiest, enlarged
from pipeline.report.sections.pairs import WIDE
from pipeline.report.shelf import Shelf
from pipeline.report.words import file_name, plain
from schemas.corpus import CorpusManifest
from schemas.image import ImageSet
from schemas.ops.pooled import PooledBlur
from schemas.program import Program
from schemas.report import PairsSection, PairView

SHOWN = 24
CROP = 128
"""Side of the crops that are shown, in HR pixels, cut to a multiple of the scale."""


def crop_side(pairs: Sequence[Pair], scale: int, most: int = CROP) -> int:
    """Side of a crop that lies in every tile, in HR pixels."""
    smallest = min((min(pair.hr.shape[:2]) for pair in pairs), default=most)
    return min(most, smallest) // scale * scale


def filling_side(side: int, scale: int) -> int:
    """The side at which a crop of at most `side` HR pixels fills a pane of the page with whole screen pixels: of 96, 84 at
    three screen pixels each, for 96 at two would leave a quarter of the page empty.
    """
    zoom = -(-WIDE // max(1, side))
    return max(scale, min(side, WIDE // zoom) // scale * scale)


def crops(pair: Pair, side: int, scale: int) -> tuple[Image, Image]:
    """HR and LR of the part of a pair with the most detail."""
    top, left = busiest(pair.hr, side, scale)
    low = side // scale
    hr = pair.hr[top : top + side, left : left + side]
    lr = pair.lr[top // scale : top // scale + low, left // scale : left // scale + low]
    return np.ascontiguousarray(hr), np.ascontiguousarray(lr)


def collect_pairs(
    pairs: list[Pair], manifest: CorpusManifest, images: ImageSet, kernels: Mapping[str, KernelPictures], shelf: Shelf
) -> PairsSection:
    """Cut, enlarge and describe the pairs."""
    scale = int(manifest.identity.recipe["scale"])
    side = filling_side(crop_side(pairs, scale), scale)
    sources = {image: file_name(record.url) for image, record in images.by_digest().items()}
    counts = {ref.digest: ref.count for ref in manifest.identity.pools}
    for pool, pictures in kernels.items():
        pictures.draw([blur.index for pair in pairs for blur in _blurs(pair.program) if blur.pool == pool])
    views = [_view(pair, side, scale, sources.get(pair.row.image, ""), counts, kernels, shelf) for pair in pairs]
    return PairsSection(shown=tuple(views), total=sum(manifest.identity.samples.values()), side=side)


def _view(
    pair: Pair, side: int, scale: int, source: str, counts: dict[str, int], kernels: Mapping[str, KernelPictures], shelf: Shelf
) -> PairView:
    hr, lr = crops(pair, side, scale)
    key, program = pair.row.key, pair.program
    return PairView(
        key=key, split=pair.row.split, degrader=pair.row.degrader, source=plain(source),
        program=program.words(counts), kernel=_kernel(program, kernels),
        hr=shelf.png(f"pair-{key}-hr", hr), lr=shelf.png(f"pair-{key}-lr", lr),
        bicubic=shelf.png(f"pair-{key}-bicubic", enlarged(lr, scale)),
    )  # fmt: skip


def _kernel(program: Program, kernels: Mapping[str, KernelPictures]) -> str:
    blurs = [blur for blur in _blurs(program) if blur.pool in kernels]
    return kernels[blurs[0].pool].name(blurs[0].index) if blurs else ""


def _blurs(program: Program) -> list[PooledBlur]:
    return [op for op in program.ops if isinstance(op, PooledBlur)]
