"""What an SR network's partner is: networks that learn from real LR and HR, and make the LR that
the SR network sees next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.fitting.streams import Crops, Image
from pairmill.models.keyed import keyed
from pairmill.models.pdm.start import Codec
from pairmill.models.translation.fit import clean_of
from pairmill.models.translation.measure import offset_of
from pairmill.schemas.joint import JointGateConfig

ACCURACY = "joint/accuracy"
"""Name in the log of the share of places that the discriminator of LR classifies correctly."""
PATIENT = 10
"""The first 1 / PATIENT of the steps, a discriminator may win."""


@dataclass(frozen=True)
class Opening:
    """What every partner begins with."""

    reals: Sequence[Image]
    """Real LR photographs, (H, W, 3) uint8."""
    scale: int
    """HR side over LR side."""
    seed: int
    """Up to 128 bits; all streams come from it."""
    steps: int
    """Length of the training."""
    side: int
    """Side of LR crops, in LR pixels."""
    network: nn.Module
    """The SR network, (B, 3, h, w) in [0, 1] to (B, 3, s h, s w)."""
    device: str = "cpu"
    """`cpu` or `cuda`."""
    checkpoint: bytes = b""
    """A sealed degradation to begin with; empty for a new one."""
    codec: Codec | None = None
    """What compresses its LR last; none where its photographs were not compressed, or unknown."""
    mixed: bool = False
    """Whether a GPU computes in mixed precision."""


@dataclass(frozen=True)
class Lesson:
    """What the SR network learns from in a step."""

    hr: Tensor
    """(B, 3, s h, s w) in [0, 1]."""
    lr: Tensor
    """(B, 3, h, w) of 8 bits, detached."""
    terms: dict[str, float]
    """What the partner's networks minimised, by name."""
    unpaired: Tensor | None = None
    """(B, 3, h, w) real LR, whose SR `Partner.judge_sr` looks at; none where it does not."""


@dataclass(frozen=True)
class Sight:
    """Real LR and what the partner makes, of the same side; (N, 3, n, n) in [0, 1]."""

    real: Tensor
    fake: Tensor
    clean: Tensor
    """Bicubic LR of the HR that `fake` is made of."""


class Partner(ABC):
    """Base of all kinds. What a step sees is a function of the seed and its number.

    Args:
        opening: what it begins with.
        gates: when it raises an alarm.
    """

    margin = 0
    """HR pixels on each side that it needs around what the SR network sees; a multiple of the
    scale."""
    unpaired = False
    """Whether SR of real LR has terms too."""

    def __init__(self, opening: Opening, gates: JointGateConfig) -> None:
        self.opening, self.gates, self.scale = opening, gates, opening.scale
        self._crops = lru_cache(maxsize=2)(self._crops_of)

    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """All that has weights, by name, but the SR network."""

    @abstractmethod
    def moments(self) -> Mapping[str, torch.optim.Optimizer]:
        """Its optimisers by name."""

    @abstractmethod
    def learn(self, real: Tensor, hr: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """One turn of its networks.

        Args:
            real: (B, 3, h, w) in [0, 1].
            hr: (B, 3, s h + 2 margin, s w + 2 margin).
            step: steps made before.

        Returns:
            LR of the middle of `hr`, (B, 3, h, w) of 8 bits, detached; and the terms.
        """

    @abstractmethod
    def draw(self, hr: Tensor, rng: np.random.Generator) -> Tensor:
        """LR of 8 bits by what would be kept now; (N, 3, ...) with the margin, as for `learn`."""

    @abstractmethod
    def checkpoint(self) -> bytes:
        """What it has learned, as a file."""

    def judge_sr(self, sr: Tensor, real: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """What the SR network minimises besides, after `turn`: terms by name, weights included.

        Args:
            sr: (B, 3, s h, s w), with gradient.
            real: (B, 3, h, w) real LR that it is made of.
        """
        return {}

    def turn(self, hr: Tensor, step: int) -> Lesson:
        """One step; SR sees pairs flipped and rotated, its partner does not: photographs are not
        alike in all directions.

        Args:
            hr: (B, 3, s h + 2 margin, s w + 2 margin) in [0, 1].
            step: steps made before.
        """
        count, side = len(hr), self._side(hr)
        rng = keyed(self.opening.seed, "crops", step)
        real = self._crops(side).at(step * count, count, rng).to(hr)
        lr, terms = self.learn(real, hr, step)
        positions = (8 * rng.random(count)).astype(np.int64)
        return Lesson(
            turned(self.middle(hr), positions),
            turned(lr, positions),
            terms,
            real if self.unpaired else None,
        )

    def look(self, hr: Tensor, step: int) -> Sight:
        """Real LR beside drawn LR; the photographs are the same at every look.

        Args:
            hr: (N, 3, s n + 2 margin, s n + 2 margin) in [0, 1].
            step: steps made.
        """
        side = self._side(hr)
        real = self._crops(side).at(0, len(hr), keyed(self.opening.seed, "check"))
        with torch.no_grad():
            fake = self.draw(hr, keyed(self.opening.seed, "check", 1 + step))
            clean = clean_of(self.middle(hr), side)
        return Sight(real, fake.float().cpu(), clean.cpu())

    def alarms(self, sight: Sight) -> dict[str, str]:
        """What is wrong with what it draws, in words, by the name of the gate."""
        clean, fake = (
            255 * image.permute(0, 2, 3, 1).double().numpy() for image in (sight.clean, sight.fake)
        )
        if not np.isfinite(fake).all():
            return {"not-finite": "what is drawn is no number"}
        offset = self.scale * max(map(abs, offset_of(clean, fake)))
        colour = float(np.abs((fake - clean).mean((0, 1, 2))).max())
        found = {}
        if offset > self.gates.max_offset:
            found["off-centre"] = (
                f"LR lies {offset:.2f} HR pixels off, gate {self.gates.max_offset:g}"
            )
        if colour > self.gates.max_colour:
            found["off-colour"] = f"LR is {colour:.1f} levels off, gate {self.gates.max_colour:g}"
        return found

    def won(self, means: Mapping[str, float], step: int) -> bool:
        """Whether the discriminator has won, by mean terms."""
        patient = PATIENT * step > self.opening.steps
        return patient and means.get(ACCURACY, 0.0) > self.gates.max_accuracy

    def middle(self, hr: Tensor) -> Tensor:
        """Without the margin."""
        end = hr.shape[2] - self.margin
        return hr[:, :, self.margin : end, self.margin : end]

    def _side(self, hr: Tensor) -> int:
        return (hr.shape[2] - 2 * self.margin) // self.scale

    def _crops_of(self, side: int) -> Crops:
        return Crops(self.opening.reals, side, self.opening.seed, "real", mirror=False)


def turned(images: Tensor, positions: NDArray[np.integer]) -> Tensor:
    """(B, 3, n, n), each flipped or rotated: bit 2 exchanges rows and columns, bit 1 mirrors the
    rows, bit 0 the columns.
    """
    out = []
    for image, position in zip(images, positions.tolist(), strict=True):
        placed = image.transpose(1, 2) if position & 4 else image
        out.append(placed.flip([axis for axis, bit in ((1, 2), (2, 1)) if position & bit]))
    return torch.stack(out)
