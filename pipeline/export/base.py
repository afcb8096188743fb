"""What every export format is: where it writes, what it gets, and its steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.replay import corpus_assets, read_table
from pairmill.pipeline.shards.tar import ShardForm
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, ShardRecord
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.sample import SampleRecord, SampleRow

if TYPE_CHECKING:
    from pairmill.pipeline.corpora.labelled import Labeller

Part = dict[str, Any]
"""What a format remembers of a shard that it has written; JSON."""


@dataclass(frozen=True)
class Source:
    """One shard of the version."""

    number: int
    """Number within its split."""
    name: str
    """File name."""
    record: ShardRecord

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.removesuffix(".tar")


@dataclass(frozen=True)
class Item:
    """One pair as it lies in the shard."""

    record: SampleRecord
    json: bytes
    hr: bytes
    """PNG."""
    lr: bytes
    """PNG."""
    kernel: NDArray[np.float32] | None = None
    """(K, K), see `Labels`; none where labels are not asked for."""

    @property
    def key(self) -> str:
        """Name of the sample."""
        return self.record.key


@dataclass(frozen=True)
class Job:
    """A version, the splits that are wanted of it, and the folder that gets them."""

    storage: Storage
    manifest: CorpusManifest
    splits: tuple[str, ...]
    out: Path
    labels: LabelConfig | None = None
    """How kernels are laid out that are written too; none without them."""

    @cached_property
    def labellers(self) -> dict[str, Labeller]:
        """Gives the kernels of each split, those of the middles of tiles; none without labels.

        Raises:
            UserError: see `open_labels`.
        """
        if self.labels is None:
            return {}
        from pairmill.pipeline.corpora.labelled import open_labels

        config = self.labels.with_(place="tile")
        return {
            split: open_labels(self.storage, self.manifest, split, config) for split in self.splits
        }

    @cached_property
    def assets(self) -> Assets | None:
        """The version's pools, where its LR has to be made; none where it is stored."""
        if ShardForm.of(self.manifest.identity.recipe).lr_stored:
            return None
        return corpus_assets(self.storage, self.manifest)

    def sources(self) -> list[Source]:
        """The shards of the wanted splits, in order."""
        numbers = dict.fromkeys(self.splits, 0)
        found = []
        for name, record in zip(
            self.manifest.shard_names, self.manifest.identity.shards, strict=True
        ):
            if record.split in numbers:
                found.append(Source(numbers[record.split], name, record))
                numbers[record.split] += 1
        return found

    def rows(self) -> Iterator[SampleRow]:
        """Rows of the table for the wanted splits, in the order of the shards."""
        return (row for row in read_table(self.storage, self.manifest) if row.split in self.splits)

    def samples(self, split: str) -> int:
        """Number of samples in a split."""
        return self.manifest.identity.samples[split]


class Exporter(ABC):
    """One format.

    `shard` may be called again for a shard that a killed export left unfinished, and must then end
    in the same files. What names the pictures to a reader, such as an index, is written by
    `finish`: half an export is not mistaken for one.
    """

    name: ClassVar[str]
    """What to give to --to."""
    arrays: ClassVar[bool] = False
    """Whether kernels have a place in it."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def begin(self) -> None:  # noqa: B027
        """Check that the format can be written here, before anything is."""

    @abstractmethod
    def shard(self, source: Source, items: Iterator[Item]) -> Part:
        """Write the pairs of one shard."""

    @abstractmethod
    def settle(self, source: Source, part: Part) -> Part:
        """See that a shard's files are on the disk, and note what takes another reading of them; a
        thread does it while the next shard is written, and only then the journal has the shard.
        """

    @abstractmethod
    def finish(self, parts: Sequence[tuple[Source, Part]]) -> None:
        """Write indexes and lists."""

    @abstractmethod
    def how(self) -> str:
        """How to read it: one line."""
