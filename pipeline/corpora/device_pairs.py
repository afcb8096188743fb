"""Samples whose LR a device makes, a batch at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pairmill.models.functional.labels import Labels, turn
from pairmill.pipeline.corpora.replayed import ReplayedIndex, window_of
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.locality import Window
from pairmill.pipeline.ops.on_device import Part, make, prepare
from pairmill.pipeline.rng import pick, stream
from pairmill.pipeline.shards.index import cut
from pairmill.pipeline.shards.reader import Pairs, Tensors, Told, random_square


class DevicePairs(Pairs):
    """Samples without LR: workers read and cut HR, `finish` makes the LR of a batch.

    An item is HR, what its LR is made from (LR itself where a device cannot make it), how both are
    turned, and the labels, if they are asked for.

    Args:
        index: The samples.
        crop: Side of the HR crop, in pixels, a multiple of the scale; none takes whole tiles.
        seed: Seed of order, crops and turns.
        augment: Whether crops are rotated and mirrored.
        device: `cpu` or `cuda`.
        labels: Gives the labels of a crop; none without.
    """

    def __init__(
        self,
        index: ReplayedIndex,
        crop: int | None,
        seed: int = 0,
        *,
        augment: bool = True,
        device: str = "cuda",
        labels: Told | None = None,
    ) -> None:
        super().__init__(index, crop, seed, augment=augment, labels=labels)
        self.replayed, self.device = index, device

    def __getitem__(self, place: tuple[int, int] | int) -> Any:
        epoch, number = place if isinstance(place, tuple) else (0, place)
        index, rng = self.replayed, stream(self.seed, "crop", epoch, self.index.key(number))
        [file] = index.read(number)
        hr = decode(file)
        rows, columns = hr.shape[0] // index.scale, hr.shape[1] // index.scale
        wanted, part = Window(0, 0, rows, columns), hr
        if self.crop is not None:
            square = random_square((rows, columns), index.scale, self.crop, rng)
            wanted, part = window_of(square), cut(hr, square, index.scale)
        lr = prepare(index.program(number), hr, index.assets, wanted)
        position = pick(rng, 8) if self.augment else 0
        labels = None
        if self.labels is not None:
            labels = self.labels(index.key(number), part, (wanted.top, wanted.left), position)
        return np.ascontiguousarray(turn(part, position)), lr, position, labels

    @staticmethod
    def collate(items: list[Any]) -> Any:
        """A batch as the list of its items."""
        return items

    def finish(self, batch: Any) -> Tensors:
        """HR and LR on the device, (B, 3, H, W) uint8 each, and labels there."""
        parts = [lr for _, lr, *_ in batch if isinstance(lr, Part)]
        made = iter(make(parts, self.replayed.assets, self.device))
        images = []
        for _, lr, position, _ in batch:
            image = next(made) if isinstance(lr, Part) else torch.from_numpy(lr).to(self.device)
            images.append(turned(image, position))
        hr = torch.from_numpy(np.stack([hr for hr, *_ in batch])).to(self.device)
        made_of = hr.permute(0, 3, 1, 2).contiguous(), torch.stack(images)
        if self.labels is None:
            return made_of
        columns = zip(*(labels for *_, labels in batch), strict=True)
        return *made_of, Labels(*(torch.stack(one).to(self.device) for one in columns))


def turned(image: torch.Tensor, position: int) -> torch.Tensor:
    """`turn` of (H, W, 3), as (3, H, W)."""
    image = image.permute(2, 1, 0) if position & 4 else image.permute(2, 0, 1)
    axes = [axis for axis, bit in ((1, 2), (2, 1)) if position & bit]
    return image.flip(axes) if axes else image
