"""Labels of one crop of which something depends on its place or its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.linear_row import on_grid
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.labels.kernel import NOISE, Shape, linear_ops, shapes, walk
from pairmill.pipeline.labels.noise import Part, levels_of, noise_map
from pairmill.schemas.labels import LabelConfig
from pairmill.schemas.program import Program


@dataclass(frozen=True, eq=False)
class CropLabels:
    """A crop and how its LR was made."""

    program: Program
    """Without ops of which no kernel is known."""
    assets: Assets
    """The pools that it names."""
    shape: Shape
    """Rows and columns of the HR tile."""
    gains: dict[int, float]
    """See `Walked`; of the middle of the tile."""
    hr: NDArray[np.uint8]
    """(s h, s w, 3), the crop."""
    place: Shape
    """Its first row and column in the LR."""

    def kernel(self, config: LabelConfig) -> NDArray[np.float32]:
        """(K, K): that of the pixel in the middle of the crop."""
        height, width = middle_of((self.hr.shape[0], self.hr.shape[1]), self.program.scale)
        at = self.place[0] + height, self.place[1] + width
        row = walk(self.program, self.assets, self.shape, at).row
        return on_grid(row, at, config.kernel, self.program.scale)[0].astype(np.float32)

    def noise(self) -> NDArray[np.float32]:
        """(h, w): standard deviations in [0, 1]."""
        sizes = shapes(self.program, self.shape)
        part = Part(levels_of(self.hr, self.program.scale), self.place, sizes[-1])
        return noise_map(self.program, self.gains, sizes, part, self.assets)


def middle_of(hr: Shape, scale: int) -> Shape:
    """Row and column of the pixel in the middle of an LR."""
    return hr[0] // scale // 2, hr[1] // scale // 2


def gains_of(program: Program, assets: Assets, hr: Shape) -> dict[int, float]:
    """See `Walked`; those of the pixel in the middle of the LR."""
    numbers = [n for n, op in enumerate(program.ops) if isinstance(op, NOISE)]
    linear = set(map(id, linear_ops(program)))
    last = max((n for n, op in enumerate(program.ops) if id(op) in linear), default=-1)
    if not numbers or last < numbers[0]:
        return dict.fromkeys(numbers, 1.0)
    return walk(program, assets, hr, middle_of(hr, program.scale)).gains
