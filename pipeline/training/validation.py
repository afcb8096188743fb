"""How good a network is on tiles of the corpus: PSNR of luma, and images of some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw
from torch import nn

from pairmill.models.archs.aware import Degradation
from pairmill.models.metrics.psnr import psnr
from pairmill.pipeline.shards.reader import Told
from pairmill.pipeline.training.data import Source
from pairmill.schemas.training import Score

Image = NDArray[np.uint8]
MOST = 100.0
"""PSNR of equal images, in dB, so that means are numbers."""
GAP, HEAD = 6, 18
"""Pixels between tiles, and above them for words."""
LEAST = 150
"""Side that tiles are shown at if they are smaller, in pixels: each pixel becomes several."""


def look(
    network: nn.Module,
    source: Source,
    scale: int,
    step: int,
    pictures: int,
    device: str,
    labels: Told | None = None,
) -> tuple[Score, Image | None]:
    """Upscale every tile of a source.

    Args:
        network: (1, 3, h, w) in [0, 1] to (1, 3, scale h, scale w).
        source: the tiles.
        scale: HR side over LR side; as many pixels are left out at the borders.
        step: steps made.
        images: how many tiles to show, evenly spread.
        device: where the network is.
        labels: how each LR was made, for a network that is told; of those left out the usual is
            assumed.

    Returns:
        Mean PSNR, in all and by degrader; an image of LR, SR and HR side by side, if any are asked
        for.
    """
    shown = set((np.arange(pictures) * len(source.index) // max(1, pictures)).tolist())
    rows: list[tuple[Image, Image, Image]] = []
    found = np.empty(len(source.index))
    training = network.training
    network.eval()
    for number in range(len(found)):
        hr, lr = source.index.pair(number)
        sr = enlarged(network, lr, device, told_of(labels, source.index.key(number), hr))
        found[number] = min(MOST, psnr(sr, hr, scale, channel="y"))
        if number in shown:
            rows.append((lr.repeat(scale, 0).repeat(scale, 1), sr, hr))
    network.train(training)
    by = {
        name: round(float(found[source.degraders == name].mean()), 4)
        for name in sorted(set(source.degraders.tolist()))
    }
    score = Score(step=step, psnr_y=round(float(found.mean()), 4), images=len(found), degraders=by)
    if not rows:
        return score, None
    return score, sheet(rows, ("LR", f"step {step}: {score.psnr_y:.2f} dB", "HR"))


def together(found: Mapping[int, tuple[Score, Image | None]]) -> tuple[Score, Image | None]:
    """What `look` found at each scale as one: means over the scales, images one below another."""
    if len(found) == 1:
        return next(iter(found.values()))
    scores = {scale: score for scale, (score, _) in found.items()}
    scales = {scale: score.psnr_y for scale, score in scores.items()}
    score = Score(
        step=max(one.step for one in scores.values()),
        psnr_y=round(sum(scales.values()) / len(scales), 4),
        scales=scales,
        images=sum(one.images for one in scores.values()),
        degraders={
            f"x{scale}/{name}": value
            for scale, one in scores.items()
            for name, value in one.degraders.items()
        },
    )
    pictures = [picture for _, picture in found.values() if picture is not None]
    return score, reduce(below, pictures) if pictures else None


def told_of(labels: Told | None, key: str, hr: Image) -> tuple[Degradation, ...]:
    """How a whole tile was made, as more of what its network is called with; nothing where that is
    not known.
    """
    if labels is None:
        return ()
    try:
        found = labels(key, hr, (0, 0), 0)
    except KeyError:
        return ()
    return (Degradation(found.kernel[None], found.noise[None]),)


def enlarged(
    network: nn.Module, lr: Image, device: str, told: tuple[Degradation, ...] = ()
) -> Image:
    """(h, w, 3) uint8 to (scale h, scale w, 3), in float32."""
    with torch.inference_mode():
        image = (
            torch.from_numpy(np.ascontiguousarray(lr.transpose(2, 0, 1)))[None].to(device).float()
            / 255
        )
        sr = (
            network(image, *(each.to(device) for each in told))[0]
            .float()
            .clamp(0, 1)
            .mul(255)
            .round()
            .byte()
        )
    return sr.permute(1, 2, 0).cpu().numpy()  # type: ignore[no-any-return]


def sheet(rows: Sequence[tuple[Image, ...]], heads: Sequence[str]) -> Image:
    """Tiles in rows and columns under their heads, on white."""
    times = 1
    if max(rows[0][0].shape[:2]) < LEAST:
        times = -(-LEAST // max(rows[0][0].shape[:2]))
    rows = [tuple(image.repeat(times, 0).repeat(times, 1) for image in row) for row in rows]
    height, width = (max(image.shape[axis] for row in rows for image in row) for axis in (0, 1))
    page = np.full(
        (HEAD + len(rows) * (height + GAP), len(heads) * (width + GAP) - GAP, 3), 255, np.uint8
    )
    for top, row in enumerate(rows):
        for left, image in enumerate(row):
            y, x = HEAD + top * (height + GAP), left * (width + GAP)
            page[y : y + image.shape[0], x : x + image.shape[1]] = image
    drawn = Pictures.fromarray(page)
    for left, head in enumerate(heads):
        ImageDraw.Draw(drawn).text((left * (width + GAP) + 2, 2), head, fill=(40, 40, 40))
    return np.asarray(drawn)


def below(above: Image, added: Image) -> Image:
    """Two sheets in one, on white."""
    width = max(above.shape[1], added.shape[1])
    parts = [
        np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=255)
        for part in (above, added)
    ]
    return np.concatenate(parts)
