"""The real pairs: how well they register, and which were rejected."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from pairmill.pipeline.html.markup import (
    Raw,
    chips,
    counted,
    definitions,
    el,
    of,
    section,
    table,
    titled,
)
from pairmill.schemas.aligned import AlignedFigures, AlignedPair
from pairmill.schemas.aligned_pool import AlignedManifest, AlignedSection

SHOWN = 60
"""Maximum number of used pairs, and of rejected ones, that are listed."""
COLUMNS = (
    "pair",
    "scale",
    "shift, px",
    "registered",
    "shift left, px",
    "before, levels",
    "after, levels",
    "PSNR",
    "colour, levels",
)


def collect_aligned(pool: AlignedManifest) -> AlignedSection:
    """Count and list."""
    used = [pair for pair in pool.judged if pair.reason is None]
    rejected = [pair for pair in pool.judged if pair.reason is not None]
    return AlignedSection(
        used=tuple(used[:SHOWN]),
        rejected=tuple(rejected[:SHOWN]),
        pairs_used=len(used),
        pairs_rejected=len(rejected),
        reduced=sum(pair.reduced for pair in used),
        tiles=pool.count,
        skipped=pool.skipped,
        before=_median([pair.figures.residual_before for pair in used]),
        after=_median([pair.figures.residual_after for pair in used]),
    )


def _median(values: list[float]) -> float:
    return round(float(np.median(values)), 3) if values else 0.0


def aligned_html(aligned: AlignedSection) -> Raw:
    """Which pairs take part, how closely they agree, and why the others do not."""
    return section(
        "aligned", "Real pairs", _lead(aligned), _facts(aligned), *_tables(aligned), folded=True
    )


def _lead(aligned: AlignedSection) -> str:
    total = aligned.pairs_used + aligned.pairs_rejected
    return (
        f"{aligned.pairs_used:,} of {counted(total, 'pair')} of photos could be registered. LR is "
        "what the camera made; HR was moved onto LR, to a fraction of a pixel, and given its "
        "brightness and contrast. The difference that remains between LR and blurred HR is "
        f"{aligned.after:.2f} intensity levels (root mean square) for the median pair; it was "
        f"{aligned.before:.2f} before."
    )


def _facts(aligned: AlignedSection) -> Raw:
    rows: list[tuple[str, object]] = [("tiles", f"{aligned.tiles:,}")]
    if aligned.skipped:
        rows.append(("tiles skipped", chips(aligned.skipped)))
    if aligned.reduced:
        rows.append(("LR as large as HR", f"{aligned.reduced:,}, downscaled"))
    if aligned.pairs_rejected:
        reasons = Counter(str(pair.reason) for pair in aligned.rejected)
        rows.append(("pairs rejected", chips(dict(reasons))))
    return definitions(rows)


def _tables(aligned: AlignedSection) -> list[Raw]:
    caption = (
        "Used pairs: shifts in HR pixels, of the whole image and then of its blocks; differences "
        "before and after registration in intensity levels"
    )
    shown = table(
        COLUMNS, [_row(pair) for pair in aligned.used], caption, frozenset(range(1, len(COLUMNS)))
    )
    found = [_titled("Used pairs", len(aligned.used), aligned.pairs_used, shown)]
    if aligned.rejected:
        rows = [
            [el("bdi", pair.name), str(pair.reason).replace("-", " "), pair.detail]
            for pair in aligned.rejected
        ]
        shown = table(("pair", "reason", "what was found"), rows, "Rejected pairs")
        found.append(_titled("Rejected pairs", len(rows), aligned.pairs_rejected, shown))
    return found


def _titled(title: str, shown: int, total: int, content: Raw) -> Raw:
    return titled(title, of(shown, total), content)


def _row(pair: AlignedPair) -> list[object]:
    f = pair.figures
    return [
        el("bdi", pair.name),
        f"{f.scale:.3f}",
        f"{math.hypot(*f.shift):.1f}",
        f"{100 * f.registered:.0f} %",
        f"{f.shift_left:.2f}",
        f"{f.residual_before:.2f}" if f.residual_before else "–",
        f"{f.residual_after:.2f}",
        _psnr(f),
        f"{f.colour:.1f}",
    ]


def _psnr(figures: AlignedFigures) -> str:
    """Between LR and blurred HR, in dB."""
    return f"{20 * math.log10(255 / max(figures.residual_after, 0.01)):.1f} dB"
