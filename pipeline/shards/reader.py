"""Reading pairs for training: random aligned crops from shards, through plain webdataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import webdataset
from numpy.typing import NDArray

from pipeline.images.encode import decode_png
from pipeline.rng import pick, stream

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def pairs(shards: Sequence[str], crop: int | None, seed: int, epoch: int = 0) -> Iterator[Pair]:
    """HR and LR crops of all samples of some shards, in the order of the shards.

    Args:
        shards: Paths or URLs of tars.
        crop: Side of the HR crop, in pixels, a multiple of the scale; none takes whole tiles.
        seed: Seed of the crops; each sample has a stream of its own.
        epoch: Number of the pass; another epoch takes other crops.

    Yields:
        (crop, crop, 3) and (crop / scale, crop / scale, 3) uint8 RGB.

    Raises:
        ValueError: if a tile is smaller than the crop.
    """
    for sample in webdataset.WebDataset(list(shards), shardshuffle=False, nodesplitter=webdataset.split_by_node):
        pair = decode_png(sample["hr.png"]), decode_png(sample["lr.png"])
        yield pair if crop is None else aligned_crop(pair, crop, stream(seed, "crop", epoch, sample["__key__"]))


def aligned_crop(pair: Pair, crop: int, rng: np.random.Generator) -> Pair:
    """The same random place of HR and LR."""
    hr, lr = pair
    scale = hr.shape[0] // lr.shape[0]
    side = crop // scale
    if side > min(lr.shape[:2]):
        raise ValueError(f"crop of {crop} HR pixels is larger than a tile of {hr.shape[0]} x {hr.shape[1]}")
    top, left = (pick(rng, length - side + 1) for length in lr.shape[:2])
    return _cut(hr, top * scale, left * scale, side * scale), _cut(lr, top, left, side)


def _cut(image: NDArray[np.uint8], top: int, left: int, side: int) -> Any:
    return image[top : top + side, left : left + side]
