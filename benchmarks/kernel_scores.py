"""Scores of estimated kernels, their means, and tables of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from benchmarks.kernel_cases import Photograph
from benchmarks.kernel_methods import Estimate, log_width
from benchmarks.kernel_restoration import score, weight_of

Array = NDArray[np.float64]

NINETY = 1.645
"""Standard deviations on either side that hold 90 % of a Gaussian."""


@dataclass(frozen=True)
class Key:
    """What is averaged over has this in common."""

    section: str
    pictures: str
    truth: str
    condition: str
    scale: int
    group: int
    """Photographs that the kernel was estimated from."""
    method: str


@dataclass(frozen=True)
class Score:
    """One estimated kernel."""

    key: Key
    error: float
    """|k - truth| / |truth|."""
    l1: float
    """Sum of |k - truth|."""
    ncc: float
    """Cosine of the angle between kernel and truth."""
    width: float
    """Logarithm of its width over that of the truth: above 0 it is too wide."""
    seconds: float
    """Core seconds per photograph."""
    form: str
    away: float
    """`width` in standard deviations, as the method says them."""
    expected: float
    """`error` as the method expects it."""
    psnr: float
    """PSNR-Y of super-resolution with it, in decibels."""


def kept(folder: Path | None, name: str, work: Callable[[], Iterable[Score]]) -> list[Score]:
    """Scores that a file of a folder holds from an earlier run, or new ones, which it then holds.

    Args:
        folder: Made if there is none; without one nothing is kept.
        name: Of the file, without its ending.
        work: Makes them.
    """
    if folder is None:
        return list(work())
    file = folder / f"{name}.json"
    if file.exists():
        return [Score(**{**one, "key": Key(**one["key"])}) for one in json.loads(file.read_text())]
    found = list(work())
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(one) for one in found], indent=1)
    part = file.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(file)
    return found


def scored(
    key: Key, estimate: Estimate, truth: Array, photographs: Sequence[Photograph] = ()
) -> Score:
    """Score a kernel, and what super-resolution of some photographs makes of it."""
    kernel, left = estimate.kernel, estimate.kernel - truth
    width = log_width(kernel) - log_width(truth)
    return Score(
        key,
        error=float(np.linalg.norm(left) / np.linalg.norm(truth)),
        l1=float(np.abs(left).sum()),
        ncc=float((kernel * truth).sum() / np.linalg.norm(kernel) / np.linalg.norm(truth)),
        width=width,
        seconds=estimate.seconds,
        form=estimate.form,
        away=width / estimate.deviation if estimate.deviation > 0 else float("nan"),
        expected=estimate.expected,
        psnr=restored(photographs, kernel),
    )


def restored(photographs: Sequence[Photograph], kernel: Array) -> float:
    """Mean PSNR-Y of super-resolution with a kernel; NaN of none."""
    if not photographs:
        return float("nan")
    return float(
        np.mean(
            [
                score(
                    one.image,
                    one.picture.image,
                    kernel,
                    one.camera.scale,
                    weight_of(one.condition),
                )
                for one in photographs
            ]
        )
    )


def rows_of(scores: Iterable[Score]) -> list[Row]:
    """Means of scores with the same key, in the order in which keys come up first."""
    groups: dict[Key, list[Score]] = {}
    for one in scores:
        groups.setdefault(one.key, []).append(one)
    return [_row(key, some) for key, some in groups.items()]


def _row(key: Key, scores: Sequence[Score]) -> Row:
    errors = [one.error for one in scores]
    forms = sorted({one.form for one in scores} - {""})
    found: dict[str, Any] = {
        **vars(key),
        "kernels": len(scores),
        "error": _mean(errors),
        "largest error": max(errors),
        "L1": _mean([one.l1 for one in scores]),
        "NCC": _mean([one.ncc for one in scores]),
        "width": _mean([one.width for one in scores]),
        "core seconds": _mean([one.seconds for one in scores]),
        "PSNR-Y": _mean([one.psnr for one in scores]),
        "expected error": _mean([one.expected for one in scores]),
        "within 90 %": coverage(scores),
        "forms": {form: sum(one.form == form for one in scores) for form in forms},
    }
    return {name: _short(value) for name, value in found.items() if not _nothing(value)}


def coverage(scores: Sequence[Score]) -> float:
    """Share of true widths inside the intervals that should hold 90 %; NaN without intervals."""
    away = np.array([one.away for one in scores])
    known = np.isfinite(away)
    if not known.any():
        return float("nan")
    return float((np.abs(away[known]) < NINETY).mean())


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _nothing(value: Any) -> bool:
    return value == {} or (isinstance(value, float) and not np.isfinite(value))


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def table(rows: Sequence[Row], lines: Sequence[str], column: str, value: str) -> str:
    """A Markdown table: a line per different values of `lines`, a column per value of `column`.

    Args:
        rows: at most one per cell.
        lines: names that tell lines apart.
        column: name whose values become columns.
        value: name of what stands in the cells.
    """
    columns = list(dict.fromkeys(row[column] for row in rows))
    cells: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in rows:
        line = cells.setdefault(tuple(row[name] for name in lines), {})
        if value in row:
            line[row[column]] = _said(row[value])
    text = ["| " + " | ".join([*lines, *map(str, columns)]) + " |"]
    text.append("|" + "---|" * (len(lines) + len(columns)))
    for names, values in cells.items():
        said = [*map(str, names), *(values.get(one, "") for one in columns)]
        text.append("| " + " | ".join(said) + " |")
    return "\n".join(text)


def _said(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"
