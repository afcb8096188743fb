"""A contact sheet: one small picture of a few pairs, for places where a page does not fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from models.functional.kernels import target_centre
from pipeline.report.collect.pairs import crop_side, crops
from pipeline.report.collect.pools import PoolRows, kernel_pools
from pipeline.report.collect.samples import Pair, some_pairs
from pipeline.report.pictures import Image, enlarged, heat, nearest, png
from pipeline.storage import Storage
from schemas.corpus import CorpusManifest
from schemas.ops.pooled import PooledBlur

LARGEST = 300_000
"""Most bytes of a sheet."""
PANE, GAP, MARGIN, HEADING, LABEL = 192, 4, 20, 26, 30
PAPER, INK, QUIET = (251, 250, 247), (28, 29, 31), (98, 101, 107)


def contact_sheet(storage: Storage, manifest: CorpusManifest, count: int) -> bytes:
    """A PNG of at most 300 kB: a row per pair with HR, LR as it is and LR enlarged bicubically.

    Args:
        storage: The workspace.
        manifest: A version; its shards, pools and table are in place.
        count: Pairs wanted; fewer are shown where the picture would become too large.
    """
    scale = int(manifest.identity.recipe["scale"])
    pairs = some_pairs(storage, manifest, max(1, min(count, 24)))
    kernels, counts = kernel_pools(storage, manifest), {ref.digest: ref.count for ref in manifest.identity.pools}
    most = PANE // 2
    while True:
        side = crop_side(pairs, scale, most)
        data = png(_sheet([_row(pair, side, scale, kernels, counts) for pair in pairs]), effort=9)
        if len(data) <= LARGEST:
            return data
        if most > PANE // 4:                             # first less of each pair, then fewer pairs
            most = most * 3 // 4
        else:
            pairs = pairs[: max(1, len(pairs) * 3 // 4)]


def _row(pair: Pair, side: int, scale: int, kernels: dict[str, PoolRows], counts: dict[str, int]) -> tuple[list[Image], str]:
    hr, lr = crops(pair, side, scale)
    zoom = max(1, PANE // side)
    panes = [nearest(hr, zoom), nearest(lr, zoom * scale), nearest(enlarged(lr, scale), zoom)]
    blurs = [op for op in pair.program.ops if isinstance(op, PooledBlur)]
    if blurs and blurs[0].pool in kernels:
        _inset(panes[1], kernels[blurs[0].pool].rows([blurs[0].index])[0], scale)
    words = [word for word in pair.program.words(counts) if not word.startswith(("every", "rounded"))]
    known = any(word.startswith(pair.row.degrader) for word in words)
    return panes, " · ".join(words if known else [pair.row.degrader, *words])


def _inset(pane: Image, kernel: NDArray[np.float64], scale: int) -> None:
    """Put the middle of a kernel into the upper right corner."""
    half = 4 * scale
    middle = round(target_centre(kernel.shape[0], scale))
    part = kernel[max(0, middle - half) : middle + half, max(0, middle - half) : middle + half]
    picture = nearest(heat(part), max(1, 48 // part.shape[0]))
    height, width = picture.shape[:2]
    pane[: height + 2, -width - 2 :] = 255
    pane[:height, -width:] = picture


def _sheet(rows: list[tuple[list[Image], str]]) -> Image:
    side = rows[0][0][0].shape[0]
    width = 2 * MARGIN + 3 * side + 2 * GAP
    height = MARGIN + HEADING + len(rows) * (side + LABEL) + MARGIN - LABEL // 2
    canvas = Pillow.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    lefts = [MARGIN + place * (side + GAP) for place in range(3)]
    for left, title in zip(lefts, ("HR", "LR, pixels", "LR, bicubic"), strict=True):
        draw.text((left, MARGIN - 4), title, INK, ImageFont.load_default(15))
    for number, (panes, label) in enumerate(rows):
        top = MARGIN + HEADING + number * (side + LABEL)
        for left, pane in zip(lefts, panes, strict=True):
            canvas.paste(Pillow.fromarray(pane), (left, top))
        draw.text((MARGIN, top + side + 5), _fitting(label, width - 2 * MARGIN), QUIET, ImageFont.load_default(12))
    return np.asarray(canvas, np.uint8)


def _fitting(label: str, width: int) -> str:
    """A label cut to a width in pixels."""
    font, shown = ImageFont.load_default(12), label
    while shown and font.getlength(shown) > width:
        shown = shown[:-2].rstrip(" .") + "…" if len(shown) > 2 else ""
    return shown
