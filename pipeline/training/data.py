"""Pairs of a corpus version for training: which shards, how often each degrader, and batches over
the phases of a curriculum.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.corpora.replayed import split_index
from pairmill.pipeline.rng import pick, stream, stream_key
from pairmill.pipeline.shards.index import Index
from pairmill.pipeline.shards.reader import Loader, Pairs, Tensors, Told
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.training import PhaseConfig, TrainConfig


@dataclass(frozen=True)
class Source:
    """The pairs of one split of a version."""

    index: Index
    """Where they lie."""
    degraders: NDArray[np.str_]
    """(N,) which degrader made each."""
    tile: int
    """Shortest HR side of a tile, in pixels."""
    reference: str
    """NAME@VERSION."""
    images: frozenset[str]
    """Pixel digests of the images that they were cut from."""


def open_split(storage: Storage, manifest: CorpusManifest, split: str) -> Source:
    """The pairs of a split, in the order of the shards.

    Raises:
        UserError: if the split is empty.
        IntegrityError: if a shard is cut.
    """
    identity = manifest.identity
    if split not in {shard.split for shard in identity.shards}:
        found = ", ".join(f"{count} {name}" for name, count in identity.samples.items())
        raise UserError(
            f"split {split} is empty",
            where=f"{identity.name}@{manifest.version}",
            got=found,
            todo=f"give `splits: {{{split}: ...}}` a share in the corpus' recipe and build it, "
            "or name another validation.split",
        )
    index = split_index(storage, manifest, split)
    made = {
        row.key: (row.degrader, min(row.box.height, row.box.width), row.image)
        for row in read_table(storage, manifest)
    }
    rows = [made[key.decode()] for key in index.keys]
    degraders, sides, images = zip(*rows, strict=True)
    reference = f"{identity.name}@{manifest.version}"
    return Source(index, np.array(degraders), min(sides), reference, frozenset(images))


class Mixture(Pairs):
    """Pairs of a source, each as often as its degrader weighs: an epoch has every pair of a
    degrader that is not left out.

    The least weight above 0 counts as once. Of a weight that is no multiple of it, some pairs are
    taken once more, drawn by key.

    Raises:
        UserError: if a degrader is not in the source, or none is left.
    """

    def __init__(
        self,
        source: Source,
        crop: int | None,
        seed: int,
        weights: Mapping[str, float] | None,
        where: str,
        *,
        augment: bool = True,
        labels: Told | None = None,
    ) -> None:
        copies = _copies(source, weights, seed, where)
        self.numbers = np.repeat(np.arange(len(copies)), copies)
        if len(copies):
            self.copy = np.concatenate([np.arange(count) for count in copies])
        else:
            self.copy = self.numbers
        super().__init__(source.index, crop, seed, augment=augment, labels=labels)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: tuple[int, int] | int) -> Tensors:
        if isinstance(place, tuple):
            epoch, number = place
        else:
            epoch, number = 0, place
        copy = int(self.copy[number])
        if copy:
            seed = stream_key(self.seed, "copy", copy)
        else:
            seed = self.seed
        return self.item(int(self.numbers[number]), seed, epoch)


def _copies(
    source: Source, weights: Mapping[str, float] | None, seed: int, where: str
) -> NDArray[np.int64]:
    """(N,) how often each pair is in an epoch."""
    if weights is None:
        return np.ones(len(source.index), np.int64)
    known = sorted(set(source.degraders.tolist()))
    for name in weights:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UserError(
                "the corpus has no pairs of this degrader",
                where=where,
                got=name,
                wanted=", ".join(known),
                todo=f"did you mean {near[0]}?" if near else "",
            )
    if not any(weights.values()):
        raise UserError(
            "no degrader is left to train on",
            where=where,
            got=str(dict(weights)),
            wanted="a weight above 0",
        )
    least = min(weight for weight in weights.values() if weight)
    ratio = np.array([weights.get(name, 0.0) / least for name in source.degraders.tolist()])
    drawn = np.array([stream(seed, "copies", key.decode()).random() for key in source.index.keys])
    return np.asarray(np.floor(ratio) + (drawn < ratio % 1), np.int64)


class Feed:
    """Batches without end over all phases of a recipe; `state` says where it is, in a form that
    continues in another process. Of several scales, each batch has one, drawn by its step.

    Args:
        config: the training recipe.
        sources: the pairs by scale, HR side over LR side.
        step: steps that were made before.
        state: what `state` said then; none at the start of a run.
        pin: whether batches go to a GPU.
        margin: HR pixels on each side of a crop that are read too, in joint training, where pairs
            are not flipped and rotated yet; none without.
        labels: gives the labels of a crop (see `open_labels`), the third of a batch; none without.

    Raises:
        UserError: if a crop cannot be cut, a degrader is missing, or a batch is larger than what
            there is.
    """

    def __init__(
        self,
        config: TrainConfig,
        sources: Mapping[int, Source],
        step: int = 0,
        state: dict[str, int] | None = None,
        *,
        pin: bool = False,
        margin: int | None = None,
        labels: Told | None = None,
    ) -> None:
        self.config, self.sources, self.step, self.pin = config, sources, step, pin
        self.margin, self.labels, self.largest = margin, labels, max(sources)
        for number, phase in _phases(config):
            # All mistakes are reported now, not at the end of the first phase.
            self._open(number, phase)
        self.number, self.phase = config.at_step(step)
        self.loaders = self._open(self.number, self.phase)
        if state is not None and state["phase"] == self.number:
            for scale, loader in self.loaders.items():
                loader.load_state_dict(self._unnamed(state, scale))

    def __iter__(self) -> Iterator[Tensors]:
        while True:
            streams = {scale: _endless(loader) for scale, loader in self.loaders.items()}
            while self.config.at_step(self.step)[0] == self.number:
                batch = next(streams[self._scale()])
                self.step += 1
                yield batch
            self.close()
            self.number, self.phase = self.config.at_step(self.step)
            self.loaders = self._open(self.number, self.phase)

    def close(self) -> None:
        """End the workers now."""
        for loader in self.loaders.values():
            loader.close()

    def state(self) -> dict[str, int]:
        """The phase, and where its loaders are."""
        found = {"phase": self.number}
        for scale, loader in self.loaders.items():
            ending = self._ending(scale)
            found |= {f"{name}{ending}": value for name, value in loader.state_dict().items()}
        return found

    def _ending(self, scale: int) -> str:
        """What the names of a scale's places end with; those of one scale are plain."""
        return "" if scale == self.largest else f"-x{scale}"

    def _unnamed(self, state: Mapping[str, int], scale: int) -> dict[str, int]:
        """The places of one scale, by the names of `Loader`."""
        names = self.loaders[scale].state_dict()
        return {name: state[f"{name}{self._ending(scale)}"] for name in names}

    def _scale(self) -> int:
        """The scale of the next batch."""
        share = self.step / self.config.steps
        growing = self.config.network.active(self.largest, share)
        active = [scale for scale in self.sources if scale in growing]
        if len(active) == 1:
            return active[0]
        return active[pick(stream(self.config.seed, "scale", self.step), len(active))]

    def _open(self, number: int, phase: PhaseConfig) -> dict[int, Loader]:
        scales, workers = sorted(self.sources), self.config.loading.workers
        return {
            scale: self._of_scale(scale, number, phase, own)
            for scale, own in zip(scales, shared(workers, len(scales)), strict=True)
        }

    def _of_scale(self, scale: int, number: int, phase: PhaseConfig, workers: int) -> Loader:
        where, source = "the training recipe", self.sources[scale]
        if number:
            where = f"phases[{number - 1}]"
        if len(self.sources) > 1:
            where += f", {source.reference}"
        crop, batch = phase.crop or self.config.crop, phase.batch or self.config.batch
        around = 2 * (self.margin or 0)
        if crop % scale or crop + around > source.tile:
            raise UserError(
                "invalid crop size",
                where=where,
                got=f"crop: {crop} HR pixels" + (f", and {around} around" if around else ""),
                wanted=f"a multiple of {scale}, no larger than the tiles: {source.tile}",
            )
        parts = () if scale == self.largest else (scale,)
        seed = stream_key(self.config.seed, "phase", number, *parts) >> 65
        pairs = Mixture(
            source,
            crop + around,
            seed,
            phase.degraders,
            f"{where}: degraders",
            augment=self.margin is None,
            labels=self.labels,
        )
        loader = Loader(
            pairs,
            batch,
            workers=workers,
            prefetch=self.config.loading.prefetch,
            drop_last=True,
            pin_memory=self.pin,
        )
        if not len(loader):
            raise UserError(
                "the batch is larger than the training set",
                where=where,
                got=f"batch: {batch}",
                wanted=f"at most {len(pairs) // loader.world}",
            )
        return loader


def shared(workers: int, count: int) -> list[int]:
    """Processes for each of `count` loaders: about equally many, at least one each of any."""
    return [min(workers, max(1, (workers + place) // count)) for place in range(count)]


def _endless(loader: Loader) -> Iterator[Tensors]:
    """The batches of all epochs."""
    while True:
        yield from loader


def _phases(config: TrainConfig) -> list[tuple[int, PhaseConfig]]:
    return [config.at_step(step) for step in (0, *(phase.at for phase in config.phases))]


def spread(source: Source, most: int) -> Source:
    """At most so many pairs, evenly spread."""
    count = min(most, len(source.index))
    chosen = np.arange(count) * len(source.index) // count
    return replace(source, index=source.index.take(chosen), degraders=source.degraders[chosen])
