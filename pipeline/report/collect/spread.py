"""How the samples are distributed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pipeline.report.collect.choose import histogram
from pipeline.report.collect.samples import Pair
from pipeline.report.pictures import Image, grey
from schemas.corpus import CorpusManifest
from schemas.ops.pooled import Inject, PooledBlur
from schemas.program import Program
from schemas.report import Histogram, SpreadSection

if TYPE_CHECKING:
    from pipeline.corpora.seal import Made

BINS = 64
"""Intervals of brightness."""
BARS = 96
"""Most kernels that get a bar of their own."""


def collect_spread(made: Made, manifest: CorpusManifest, pairs: list[Pair], programs: list[Program]) -> SpreadSection:
    """Count."""
    use = _kernel_use(manifest, programs)
    strengths = [op.strength for program in programs for op in program.ops if isinstance(op, Inject)]
    return SpreadSection(
        shares=_shares(made),
        tiles=histogram([len(ref.hr.tiles) for ref in made.hr.manifest.images], whole=True),
        programs=len(programs),
        strength=histogram(strengths) if strengths else None,
        kernel_use=tuple(use) if len(use) <= BARS else (),
        kernel_draws=histogram(use, whole=True) if use else None,
        tiles_read=len(pairs),
        brightness_hr=_brightness([pair.hr for pair in pairs]),
        brightness_lr=_brightness([pair.lr for pair in pairs]),
    )


def _shares(made: Made) -> dict[str, dict[str, int]]:
    shares: dict[str, Counter[str]] = {}
    for ref in made.shards.manifest.shards:
        shares.setdefault(ref.result.split, Counter()).update(ref.result.degraders)
    return {split: dict(sorted(counts.items())) for split, counts in shares.items()}


def _kernel_use(manifest: CorpusManifest, programs: list[Program]) -> list[int]:
    pool = next((ref for ref in manifest.identity.pools if ref.kind == "kernels"), None)
    blurs = [op for program in programs for op in program.ops if isinstance(op, PooledBlur)]
    drawn = [op.index for op in blurs if pool is not None and op.pool == pool.digest]
    count = pool.count if pool is not None else 0
    return [int(uses) for uses in np.bincount(drawn, minlength=count)] if drawn else []


def _brightness(images: list[Image]) -> Histogram:
    edges = np.linspace(0, 256, BINS + 1)
    counts = np.zeros(BINS, np.int64)
    for image in images:
        counts += np.histogram(grey(image), edges)[0]
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))
