"""The samples of a version as a sequence, read from its table as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

import numpy as np

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.shards.table import opened_table, rows_of
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.sample import SampleRow


class Samples(Sequence[SampleRow]):
    """All samples, in the order of the shards: key, split, degrader, program, digests and so on.

    Iterating takes flat memory, a shard's rows at a time; a number or a slice reads the rows of the
    shards that it is about.
    """

    def __init__(self, storage: Storage, manifest: CorpusManifest) -> None:
        self._storage, self._manifest = storage, manifest
        counts = [shard.samples for shard in manifest.identity.shards]
        self._starts = np.array([0, *accumulate(counts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __iter__(self) -> Iterator[SampleRow]:
        return read_table(self._storage, self._manifest)

    @overload
    def __getitem__(self, place: int) -> SampleRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[SampleRow]: ...
    def __getitem__(self, place: int | slice) -> SampleRow | list[SampleRow]:
        if isinstance(place, slice):
            return self._at(range(*place.indices(len(self))))
        return self._at([range(len(self))[place]])[0]

    def _at(self, numbers: Sequence[int]) -> list[SampleRow]:
        groups = np.searchsorted(self._starts, numbers, side="right") - 1
        found: dict[int, SampleRow] = {}
        with opened_table(self._storage, self._manifest) as table:
            for group in np.unique(groups).tolist():  # a row group is a shard
                found |= dict(enumerate(rows_of(table, group), int(self._starts[group])))
        return [found[number] for number in numbers]
