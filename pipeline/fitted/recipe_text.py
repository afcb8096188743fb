"""The recipe of a fitted chain, as a YAML file that a user can read and change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pairmill.pipeline.fitted.run import LEFT_OUT, FittedChain
from pairmill.pipeline.recipe.edit import without_defaults
from pairmill.schemas.chain_fit import ChainFitReport

PATTERNS = (
    ("images", "real"),
    ("images", "clean"),
    ("images", "attribution"),
    ("images", "pairs", "lq"),
    ("images", "pairs", "hq"),
    ("curation", "benchmarks"),
    ("train",),
)
"""Keys whose values are places, relative to the recipe's folder."""


class _Dumper(yaml.SafeDumper):
    """Lists of numbers and tables of weights on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def recipe_text(fitted: FittedChain, written: Mapping[str, Any], base: str, folder: str) -> str:
    """YAML of the recipe as its author wrote it, with the fitted chain.

    Args:
        fitted: What was found.
        written: The recipe's values as they were written, without defaults.
        base: Folder that its relative patterns start at.
        folder: Folder that the text goes to; with another one, patterns become absolute.
    """
    values = dict(written)
    entries = [without_defaults(degrader) for degrader in fitted.recipe.degraders]
    values["degraders"] = entries
    if Path(base).resolve() != Path(folder).resolve():
        values = absolute(values, base)
    body = yaml.dump(values, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100)
    return "\n".join(f"# {line}".rstrip() for line in _header(fitted.report)) + "\n" + body


def absolute(values: dict[str, Any], base: str) -> dict[str, Any]:
    """The values with patterns that lead to the same places from anywhere."""
    for path in PATTERNS:
        values = _replaced(values, path, base)
    return values


def _replaced(value: Any, path: tuple[str, ...], base: str) -> Any:
    if not path:
        return _moved(value, base)
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _replaced(value[path[0]], path[1:], base)}


def _moved(value: Any, base: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _moved(one, base) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(one, base) for one in value]
    if not isinstance(value, str) or not value or "://" in value or value.startswith(("/", "~")):
        return value
    return str(Path(base) / value)


def _header(report: ChainFitReport) -> list[str]:
    """What was done, for who opens the file."""
    rows = [row for row in report.settings if row.before != row.after]
    nearer = " -> ".join(f"{row.camera:.2f}" for row in report.distances[:2])
    return [
        f"{report.degrader}, fitted to {report.photographs} photographs by `pairmill fit chain`; "
        "change what you like.",
        f"Distance to the camera: {nearer} (bicubic {report.distances[2].camera:.2f}, "
        f"the camera to itself {report.distances[3].camera:.2f}).",
        *(note for note in report.notes if note == LEFT_OUT),
        *(f"  {row.path}: {row.before} -> {row.after}  ({row.kept:.0%} kept)" for row in rows),
    ]
