"""Rows of tables that the terminal and Prefect show alike."""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.report.realism import percent, spread
from pairmill.pipeline.report.realism_card import TITLES, interval_of, label_of, value_of
from pairmill.schemas.nightly import CheckedVersion
from pairmill.schemas.realism import RealismRow
from pairmill.schemas.realism_card import CardRow, CrossCamera, Score

REALISM_COLUMNS = ("LR", "AUC", "95 % interval", "verdict", "most telling")


def realism_row(row: RealismRow) -> list[str]:
    """A row of the ranking of degraders: how well each can be distinguished, and by what."""
    r = row.result
    name = f"({row.name})" if row.control else row.name
    if r.auc is None or r.interval is None:
        return [name, "", "", r.words(), r.problem]
    return [name, percent(r.auc), spread(r.interval), r.words(), r.telling[0] if r.telling else ""]


CARD_COLUMNS = ("LR", "AKLD", "KLD", "spectrum", "KID", "FID")


def card_row(row: CardRow) -> list[str]:
    """A row of the realism card: scores, each with its interval."""
    name = f"({label_of(row)})" if row.control else label_of(row)
    return [name, *(_scored(row.score(score)) for score in TITLES)]


def _scored(score: Score | None) -> str:
    if score is None:
        return ""
    return f"{value_of(score)} ({interval_of(score)})" if score.interval else value_of(score)


def matrix_rows(cross: CrossCamera) -> list[list[str]]:
    """The cross-camera matrix, and in brackets that of photographs against photographs."""
    rows = [[name, *map(_told, row)] for name, row in zip(cross.groups, cross.lr, strict=True)]
    control = zip(cross.groups, cross.control, strict=True)
    return rows + [[f"(photographs of {name})", *map(_told, row)] for name, row in control]


def _told(score: Score | None) -> str:
    return "" if score is None else percent(score.value)


def night_row(version: CheckedVersion) -> dict[str, Any]:
    """A row of the night's table."""
    faults = [f"{finding.fault} {finding.where}: {finding.detail}" for finding in version.findings]
    faults += [f"replay differs: {key}" for key in version.differing] + (
        [version.problem] if version.problem else []
    )
    return {
        "corpus": version.corpus,
        "version": version.version,
        "tags": ", ".join(version.tags),
        "samples": version.samples,
        "replayed": version.replayed,
        "result": "checksums" if version.ok else "differs",
        "found": "; ".join(faults[:10])
        + (f"; and {len(faults) - 10} more" if len(faults) > 10 else ""),
        "seconds": version.seconds,
    }
