"""Sealed versions from Python: open, read, check, make again, compare, export."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.diff import diff
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.replay import Replayed, corpus_assets, find_samples, replay
from pairmill.pipeline.corpora.tags import set_tag
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.export.base import Job
from pairmill.pipeline.export.run import Exported, export, plan
from pairmill.pipeline.export.source import stream_items
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.apply import apply as run_program
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.pipeline.workspace.version_folder import VersionFolder
from pairmill.samples import Samples
from pairmill.schemas.corpus import CorpusManifest, Tag, VerifyReport
from pairmill.schemas.diff import CorpusDiff
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.program import Program
from pairmill.schemas.sample import SampleRow

if TYPE_CHECKING:
    from pairmill.pipeline.shards.reader import Pairs

Place = str | os.PathLike[str]
"""A path, or an fsspec URL such as `s3://bucket/folder`."""
Image = NDArray[np.uint8]
"""(H, W, 3), sRGB."""


class Pair(NamedTuple):
    """One sample with its pixels."""

    hr: Image
    """(s H, s W, 3) uint8 sRGB."""
    lr: Image
    """(H, W, 3) uint8 sRGB."""
    record: SampleRow
    """Key, split, source image, program, digests."""


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """One sealed version: immutable, except for the tags that it is given.

    Get one from `pairmill.open` or `pairmill.build`.
    """

    storage: Storage
    """The workspace, or the version's folder alone."""
    manifest: CorpusManifest
    """All that determines the version, and what is known of the run that made it."""

    def __repr__(self) -> str:
        return f"Corpus({self.reference}, {len(self.samples)} pairs, x{self.scale})"

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.manifest.identity.name

    @property
    def version(self) -> str:
        """The version, 12 hexadecimal digits."""
        return self.manifest.version

    @property
    def reference(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @property
    def scale(self) -> int:
        """HR side over LR side."""
        return int(self.manifest.identity.recipe["scale"])

    @property
    def splits(self) -> dict[str, int]:
        """Samples per split."""
        return dict(self.manifest.identity.samples)

    @property
    def path(self) -> str:
        """Folder or URL of the version."""
        return self._path(".")

    @property
    def report(self) -> str:
        """Path or URL of the page that shows pairs, kernels, noise, and what was rejected."""
        return self._path("report/index.html")

    @cached_property
    def samples(self) -> Samples:
        """Records of all samples, read as they are asked for."""
        return Samples(self.storage, self.manifest)

    @cached_property
    def assets(self) -> Assets:
        """The pools that programs of this version draw from, in memory.

        Raises:
            IntegrityError: if a pool is missing or not as it was sealed.
        """
        return corpus_assets(self.storage, self.manifest)

    def shards(self, split: str | None = None) -> list[str]:
        """Paths or URLs of the tars of one split, or of all, for `pairmill.Pairs` or webdataset.

        Raises:
            UserError: if there is no such split.
        """
        return [self._path(f"shards/{source.name}") for source in self._job(split).sources()]

    def pairs(self, split: str | None = None) -> Iterator[Pair]:
        """Pairs of one split, or of all, in the order of the shards and one at a time.

        For random crops in a new order every epoch there is `pairmill.Loader`.

        Raises:
            UserError: if there is no such split.
            IntegrityError: if a shard is not as it was sealed, at the latest after its last pair.
        """
        job = self._job(split)
        return (
            Pair(
                decode(item.hr),
                decode(item.lr),
                SampleRow(**dict(item.record), split=source.record.split, shard=source.name),
            )
            for source in job.sources()
            for item in stream_items(job, source)
        )

    def training(
        self,
        split: str = "train",
        crop: int | None = None,
        seed: int = 0,
        *,
        augment: bool = True,
        device: str = "",
        labels: LabelConfig | None = None,
    ) -> Pairs:
        """The pairs of a split for `pairmill.Loader`; where LR is not stored, it is made of HR and
        program as it is read, and only the part that a crop needs.

        Args:
            split: Which split.
            crop: Side of the HR crop, in pixels, a multiple of the scale; none takes whole tiles.
            seed: Seed of order, crops and turns.
            augment: Whether crops are rotated and mirrored.
            device: Where LR is made of HR: workers do it without a word; `cuda`, `cpu` or `auto`
                makes it in the training process, a batch at a time, and gives batches there.
            labels: Gives each crop's kernel, noise and codec too, laid out like this, as the third
                of an item: (K, K), (1, h, w), () float32, see `pairmill.Labels`.

        Raises:
            UserError: if there is no such split or device, or LR is stored and a device is named;
                with labels, if no kernel is known of some LR, or one is larger than the grid.
            IntegrityError: if a shard is cut, or a pool is not as it was sealed.
        """
        from pairmill.models.device import resolve_device
        from pairmill.pipeline.corpora.labelled import open_labels
        from pairmill.pipeline.corpora.replayed import ReplayedIndex, split_index
        from pairmill.pipeline.shards.reader import Pairs

        self._job(split)
        index = split_index(self.storage, self.manifest, split)
        told = None if labels is None else open_labels(self.storage, self.manifest, split, labels)
        if not device:
            return Pairs(index, crop, seed, augment=augment, labels=told)
        if not isinstance(index, ReplayedIndex):
            raise UserError(
                "the LR of this version is stored: there is nothing to make on a device",
                where=self.reference,
                got=f"device {device}",
                todo="leave the device out",
            )
        from pairmill.pipeline.corpora.device_pairs import DevicePairs

        there = resolve_device(device)
        return DevicePairs(index, crop, seed, augment=augment, device=there, labels=told)

    def verify(self) -> VerifyReport:
        """Read everything and compare it with the manifest; `ok` says that all checksums match."""
        return verify(self.storage, self.manifest)

    def replay(self, key: str) -> Replayed:
        """Make one LR again from HR, program and pools; `identical` says that no pixel differs.

        Raises:
            UserError: if there is no sample of that key.
            IntegrityError: if a pool, a shard or the sample is missing or damaged.
        """
        wanted = find_samples(self.storage, self.manifest, [key])
        return next(replay(self.storage, self.manifest, wanted))

    def export(
        self,
        folder: Place,
        to: str,
        split: str | None = None,
        labels: LabelConfig | None = None,
    ) -> Exported:
        """Write one split, or all, in another format; a killed export continues where it was.

        Args:
            folder: A local folder; it takes one export.
            to: `folder`, `basicsr-lmdb`, `huggingface` or another of docs/how-to/training.md.
            split: Which split; all without it.
            labels: Writes each sample's kernel too, laid out like this; formats folder,
                realesrgan-meta, kair, parquet and huggingface.

        Raises:
            UserError: if there is no such format or split, the folder holds something else, a
                library is missing, or labels cannot be written.
            IntegrityError: if a shard is not as it was sealed.
        """
        splits = () if split is None else (split,)
        return export(plan(self.storage, self.manifest, to, os.fspath(folder), splits, labels))

    def materialise(self, workspace: Place | None = None, *, workers: int = 1) -> Corpus:
        """Write the LR of a version that does not store it: the version that the same recipe makes
        with `shards: {lr: stored}`, from HR, programs and pools alone.

        Args:
            workspace: Folder or URL of the workspace that gets it; this version's own without it.
            workers: Processes; see `pairmill.build`.

        Raises:
            UserError: if the version stores its LR.
            IntegrityError: if something of the version is missing or damaged, or an LR does not
                come out as it was sealed.
        """
        from pairmill.materialising import materialise

        target = self.storage if workspace is None else Storage(os.fspath(workspace))
        return Corpus(target, materialise(self.storage, self.manifest, target, workers))

    def diff(self, other: Corpus) -> CorpusDiff:
        """What changed from this version to another one of the same workspace, and by what.

        Raises:
            UserError: if the other lies in another workspace.
        """
        if other.storage.url != self.storage.url:
            raise UserError(
                "only versions of one workspace can be compared",
                got=other.storage.url,
                wanted=self.storage.url,
                todo="open both in the same workspace",
            )
        return diff(self.storage, self.manifest, other.manifest)

    def tag(self, name: str) -> Tag:
        """Give this version a name, which keeps it from being collected.

        Raises:
            UserError: if the name cannot be one, or another version has it.
        """
        return set_tag(self.storage, self.reference, name, now())

    def _path(self, name: str) -> str:
        folder = layout.version_folder(self.name, self.version)
        return self.storage.path(f"{folder}/{name}").rstrip("/")

    def _job(self, split: str | None) -> Job:
        if split is not None and split not in self.splits:
            raise UserError(
                "the version has no such split",
                where=self.reference,
                got=split,
                wanted=", ".join(self.splits),
            )
        splits = tuple(self.splits) if split is None else (split,)
        return Job(self.storage, self.manifest, splits, Path())


def open(reference: Place, workspace: Place = "data") -> Corpus:  # noqa: A001
    """A sealed version.

    Args:
        reference: NAME for the newest version, NAME@VERSION, where a few digits are enough, or
            NAME@TAG; or the folder of a version, as a path or URL.
        workspace: Folder or URL that holds stages and corpora, for names.

    Raises:
        UserError: if there is no such corpus or version.
        IntegrityError: if the manifest is missing or damaged.
    """
    if isinstance(reference, str) and not {"/", os.sep} & set(reference):
        storage = Storage(os.fspath(workspace))
        return Corpus(storage, find_version(storage, reference))
    return _in_folder(os.fspath(reference))


def _in_folder(folder: str) -> Corpus:
    """The version in a folder, as part of its workspace if it lies in one."""
    alone = Storage(folder)
    if not alone.exists("manifest.json"):
        raise UserError(
            "no version lies in this folder",
            where=alone.url,
            wanted="a folder with a manifest.json",
            todo="give the folder of one version, or NAME@VERSION",
        )
    manifest = _manifest(alone)
    name, version = manifest.identity.name, manifest.version
    home, below, _ = alone.url.partition(f"/{layout.version_folder(name, version)}")
    if below and alone.url == home + below:
        return Corpus(Storage(home), manifest)
    return Corpus(VersionFolder(folder, name, version), manifest)


def _manifest(folder: Storage) -> CorpusManifest:
    try:
        return CorpusManifest.model_validate_json(folder.read("manifest.json"))
    except ValueError as error:
        raise IntegrityError(
            "a manifest is damaged",
            where=folder.path("manifest.json"),
            got=str(error).splitlines()[0],
            todo="copy or download the version again",
        ) from error


def apply(program: Program | str, hr: Image, pools: Corpus | Assets | None = None) -> Image:
    """Make an LR of an HR by a program.

    Args:
        program: Ops in order, or the JSON of them, as `SampleRow.program` holds it.
        hr: (H, W, 3) uint8 sRGB, sides multiples of the program's scale.
        pools: Where its kernels, noise and fits are: a corpus; programs of ops that draw from
            nothing need none.

    Returns:
        (H / scale, W / scale, 3) uint8, the same bits on every machine.

    Raises:
        ValueError: if the program does not lead to a uint8 image of that size.
        IntegrityError: if a pool or a row of one is missing.
    """
    if isinstance(program, str):
        program = Program.model_validate_json(program)
    assets = pools.assets if isinstance(pools, Corpus) else pools or Assets()
    return run_program(program, hr, assets)
