"""Upscaling by a fraction, a tile at a time, with a network that can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.archs.meta import AnyScale
from pairmill.models.device import resolve_device
from pairmill.models.inference.tiled import TILE, Image, Precision, evaluating, overlap_for, rounded


class _At(nn.Module):
    """A network at one scale."""

    def __init__(self, network: AnyScale, scale: Fraction) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, lr: Tensor) -> Tensor:
        return self.network.enlarged(lr, self.scale)


def strips_at(
    network: AnyScale,
    lr: Image,
    scale: Fraction,
    *,
    tile: int | None = TILE,
    overlap: int | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
    advanced: Callable[[float], None] = lambda _: None,
) -> Iterator[Image]:
    """The rows of an image upscaled by any scale, from the top, some at a time.

    Tiles begin where a pixel of the LR and one of the result do, so that they fall together; they
    are cut hard, in the middle of what they share.

    Args:
        network: set to evaluate meanwhile.
        lr: (H, W, 3) uint8 RGB.
        scale: Sides of the result over those of `lr`.
        tile, overlap, device, precision, advanced: As for `pairmill.models.inference.tiled.strips`.

    Yields:
        (rows, floor(scale W), 3) uint8 RGB, floor(scale H) rows in all.

    Raises:
        UserError: as `strips`.
        ValueError: if the network does not have this scale.
    """
    unit = scale.denominator
    side = max(lr.shape[:2]) if tile is None else tile
    side = -(-side // unit) * unit
    margin = -(-(overlap_for(network) if overlap is None else overlap) // unit) * unit
    with evaluating(_At(network, scale), torch.device(resolve_device(device)), precision) as run:
        for rows in _parts(lr.shape[0], side):
            band = []
            for columns in _parts(lr.shape[1], side):
                band.append(_tile(run, lr, scale, rows, columns, margin))
                advanced(
                    (rows[1] - rows[0]) * (columns[1] - columns[0]) / (lr.shape[0] * lr.shape[1])
                )
            yield np.concatenate(band, 1)


def _parts(length: int, side: int) -> list[tuple[int, int]]:
    return [(start, min(length, start + side)) for start in range(0, length, side)]


def _tile(
    run: Callable[[Tensor], Tensor],
    lr: Image,
    scale: Fraction,
    rows: tuple[int, int],
    columns: tuple[int, int],
    margin: int,
) -> Image:
    """What the network makes of some rows and columns, with as much around them as there is."""
    (top, bottom), (left, right) = (
        (max(0, part[0] - margin), min(length, part[1] + margin))
        for part, length in ((rows, lr.shape[0]), (columns, lr.shape[1]))
    )
    box = np.ascontiguousarray(lr[top:bottom, left:right].transpose(2, 0, 1))
    out = run(torch.from_numpy(box)[None].float() / 255)[0]
    down, along = (
        slice(int(scale * part[0]) - int(scale * first), int(scale * part[1]) - int(scale * first))
        for part, first in ((rows, top), (columns, left))
    )
    return rounded((out[:, down, along] * 255).permute(1, 2, 0).contiguous().cpu().numpy())
