"""Upscaling an image of any size, a tile at a time, in memory that the tile bounds.

Each tile is seen with `overlap` more LR pixels on every side where the image continues. Of these,
the outer three quarters only give context and are thrown away; across the rest, neighbouring tiles
fade into one another, which hides what networks with attention or pooling over the whole tile see
differently. If the context covers the receptive field of the network, and its padding at the border
is what it does to a whole image, the result is that of the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.layers import Network
from pairmill.models.device import resolve_device
from pairmill.models.inference.ensemble import ensembled
from pairmill.schemas.errors import UserError

Image = NDArray[np.uint8]
Array = NDArray[np.float32]
Precision = Literal["float32", "bfloat16", "float16"]
Run = Callable[[tuple[int, ...]], Tensor]
"""From a box (top, bottom, left, right) to (1, 3, scale rows, scale columns)."""
TILE = 192
"""Side in LR pixels that suits most networks."""
MOST = 64
"""Overlap in LR pixels beyond which hardly anything changes, however far a network reaches:
Real-ESRGAN x4plus, which reaches 353, in tiles of 64 is at most 2 intensity levels off."""
GRID = 8
"""Side of SwinIR's windows: where tiles and overlaps are multiples of it, all tiles see the same
windows."""


def upscale(
    network: nn.Module,
    lr: Image,
    *,
    tile: int | None = TILE,
    overlap: int | None = None,
    ensemble: bool = False,
    device: str | torch.device = "cpu",
    precision: Precision = "float32",
    told: Degradation | None = None,
) -> Image:
    """An image as a network upscales it.

    Args:
        network: (B, 3, h, w) in [0, 1] to (B, 3, scale h, scale w); set to evaluate meanwhile.
        lr: (H, W, 3) uint8 RGB, of any size from 1 x 1.
        tile: Largest side of a tile, in LR pixels; none takes the image whole.
        overlap: Context around each tile, in LR pixels; none takes `overlap_for` the network.
        ensemble: Apply the x8 self-ensemble.
        device: `cpu`, `cuda`, `auto` or a device of torch.
        precision: What the network computes in.
        told: How the image was made, (1, K, K) and (1, 1, H, W), for a network that takes it; none
            lets it assume its usual kernel and no noise.

    Returns:
        (scale H, scale W, 3) uint8 RGB, clipped and rounded once.

    Raises:
        UserError: if the network outputs values that are not numbers, or the device has too little
            memory or is not there.
        ValueError: if `lr` is no such image, or the network's output no whole multiple of its
            input.
    """
    done = strips(
        network,
        lr,
        tile=tile,
        overlap=overlap,
        ensemble=ensemble,
        device=device,
        precision=precision,
        told=told,
    )
    return np.concatenate(list(done))


def strips(
    network: nn.Module,
    lr: Image,
    *,
    tile: int | None = TILE,
    overlap: int | None = None,
    ensemble: bool = False,
    device: str | torch.device = "cpu",
    precision: Precision = "float32",
    told: Degradation | None = None,
    advanced: Callable[[float], None] = lambda _: None,
) -> Iterator[Image]:
    """The rows of `upscale` from the top, some at a time: (rows, scale W, 3) uint8, about scale x
    tile rows.

    Memory is that of one tile in the network, of one such strip, and of the rows that two strips
    share.

    Args:
        network, lr, tile, overlap, ensemble, device, precision, told: As for `upscale`.
        advanced: Called with the share of the image that each tile was, in (0, 1].
    """
    if lr.dtype != np.uint8 or lr.ndim != 3 or lr.shape[2] != 3 or 0 in lr.shape:
        raise ValueError(f"want an (H, W, 3) uint8 image, got {lr.dtype} {lr.shape}")
    overlap = overlap_for(network) if overlap is None else overlap
    if overlap < 0 or (tile is not None and tile < 1):
        raise ValueError(
            f"want a tile of at least 1 and an overlap of at least 0, got {tile} and {overlap}"
        )
    if told is None and isinstance(network, KernelAware):
        # So that tiles, flips and rotations are told their own view of what is assumed.
        told = network.usual(torch.zeros(1, 1, *lr.shape[:2]))
    with evaluating(network, torch.device(resolve_device(str(device))), precision) as run:
        seen = run
        if ensemble:
            seen = ensembled(run, network.scale if isinstance(network, Network) else 1)
        yield from _blended(_of_box(seen, lr, told), lr, tile, overlap, advanced)


def _of_box(run: Callable[..., Tensor], lr: Image, told: Degradation | None) -> Run:
    """What a network makes of a part of an image."""

    def made(box: tuple[int, ...]) -> Tensor:
        rows, columns = slice(box[0], box[1]), slice(box[2], box[3])
        part = torch.from_numpy(np.ascontiguousarray(lr[rows, columns].transpose(2, 0, 1)))
        image = part[None].float() / 255
        if told is None:
            return run(image)
        return run(image, told.cut(rows, columns))

    return made


def overlap_for(network: nn.Module) -> int:
    """Context in LR pixels, a multiple of `GRID`, of which the part that is not faded over covers
    all that the network sees; at most `MOST`.
    """
    reach = network.reach() if isinstance(network, Network) else None
    if reach is None:
        return MOST
    return min(MOST, -(-4 * reach // (3 * GRID)) * GRID)


@contextmanager
def evaluating(
    network: nn.Module, place: torch.device, precision: Precision
) -> Iterator[Callable[..., Tensor]]:
    """The network on a device, ready to be asked; left in the mode it was in."""
    was_training, dtype = network.training, getattr(torch, precision)
    network.eval().to(place)

    def run(lr: Tensor, *told: Degradation) -> Tensor:
        mixed = torch.autocast(place.type, dtype=dtype, enabled=dtype != torch.float32)
        try:
            with torch.inference_mode(), mixed:
                out: Tensor = network(lr.to(place), *(each.to(place) for each in told)).float()
        except torch.OutOfMemoryError as error:
            raise UserError(
                "the device has too little memory for this tile",
                got=f"{lr.shape[3]} x {lr.shape[2]} LR pixels",
                todo="use a smaller tile or overlap",
            ) from error
        if not bool(torch.isfinite(out.sum())):  # what is no number makes the sum none
            raise UserError(
                "the network outputs values that are not numbers",
                got=f"NaN or infinity in {precision}",
                todo="use float32; if it already is float32, the checkpoint is broken",
            )
        return out

    try:
        yield run
    finally:
        network.train(was_training)


def _blended(
    run: Run,
    lr: Image,
    tile: int | None,
    overlap: int,
    advanced: Callable[[float], None],
) -> Iterator[Image]:
    rows, columns = cuts(lr.shape[0], tile), cuts(lr.shape[1], tile)
    fade = _fade(rows, columns, overlap)
    above: Array | None = None  # what the strip above gave to the rows that both share
    for down in range(len(rows) - 1):
        strip, below = None, None
        box, zone = _reach(rows, down, overlap), _reach(rows, down, fade)
        for first, unfaded, scale in _band(run, box, zone, columns, overlap, fade):
            shared, end = 2 * fade * scale, first + unfaded.shape[1]
            ramps = _ramps(len(unfaded), shared, down > 0, down < len(rows) - 2)
            piece = unfaded * ramps[:, None, None]
            if above is not None:
                piece[:shared] += above[:, first:end]
            last = len(piece)
            if down < len(rows) - 2:
                last -= shared
            if strip is None or below is None:
                strip = np.empty((last, lr.shape[1] * scale, 3), np.uint8)
                below = np.empty((len(piece) - last, lr.shape[1] * scale, 3), np.float32)
            strip[:, first:end], below[:, first:end] = rounded(piece[:last]), piece[last:]
            advanced(
                (rows[down + 1] - rows[down]) * piece.shape[1] / (lr.shape[0] * lr.shape[1] * scale)
            )
        assert strip is not None
        above = below
        yield strip


def _band(
    run: Run,
    box: tuple[int, int],
    zone: tuple[int, int],
    columns: list[int],
    overlap: int,
    fade: int,
) -> Iterator[tuple[int, Array, int]]:
    """The tiles of one row, blended with one another: first column, piece, scale."""
    left: Array | None = None  # what the tile before gave to the columns that both share
    for along in range(len(columns) - 1):
        inner = _reach(columns, along, fade)
        piece, scale = _piece(run, (*box, *_reach(columns, along, overlap)), (*zone, *inner))
        shared = 2 * fade * scale
        piece *= _ramps(piece.shape[1], shared, along > 0, along < len(columns) - 2)[:, None]
        if left is not None:
            piece[:, :shared] += left
        end = piece.shape[1]
        if along < len(columns) - 2:
            end -= shared
        left = piece[:, end:]
        yield inner[0] * scale, piece[:, :end], scale


def cuts(length: int, tile: int | None) -> list[int]:
    """Where an axis is cut: as few parts as a tile allows, about equally long, at multiples of
    `GRID` if it is one.
    """
    parts = 1 if tile is None else -(-length // tile)
    step = 1 if tile is None or tile % GRID else GRID
    return [min(length, -(-length * part // (parts * step)) * step) for part in range(parts + 1)]


def _fade(rows: list[int], columns: list[int], overlap: int) -> int:
    """How far two tiles fade into one another on either side of a cut, in LR pixels; no part takes
    part in two fades at once.
    """
    shortest = min(end - start for axis in (rows, columns) for start, end in pairwise(axis))
    return min(overlap // 4, shortest // 2)


def _reach(axis: list[int], part: int, margin: int) -> tuple[int, int]:
    return max(0, axis[part] - margin), min(axis[-1], axis[part + 1] + margin)


def _piece(run: Run, box: tuple[int, ...], zone: tuple[int, ...]) -> tuple[Array, int]:
    """What the network makes of a box, cut to a zone inside it, (rows, columns, 3) in intensity
    levels; and the scale.
    """
    top, bottom, left, right = box
    out = run(box)
    scale = out.shape[2] // (bottom - top)
    if out.shape != (1, 3, scale * (bottom - top), scale * (right - left)) or not scale:
        raise ValueError(
            f"a network made {tuple(out.shape)} of (1, 3, {bottom - top}, {right - left})"
        )
    cut = out[
        0,
        :,
        (zone[0] - top) * scale : (zone[1] - top) * scale,
        (zone[2] - left) * scale : (zone[3] - left) * scale,
    ]
    levels: Any = (cut * 255).permute(1, 2, 0).contiguous().cpu().numpy()
    return np.array(levels, np.float32), scale


def _ramps(length: int, shared: int, before: bool, after: bool) -> Array:
    """(length,) weights: 1, but rising over the first and falling over the last `shared` ones where
    there is a neighbour.
    """
    weights, ramp = (
        np.ones(length, np.float32),
        ((np.arange(shared) + 0.5) / max(1, shared)).astype(np.float32),
    )
    if before:
        weights[:shared] = ramp
    if after:
        weights[length - shared :] = 1 - ramp
    return weights


def rounded(levels: Array) -> Image:
    """Intensity levels as uint8, clipped, rounded half up."""
    # The cast cuts what is positive as a floor does, so 0.5 more is half up.
    return np.asarray(np.clip(levels, 0, 255) + np.float32(0.5), np.uint8)
