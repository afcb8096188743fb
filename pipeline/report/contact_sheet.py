"""A contact sheet: one small image of a few pairs, for places where a page does not fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pairmill.models.functional.kernels import on_grey, target_centre
from pairmill.pipeline.corpora.samples import Pair, some_pairs
from pairmill.pipeline.html.captions import LINE, SIZE, wrapped
from pairmill.pipeline.html.pictures import Image, enlarged, heat, nearest, png
from pairmill.pipeline.report.pairs import crop_side, crops
from pairmill.pipeline.report.pool_rows import PoolRows, kernel_pools
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.ops.pooled import PooledBlur

LARGEST = 300_000
"""Most bytes of a sheet."""
PANE, GAP, MARGIN, HEADING, LABEL, LINES = 192, 4, 20, 26, 15, 2
BETWEEN = " · "
PAPER, INK, QUIET = (251, 250, 247), (28, 29, 31), (98, 101, 107)


def contact_sheet(storage: Storage, manifest: CorpusManifest, count: int) -> bytes:
    """A PNG of at most 300 kB: a row per pair with HR, LR as it is and LR upscaled bicubically.

    Args:
        storage: The workspace.
        manifest: A version; its shards, pools and table are in place.
        count: Pairs wanted; fewer are shown where the image would become too large.
    """
    pairs, most = some_pairs(storage, manifest, max(1, min(count, 24))), PANE // 2
    while True:
        data = png(sheet(storage, manifest, pairs, most), effort=9)
        if len(data) <= LARGEST:
            return data
        if most > PANE // 4:  # first less of each pair, then fewer pairs
            most = most * 3 // 4
        else:
            pairs = pairs[: max(1, len(pairs) * 3 // 4)]


def sheet(
    storage: Storage, manifest: CorpusManifest, pairs: Sequence[Pair], most: int = PANE // 2
) -> Image:
    """The image of some pairs of a version, (H, W, 3): crops of at most `most` HR pixels a side,
    those with the most detail.
    """
    scale = int(manifest.identity.recipe["scale"])
    kernels, counts = (
        kernel_pools(storage, manifest),
        {ref.digest: ref.count for ref in manifest.identity.pools},
    )
    side = crop_side(pairs, scale, most)
    return _sheet([_row(pair, side, scale, kernels, counts) for pair in pairs])


def _row(
    pair: Pair, side: int, scale: int, kernels: dict[str, PoolRows], counts: dict[str, int]
) -> tuple[list[Image], str]:
    hr, lr = crops(pair, side, scale)
    zoom = max(1, PANE // side)
    panes = [nearest(hr, zoom), nearest(lr, zoom * scale), nearest(enlarged(lr, scale), zoom)]
    blurs = [op for op in pair.program.ops if isinstance(op, PooledBlur)]
    if blurs and blurs[0].pool in kernels:
        _inset(panes[1], on_grey(kernels[blurs[0].pool].rows([blurs[0].index])[0]), scale)
    words = [
        word for word in pair.program.words(counts) if not word.startswith(("every", "rounded"))
    ]
    known = any(word.startswith(pair.row.degrader) for word in words)
    return panes, BETWEEN.join(words if known else [pair.row.degrader, *words])


def _inset(pane: Image, kernel: NDArray[np.float64], scale: int) -> None:
    """Put the middle of a kernel into the upper right corner."""
    half = 3 * scale
    middle = round(target_centre(kernel.shape[0], scale))
    part = kernel[max(0, middle - half) : middle + half, max(0, middle - half) : middle + half]
    picture = nearest(heat(part), max(1, 48 // part.shape[0]))
    height, width = picture.shape[:2]
    pane[: height + 2, -width - 2 :] = 255
    pane[:height, -width:] = picture


def _sheet(rows: list[tuple[list[Image], str]]) -> Image:
    side = rows[0][0][0].shape[0]
    width = 2 * MARGIN + 3 * side + 2 * GAP
    captions = [wrapped(label, width - 2 * MARGIN, LINES, BETWEEN) for _, label in rows]
    height = 2 * MARGIN + HEADING + sum(_height(side, lines) for lines in captions) - LABEL // 2
    canvas = Pillow.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    lefts = [MARGIN + place * (side + GAP) for place in range(3)]
    for left, title in zip(lefts, ("HR", "LR, pixels", "LR, bicubic"), strict=True):
        draw.text((left, MARGIN - 4), title, INK, ImageFont.load_default(15))
    top = MARGIN + HEADING
    for (panes, _), lines in zip(rows, captions, strict=True):
        for left, pane in zip(lefts, panes, strict=True):
            canvas.paste(Pillow.fromarray(pane), (left, top))
        for number, line in enumerate(lines):
            draw.text(
                (MARGIN, top + side + 5 + number * LINE), line, QUIET, ImageFont.load_default(SIZE)
            )
        top += _height(side, lines)
    return np.asarray(canvas, np.uint8)


def _height(side: int, lines: Sequence[str]) -> int:
    return side + len(lines) * LINE + LABEL
