"""The image of pairs in the README: one row for each of a few kernels, and one for the bicubic
control.

Run `make demo`, then `python -m docs.generate.pairs [WORKSPACE [CORPUS [PNG]]]` (`data`, `demo` and
the image of the README without them). It is not part of `make docs`, which needs no corpus. Rows
are chosen by a rule, so a demo of the same bytes gives the same image.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.samples import Pair, read_pairs, table_rows
from pairmill.pipeline.html.pictures import Image, grey, png
from pairmill.pipeline.report.contact_sheet import sheet
from pairmill.pipeline.report.pairs import crops
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.ops.pooled import PooledBlur

TARGET = Path(__file__).parents[1] / "img" / "pairs.png"
KERNELS = 3
"""Rows with a kernel of the pool, each with a different kernel and photo."""
CROP = 96
"""Side of the crops, in HR pixels; shown twice as large."""
DETAIL = 20.0
"""Smallest mean magnitude of the grey Laplacian of a crop, in intensity levels: sky and blurred
background show nothing."""


def main(workspace: str = "data", corpus: str = "demo", target: str = str(TARGET)) -> None:
    """Choose the rows, draw them, and write the image."""
    storage = Storage(workspace)
    manifest = find_version(storage, corpus)
    Path(target).write_bytes(
        png(sheet(storage, manifest, chosen(storage, manifest), CROP), effort=9)
    )


def chosen(storage: Storage, manifest: CorpusManifest) -> list[Pair]:
    """The first pairs with detail of `KERNELS` kernels and as many photos, and the first of
    the bicubic control.
    """
    shown: list[Pair] = []
    bicubic: list[Pair] = []
    for pair in detailed(storage, manifest):
        if pair.row.degrader == "bicubic":
            bicubic.append(pair)
        elif kernel_of(pair) is not None and all(differ(pair, other) for other in shown):
            shown.append(pair)
    shown = shown[:KERNELS]
    others = [pair for pair in bicubic if all(pair.row.image != other.row.image for other in shown)]
    return [*shown, *(others or bicubic)[:1]]


def detailed(storage: Storage, manifest: CorpusManifest) -> Iterator[Pair]:
    """Pairs of a version in the order of its table, without those whose best crop shows too
    little.
    """
    for group in range(len(manifest.shard_names)):
        rows = list(table_rows(storage, manifest, [group], manifest.identity.shards[group].samples))
        pairs = read_pairs(storage, manifest, rows)
        yield from (
            pair for pair in pairs if detail(crops(pair, CROP, pair.program.scale)[0]) >= DETAIL
        )


def detail(image: Image) -> float:
    """Mean magnitude of the grey Laplacian, in intensity levels."""
    return float(np.abs(cv2.Laplacian(grey(image), cv2.CV_32F)).mean())


def kernel_of(pair: Pair) -> tuple[str, int] | None:
    """Pool and row of the kernel that a pair was blurred with; none without such a blur."""
    return next(
        ((op.pool, op.index) for op in pair.program.ops if isinstance(op, PooledBlur)), None
    )


def differ(first: Pair, second: Pair) -> bool:
    """Whether two pairs have different photos and kernels."""
    return first.row.image != second.row.image and kernel_of(first) != kernel_of(second)


if __name__ == "__main__":
    main(*sys.argv[1:])
