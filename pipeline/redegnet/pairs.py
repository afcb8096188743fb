"""What an iteration of ReDegNet's fit sees: varied real pairs, and natural images and faces that
are degraded alike.

Every sample has a stream of its own, keyed by its number, so that a fit continues from a count of
samples and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import LUMA
from pairmill.models.functional.resize import resize, to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.degraders.bsrgan import Bsrgan
from pairmill.pipeline.degraders.sampling import chance, integer, one_of, shuffled, uniform
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.redegnet.alike import draw_alike
from pairmill.pipeline.rng import pick, stream
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.redegnet import RedegnetConfig, RedegnetPairsConfig

if TYPE_CHECKING:
    from pairmill.models.redegnet.fit import Batch

Image = NDArray[np.uint8]
NO_POOLS = Assets()
BSRGAN = BsrganConfig(anisotropic=0.3, jpeg_quality=(30, 85), jpeg=0.8, noise=(3, 25))
"""BSRGAN as ReDegNet's code has it; its JPEG at the end is always there."""
REPLACED, WORSENED = (3, 4, 5, 6), (1, 2)
"""Scales that it downscales by where it replaces the LQ, and where it worsens it."""
GREY, GREYNESS = 0.05, (0.8, 0.9, 1.0)
NATURAL_WINDOW, NATURAL_LEAST = 400 / 256, 360 / 256
"""Natural images are cut from windows of this side, downscaled to between one and the second,
relative to the fit's side."""


@dataclass(frozen=True)
class Faces:
    """A real pair in memory, both (H, W, 3)."""

    lq: Image
    hq: Image


class Pairs:
    """Batches of a fit."""

    def __init__(
        self, faces: Sequence[Faces], naturals: Sequence[Image], config: RedegnetConfig, seed: int
    ) -> None:
        """Take images in; those smaller than what is cut from them are upscaled."""
        self.faces, self.naturals, self.config, self.seed = faces, naturals, config, seed

    def __call__(self, number: int) -> Batch:
        """The batch of an iteration."""
        from pairmill.models.redegnet.fit import Batch

        count = self.config.batch
        samples = [self._sample(number * count + place) for place in range(count)]
        swap = chance(stream(self.seed, "redegnet", "swap", number), self.config.swap)
        hq, lq, alike, natural, natural_alike = (
            np.stack(part) for part in zip(*samples, strict=True)
        )
        return Batch(hq, lq, alike, natural, natural_alike, swap)

    def _sample(self, number: int) -> tuple[Image, Image, Image, Image, Image]:
        """HQ and LQ of a face, the face degraded alike, a natural image, and the same degraded
        alike.
        """
        rng, side = stream(self.seed, "redegnet", "sample", number), self.config.net.side
        pair = cut_pair(rng, self.faces[self._face(number)], side, self.config.pairs)
        natural = cut_natural(rng, self.naturals[pick(rng, len(self.naturals))], side)
        program = draw_alike(rng, (side, side))
        return (
            pair.hq,
            pair.lq,
            apply(program, pair.hq, NO_POOLS),
            natural,
            apply(program, natural, NO_POOLS),
        )

    def _face(self, number: int) -> int:
        """Every pair once per epoch, in an order of its own."""
        epoch, place = divmod(number, len(self.faces))
        return shuffled(stream(self.seed, "redegnet", "epoch", epoch), range(len(self.faces)))[
            place
        ]


def cut_pair(
    rng: np.random.Generator, pair: Faces, side: int, config: RedegnetPairsConfig
) -> Faces:
    """A random part of a real pair, side x side, downscaled a little, rotated, its LQ perhaps drawn
    or worsened, perhaps greyed.
    """
    faces = _cut_alike(rng, pair, side, config)
    if chance(rng, 0.5):
        faces = Faces(faces.lq[:, ::-1], faces.hq[:, ::-1])
    if chance(rng, 0.35):
        faces = Faces(faces.lq[::-1], faces.hq[::-1])
    kind = float(rng.random())
    if kind < config.replaced:
        faces = Faces(_worse(rng, faces.hq, one_of(rng, REPLACED)), faces.hq)
    elif kind < config.replaced + config.worsened:
        faces = Faces(_worse(rng, faces.lq, one_of(rng, WORSENED)), faces.hq)
    if chance(rng, GREY):
        share = one_of(rng, GREYNESS)
        faces = Faces(greyed(faces.lq, share), greyed(faces.hq, share))
    return faces


