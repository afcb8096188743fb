"""Pairs of files by name, as a recipe names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pairmill.pipeline.images.find import FoundFile, find_files
from pairmill.pipeline.images.listing import composed
from pairmill.schemas.errors import UserError


@dataclass(frozen=True)
class PairPatterns:
    """Where the two halves of pairs are."""

    key: str
    """Recipe key, such as `images.pairs`."""
    first: str
    """Key of the first half below it, such as `lq`."""
    second: str
    patterns: tuple[Sequence[str], Sequence[str]]
    """Of the first half and of the second."""
    named: Callable[[str], str] = str
    """The name that a file goes by, from its stem."""


HALF = re.compile(r"[-_ ](?:hr|lr|x)\d*$", re.IGNORECASE)


def without_half(stem: str) -> str:
    """The name of a pair whose files say which half they are: `Canon_001_LR2`, `DSC_1454_x1`."""
    return HALF.sub("", stem) or stem


def find_pairs(
    pairs: PairPatterns, base: str, limit: int | None = None
) -> list[tuple[str, FoundFile, FoundFile]]:
    """Names and both files of all pairs, or of the first `limit`, by name.

    Raises:
        UserError: if a pattern matches nothing, or a file has no counterpart of its name, or two.
    """
    first, second = (
        _by_name(find_files(patterns, base, f"{pairs.key}.{part}"), pairs, part)
        for part, patterns in zip((pairs.first, pairs.second), pairs.patterns, strict=True)
    )
    if alone := sorted(first.keys() ^ second.keys()):
        shown = ", ".join(
            f"{name} (only in {pairs.first if name in first else pairs.second})"
            for name in alone[:5]
        )
        more = ""
        if len(alone) > 5:
            more = f" and {len(alone) - 5} more"
        raise UserError(
            f"files of {pairs.key} have no counterpart",
            where=f"recipe key {pairs.key}",
            got=shown + more,
            wanted=f"an {pairs.second.upper()} file of the same name for every "
            f"{pairs.first.upper()} file; extensions may differ",
            todo="rename the files, or take those without a counterpart out of the folders",
        )
    return [(name, first[name], second[name]) for name in sorted(first)][:limit]


def _by_name(files: Sequence[FoundFile], pairs: PairPatterns, part: str) -> dict[str, FoundFile]:
    found: dict[str, FoundFile] = {}
    for file in files:
        first = found.setdefault(composed(pairs.named(PurePosixPath(file.url).stem)), file)
        if first is not file:
            raise UserError(
                f"two files of {pairs.key} have the same name",
                where=f"recipe key {pairs.key}.{part}",
                got=f"{first.url} and {file.url}",
                wanted="one file per name",
                todo="rename one, or name fewer folders",
            )
    return found
