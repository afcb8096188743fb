"""Patches of images, each with the name of the source image that it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.rng import stream

Image = NDArray[np.uint8]
PHASE = 8
"""Side of a JPEG block, in pixels."""


@dataclass(frozen=True, eq=False)
class Patches:
    """N patches in the order of their sources' first images."""

    pixels: NDArray[np.uint8]
    """(N, p, p, 3) RGB."""
    sources: NDArray[np.str_]
    """(N,) names of source images: what must never be in training and test at once."""
    values: NDArray[np.float64] | None = None
    """(N, F) features, where they have been measured."""

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, chosen: NDArray[np.intp]) -> Patches:
        values = None if self.values is None else self.values[chosen]
        return Patches(self.pixels[chosen], self.sources[chosen], values)


def cut(
    images: Sequence[Image], sources: Sequence[str], side: int, most: int, seed: int
) -> Patches:
    """Patches spread evenly over source images, at random within each.

    They start anywhere, so that the grid of JPEG lies in them anywhere: LR is compressed on any
    grid, as a part of a photograph may be, and where it lies is not what makes an LR real.

    Args:
        images: (H, W, 3) uint8 RGB; those smaller than a patch give none.
        sources: Name of the source image of each; several images may share one.
        side: Side of a patch, in pixels; a multiple of 8.
        most: Maximum number of patches in all.
        seed: Seed of the draws; a lot depends on the name of the source and not on the other
            images.
    """
    held = dict.fromkeys(sources, 0)
    for image, source in zip(images, sources, strict=True):
        held[source] += _places(image, side)
    shares = _shares(held, most)
    pixels: list[Image] = []
    names: list[str] = []
    for name, share in shares.items():
        mine = [image for image, source in zip(images, sources, strict=True) if source == name]
        spots = [number for number, image in enumerate(mine) for _ in range(_places(image, side))]
        rng = stream("realism", seed, "patches", name)
        order = rng.random(len(spots)).argsort(kind="stable")[:share]
        starts = rng.random((share, 2))
        for place, start in zip(sorted(order.tolist()), starts, strict=True):
            image = mine[spots[place]]
            rows, columns = (length - side + 1 for length in image.shape[:2])
            top, left = int(start[0] * rows), int(start[1] * columns)
            pixels.append(image[top : top + side, left : left + side])
            names.append(name)
    if pixels:
        stacked = np.stack(pixels)
    else:
        stacked = np.zeros((0, side, side, 3), np.uint8)
    return Patches(stacked, np.array(names, dtype=np.str_))


def _step(side: int) -> int:
    """Distance between neighbouring patches: half a patch, in whole blocks."""
    return max(PHASE, side // 2 // PHASE * PHASE)


def _places(image: Image, side: int) -> int:
    """How many patches an image may give: those of a grid of half patches."""
    rows, columns = (max(0, (length - side) // _step(side) + 1) for length in image.shape[:2])
    return int(rows * columns)


def _shares(available: dict[str, int], most: int) -> dict[str, int]:
    """How many patches each source gives: as equal as they can, at most `most` in all."""
    shares, left = {}, most
    for place, name in enumerate(sorted(available, key=lambda name: (available[name], name))):
        shares[name] = min(available[name], -(-left // (len(available) - place)))
        left -= shares[name]
    return {name: shares[name] for name in available}