def _cut_alike(
    rng: np.random.Generator, pair: Faces, side: int, config: RedegnetPairsConfig
) -> Faces:
    """The same square of both; its side is what the fit's side is before the downscaling."""
    lq, hq = (without_margins(image, config.margins) for image in (pair.lq, pair.hq))
    width = min(hq.shape[:2])
    taken = _taken(rng, side, width, max(side, round(config.zoom * width)))
    top, left = (integer(rng, (0, length - taken)) for length in hq.shape[:2])
    return Faces(
        *(fitted(image[top : top + taken, left : left + taken], side) for image in (lq, hq))
    )


def without_margins(image: Image, margins: tuple[float, float, float, float]) -> Image:
    """The part of an image within margins, given as fractions of its sides."""
    height, width = image.shape[:2]
    top, bottom, left, right = margins
    return image[
        round(top * height) : round((1 - bottom) * height),
        round(left * width) : round((1 - right) * width),
    ]


def cut_natural(rng: np.random.Generator, image: Image, side: int) -> Image:
    """A random part of a natural image, side x side, downscaled a little, its colours perhaps
    shifted, perhaps greyed.
    """
    window = min(round(NATURAL_WINDOW * side), *image.shape[:2])
    target = integer(rng, (side, max(side, min(window, round(NATURAL_LEAST * side)))))
    taken = max(1, min(window, round(side * window / target)))
    top, left = (integer(rng, (0, length - taken)) for length in image.shape[:2])
    cut = fitted(image[top : top + taken, left : left + taken], side)
    if chance(rng, 0.4):
        cut = jittered(rng, cut)
    if chance(rng, GREY):
        return greyed(cut, one_of(rng, GREYNESS))
    return cut


def _taken(rng: np.random.Generator, side: int, width: int, least: int) -> int:
    """Side of a square that becomes `side` when `width` becomes a random width of [least,
    width].
    """
    reduced = integer(rng, (min(least, width), width))
    return max(1, min(width, round(side * width / reduced)))


def fitted(image: Image, side: int) -> Image:
    """A square image at side x side."""
    return to_uint8(resize(image, side, side, "bilinear"))


def _worse(rng: np.random.Generator, image: Image, scale: int) -> Image:
    """An image after BSRGAN, brought back to its size."""
    program = Bsrgan(BSRGAN, scale, Pools()).draw(rng, (image.shape[0], image.shape[1]))
    return fitted(apply(program, np.ascontiguousarray(image), NO_POOLS), image.shape[0])


def greyed(image: Image, share: float) -> Image:
    """`share` of the luminance, the rest of the image."""
    grey = (image @ LUMA)[..., None]
    return to_uint8(share * grey + (1 - share) * image)


def jittered(rng: np.random.Generator, image: Image) -> Image:
    """Brightness, contrast and saturation in random order, each times 0.9 to 1.1."""
    values = image.astype(np.float64)
    for kind in shuffled(rng, ("brightness", "contrast", "saturation")):
        factor = uniform(rng, (0.9, 1.1))
        if kind == "brightness":
            values = factor * values
        else:
            if kind == "contrast":
                centre = (values @ LUMA).mean()
            else:
                centre = (values @ LUMA)[..., None]
            values = centre + factor * (values - centre)
        values = np.clip(values, 0, 255)
    return to_uint8(values)


def crops_of(
    pair: Faces, name: str, side: int, config: RedegnetPairsConfig, seed: int
) -> list[Faces]:
    """The parts of a pair that representations are taken from: its middle, then random ones, none
    downscaled or varied.

    Args:
        pair: the pair.
        name: what its random crops are keyed by: the digest of its LQ.
        side: of a crop.
        config: margins and number.
        seed: of the fit.
    """
    lq, hq = (without_margins(image, config.margins) for image in (pair.lq, pair.hq))
    taken = min(side, *hq.shape[:2])
    rng = stream(seed, "redegnet", "crops", name)
    free = [length - taken for length in hq.shape[:2]]
    places = [tuple(length // 2 for length in free)]
    further = range(config.crops - 1)
    places += [tuple(integer(rng, (0, length)) for length in free) for _ in further]
    crops = []
    for top, left in places:
        part = slice(top, top + taken), slice(left, left + taken)
        crops.append(Faces(fitted(lq[part], side), fitted(hq[part], side)))
    return crops
