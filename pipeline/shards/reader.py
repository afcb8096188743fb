"""Reading pairs for training: random aligned crops, rotated and mirrored, in an order that differs
in every epoch.

`Loader` is what a training loop iterates over; `Pairs` is the data set below it; `pairs` is the
same without torch's loader.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from pairmill.models.functional.labels import Labels, turn
from pairmill.pipeline.rng import pick, raw_words, stream, stream_key
from pairmill.pipeline.shards.index import Index, Square, read_index
from pairmill.schemas.errors import UserError

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Tensors = tuple[Any, ...]
"""HR and LR, and `Labels` where they are asked for."""
Told = Callable[[str, NDArray[np.uint8], tuple[int, int], int], Labels]
"""Labels of a crop: gets the key of its sample, its HR as it is stored, its first row and column in
the LR, and how it is to be turned."""


class Crop(NamedTuple):
    """A part of a sample, as it is stored."""

    hr: NDArray[np.uint8]
    lr: NDArray[np.uint8]
    place: tuple[int, int]
    """Its first row and column in the LR."""
    position: int
    """How it is to be turned."""


def pairs(shards: Sequence[str], crop: int | None, seed: int, epoch: int = 0) -> Iterator[Pair]:
    """HR and LR crops of all samples of some shards, in the order of an epoch.

    Args:
        shards: Paths or URLs of tars.
        crop: Side of the HR crop, in pixels, a multiple of the scale; none takes whole tiles.
        seed: Seed of order, crops and turns; each sample has a stream of its own.
        epoch: Number of the pass; another epoch takes another order and other crops.

    Yields:
        (crop, crop, 3) and (crop / scale, crop / scale, 3) uint8 RGB.

    Raises:
        UserError: if a tile is smaller than the crop, or the crop no multiple of the scale.
    """
    index = read_index(shards)
    for number in epoch_order(len(index), seed, epoch):
        yield read_pair(index, int(number), crop, seed, epoch)


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """A permutation of `count` samples: the order of random 64-bit words, which every release of
    numpy gives alike.
    """
    return np.argsort(raw_words(f"{stream_key(seed, 'order', epoch):032x}", count), kind="stable")


def read_pair(
    index: Index, number: int, crop: int | None, seed: int, epoch: int, *, augment: bool = True
) -> Pair:
    """One sample: decoded, cut, and flipped or rotated."""
    read = read_crop(index, number, crop, seed, epoch, augment=augment)
    return turn(read.hr, read.position), turn(read.lr, read.position)


def read_crop(
    index: Index, number: int, crop: int | None, seed: int, epoch: int, *, augment: bool = True
) -> Crop:
    """One sample: decoded and cut, and how it is to be flipped or rotated."""
    rng = stream(seed, "crop", epoch, index.key(number))
    place = (0, 0)

    def choose(size: tuple[int, int], scale: int) -> Square | None:
        nonlocal place
        if crop is None:
            return None
        part = random_square(size, scale, crop, rng)
        place = part.top, part.left
        return part

    hr, lr = index.pair(number, choose)
    return Crop(hr, lr, place, pick(rng, 8) if augment else 0)


def random_square(size: tuple[int, int], scale: int, crop: int, rng: np.random.Generator) -> Square:
    """A random place of an LR of so many rows and columns that `crop` HR pixels a side are made
    from.

    Raises:
        UserError: if there is none.
    """
    side = crop // scale
    if not 0 < side <= min(size) or crop % scale:
        raise UserError(
            "invalid crop size",
            got=f"{crop} HR pixels",
            where=f"a tile of {size[0] * scale} x {size[1] * scale}",
            wanted=f"a multiple of {scale}, at least {scale} and no larger than the tile",
        )
    top, left = (pick(rng, length - side + 1) for length in size)
    return Square(top, left, side)


class Pairs(Dataset[Tensors]):
    """The samples of some shards by number, as (3, H, W) uint8 tensors.

    An item is asked for as (epoch, number); a bare number takes the crop of epoch 0, every time.

    Args:
        shards: Paths or URLs of tars, or an index of samples.
        crop: Side of the HR crop, in pixels, a multiple of the scale; none takes whole tiles.
        seed: Seed of order, crops and turns.
        augment: Whether crops are rotated and mirrored.
        labels: Gives the labels of a crop, the third of an item; none without.
    """

    def __init__(
        self,
        shards: Sequence[str] | Index,
        crop: int | None,
        seed: int = 0,
        *,
        augment: bool = True,
        labels: Told | None = None,
    ) -> None:
        self.index = shards if isinstance(shards, Index) else read_index(shards)
        self.crop, self.seed, self.augment, self.labels = crop, seed, augment, labels

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, place: tuple[int, int] | int) -> Tensors:
        if isinstance(place, tuple):
            epoch, number = place
        else:
            epoch, number = 0, place
        return self.item(number, self.seed, epoch)

    def item(self, number: int, seed: int, epoch: int) -> Tensors:
        """A sample of the index as tensors, by a seed and an epoch."""
        hr, lr, place, position = read_crop(
            self.index, number, self.crop, seed, epoch, augment=self.augment
        )
        images = tensor(turn(hr, position)), tensor(turn(lr, position))
        if self.labels is None:
            return images
        return *images, self.labels(self.index.key(number), hr, place, position)

    collate: Callable[[list[Any]], Any] | None = None
    """Makes a batch of items in a worker; none stacks them."""

    def finish(self, batch: Any) -> Tensors:
        """What the loader gives of a batch, made in its own process."""
        return batch  # type: ignore[no-any-return]


def tensor(image: NDArray[np.uint8]) -> torch.Tensor:
    """(H, W, 3) uint8 as (3, H, W)."""
    # A copy: of one pixel, which numpy finds contiguous as it is, flips keep their strides.
    return torch.from_numpy(image.transpose(2, 0, 1).copy())


class Loader:
    """Batches of (B, 3, H, W) uint8 tensors, HR and LR; iterating gives the rest of one epoch, the
    next time the next.

    Batches are made by the numbers (seed, epoch, rank) alone: any number of workers gives the same
    ones, and `state_dict`, taken after any batch, continues with the very next one in another
    process.

    Args:
        pairs: The samples.
        batch: Samples per batch and rank.
        workers: Processes that decode; none decodes in this one.
        prefetch: Batches that each worker keeps ready.
        rank: Number of this process among all that train together; that of torch.distributed,
            where it runs.
        world: How many they are; likewise.
        even: Every rank gets equally many, so that no rank waits forever for another; leaves out at
            most world - 1 samples of an epoch, other ones each time.
        drop_last: Leave out a last batch that is not full.
        pin_memory: Pin batches for a faster way to a GPU.
    """

    def __init__(
        self,
        pairs: Pairs,
        batch: int,
        *,
        workers: int = 0,
        prefetch: int = 4,
        rank: int | None = None,
        world: int | None = None,
        even: bool = True,
        drop_last: bool = False,
        pin_memory: bool = False,
    ) -> None:
        together = torch.distributed.is_available() and torch.distributed.is_initialized()
        if rank is not None:
            self.rank = rank
        elif together:
            self.rank = torch.distributed.get_rank()
        else:
            self.rank = 0
        if world is not None:
            self.world = world
        elif together:
            self.world = torch.distributed.get_world_size()
        else:
            self.world = 1
        self.pairs, self.batch, self.even, self.drop_last = pairs, batch, even, drop_last
        self.epoch, self.done = 0, 0
        self.loader: DataLoader[Tensors] = DataLoader(
            pairs,
            batch_sampler=_Rest(self),
            collate_fn=pairs.collate,
            num_workers=workers,
            prefetch_factor=prefetch if workers else None,
            pin_memory=pin_memory,
            generator=torch.Generator(),  # else a start would move on the generator of the training
        )
        self.stream: Iterator[Tensors] | None = None

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        samples = len(range(self.rank, self._usable(), self.world))
        whole, rest = divmod(samples, self.batch)
        if rest and not self.drop_last:
            return whole + 1
        return whole

    def __iter__(self) -> Iterator[Tensors]:
        last = len(self)
        for place in range(self.done + 1, last + 1):
            batch = self._next()
            self.done = place
            if self.done == last:  # said now: a loop that counts asks no more after the last batch
                self.epoch, self.done = self.epoch + 1, 0
            yield batch

    def _next(self) -> Tensors:
        """One stream gives the batches of all epochs, so that workers do not pause where one
        ends.
        """
        if self.stream is None:
            self.stream = iter(self.loader)
        try:
            return self.pairs.finish(next(self.stream))
        except BaseException:  # what was to come may be lost: whoever asks again gets it anew
            self.close()
            raise

    def close(self) -> None:
        """End the workers now; one that ends badly, with batches that nobody wants in hand, is no
        failure.
        """
        stream: Any = self.stream
        self.stream = None
        if hasattr(stream, "_shutdown_workers"):
            with suppress(RuntimeError):
                stream._shutdown_workers()

    def numbers(self, epoch: int) -> NDArray[np.int64]:
        """Numbers of the samples of this rank, in the order of an epoch."""
        return epoch_order(len(self.pairs), self.pairs.seed, epoch)[
            self.rank : self._usable() : self.world
        ]

    def _usable(self) -> int:
        count = len(self.pairs)
        if self.even:
            return count - count % self.world
        return count

    def batches(self, epoch: int, done: int = 0) -> Iterator[list[tuple[int, int]]]:
        """Batches of an epoch, without the first so many, as (epoch, number)."""
        size, numbers = self.batch, self.numbers(epoch)
        starts = range(done * size, len(self) * size, size)
        return (
            [(epoch, int(number)) for number in numbers[start : start + size]] for start in starts
        )

    def state_dict(self) -> dict[str, int]:
        """Where we are, and what that is counted in."""
        return {"epoch": self.epoch, "done": self.done} | self._terms()

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from there.

        Raises:
            UserError: if the state was counted in other batches, ranks, samples or another seed.
        """
        terms = {name: value for name, value in state.items() if name not in ("epoch", "done")}
        if terms != self._terms():
            raise UserError(
                "this state belongs to another loader",
                got=_said(terms),
                wanted=_said(self._terms()),
                todo="continue with the same shards, seed, batch and number of ranks",
            )
        self.close()
        self.epoch, self.done = state["epoch"], state["done"]

    def _terms(self) -> dict[str, int]:
        return {
            "seed": self.pairs.seed,
            "samples": len(self.pairs),
            "batch": self.batch,
            "world": self.world,
        }


class _Rest(Sampler[list[Any]]):
    """The batches from here on, without end; torch runs ahead of the loop, hence the loader counts
    what it hands out.

    It holds the loader weakly: a loader in a cycle would be found by the garbage collector, which
    closes the queues of the workers before they are told to end, and then waits five seconds for
    each.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader: Loader = weakref.proxy(loader)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, done = self.loader.epoch, self.loader.done
        while True:
            yield from self.loader.batches(epoch, done)
            epoch, done = epoch + 1, 0


def _said(terms: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in terms.items())
