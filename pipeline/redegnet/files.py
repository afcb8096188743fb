"""Pairs of files by name, and files of weights, as a recipe names them; and the pairs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.find import FoundFile, find_files
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.redegnet.pairs import Faces
from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import PairsConfig
from pairmill.schemas.redegnet import FacePair

"""Pairs were judged when they were ingested."""
KEPT = 512
"""Pairs that are kept decoded; 512 x 512 pairs take 1.5 MiB each."""


class WeightsFile(Frozen):
    """A file of weights and what is in it."""

    url: str
    """Where it lies."""
    sha256: Digest
    """Digest of its bytes."""


def find_pairs(
    pairs: PairsConfig, base: str, limit: int | None = None
) -> list[tuple[str, FoundFile, FoundFile]]:
    """Names, LQ and HQ files of all pairs, or of the first `limit`, by name.

    Raises:
        UserError: if a pattern matches nothing, or a file has no counterpart of its name, or two.
    """
    lq, hq = (
        _by_name(find_files(patterns, base, f"images.pairs.{part}"), part)
        for part, patterns in (("lq", pairs.lq), ("hq", pairs.hq))
    )
    if alone := sorted(lq.keys() ^ hq.keys()):
        shown = ", ".join(f"{name} (only in {'lq' if name in lq else 'hq'})" for name in alone[:5])
        more = ""
        if len(alone) > 5:
            more = f" and {len(alone) - 5} more"
        raise UserError(
            "files of images.pairs have no counterpart",
            where="recipe key images.pairs",
            got=shown + more,
            wanted="an HQ file of the same name for every LQ file; extensions may differ",
            todo="rename the files, or take those without a counterpart out of the folders",
        )
    return [(name, lq[name], hq[name]) for name in sorted(lq)][:limit]


def _by_name(files: Sequence[FoundFile], part: str) -> dict[str, FoundFile]:
    found: dict[str, FoundFile] = {}
    for file in files:
        first = found.setdefault(PurePosixPath(file.url).stem, file)
        if first is not file:
            raise UserError(
                "two files of images.pairs have the same name",
                where=f"recipe key images.pairs.{part}",
                got=f"{first.url} and {file.url}",
                wanted="one file per name",
                todo="rename one, or name fewer folders",
            )
    return found


def weights_file(path: str, base: str, key: str) -> WeightsFile:
    """A file of weights that a recipe names, relative to its folder.

    Raises:
        UserError: if there is none, or more than one.
    """
    try:
        files = find_files([path], base, key)
    except UserError as error:
        raise UserError(
            "there is no such weights file",
            where=f"recipe key {key}",
            got=f"{path}; {error.got}",
            todo=error.todo,
        ) from None
    if len(files) != 1:
        raise UserError(
            f"{key} names {len(files)} files",
            where=f"recipe key {key}",
            got=path,
            wanted="one file",
        )
    return WeightsFile(
        url=files[0].url, sha256=hashlib.sha256(_bytes(files[0].url, key)).hexdigest()
    )


def read_weights(file: WeightsFile, key: str) -> bytes:
    """The bytes of a file of weights.

    Raises:
        UserError: if they are no longer those that were found.
    """
    data = _bytes(file.url, key)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise UserError(
            "a file of weights changed",
            where=file.url,
            todo="run the same command again to read the new file",
        )
    return data


def _bytes(url: str, key: str) -> bytes:
    try:
        return read_image(url)
    except ImageRejected as error:
        raise UserError(
            "a file of weights cannot be read",
            where=url,
            got=error.detail,
            todo=f"correct recipe key {key}",
        ) from error


class LoadedPairs(Sequence[Faces]):
    """Pairs that are decoded when they are asked for; those used last stay in memory."""

    def __init__(self, pairs: Sequence[FacePair]) -> None:
        self.pairs = pairs
        self._read = lru_cache(maxsize=KEPT)(self._decoded)

    def _decoded(self, number: int) -> Faces:
        pair = self.pairs[number]
        return Faces(load(pair.lq), load(pair.hq))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> Faces:  # type: ignore[override]
        """A pair, (H, W, 3) uint8 each."""
        if not 0 <= number < len(self.pairs):
            raise IndexError(number)
        return self._read(number)

    def __iter__(self) -> Iterator[Faces]:
        return (self[number] for number in range(len(self)))
