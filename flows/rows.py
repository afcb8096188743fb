"""Rows of tables that the terminal and Prefect show alike."""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.report.realism import percent, spread
from pairmill.schemas.nightly import CheckedVersion
from pairmill.schemas.realism import RealismRow

REALISM_COLUMNS = ("LR", "AUC", "95 % interval", "verdict", "most telling")


def realism_row(row: RealismRow) -> list[str]:
    """A row of the ranking of degraders: how well each can be distinguished, and by what."""
    r = row.result
    name = f"({row.name})" if row.control else row.name
    if r.auc is None or r.interval is None:
        return [name, "", "", r.words(), r.problem]
    return [name, percent(r.auc), spread(r.interval), r.words(), r.telling[0] if r.telling else ""]


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
