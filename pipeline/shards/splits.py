"""Which split a source image is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pairmill.pipeline.rng import stream
from pairmill.schemas.recipe import SplitsConfig

OWN: Mapping[str, str] = {}


def split_images(
    images: Sequence[str], splits: SplitsConfig, seed: int, keys: Mapping[str, str] = OWN
) -> dict[str, str]:
    """Map the digest of every image to its split.

    Each image falls by a draw of its own, so that new images move no old one; images of one key
    fall together, by the draw of that key. A split that got none, as happens with a handful of
    images, takes the key that fell nearest to it from the fullest split that has more than one.

    Args:
        images: Digests.
        splits: Shares.
        seed: Seed of the draws.
        keys: The image by whose draw another falls, where that is not itself.
    """
    own = {image: keys.get(image, image) for image in images}
    chosen = _split_keys(list(dict.fromkeys(own.values())), splits, seed)
    return {image: chosen[key] for image, key in own.items()}


def _split_keys(images: Sequence[str], splits: SplitsConfig, seed: int) -> dict[str, str]:
    shares = splits.shares()
    draws = {image: float(stream(seed, "split", image).random()) for image in images}
    chosen = {image: _fall(value, shares) for image, value in draws.items()}
    for split in shares:
        if split not in chosen.values() and len(images) > 1:
            counts = {other: list(chosen.values()).count(other) for other in shares}
            fullest = max(counts, key=lambda other: counts[other])
            if counts[fullest] > 1:
                order = list(shares)
                if order.index(split) < order.index(fullest):
                    nearest = min
                else:
                    nearest = max
                moved = nearest(
                    (image for image in images if chosen[image] == fullest),
                    key=lambda image: draws[image],
                )
                chosen[moved] = split
    return chosen


def _fall(value: float, shares: dict[str, float]) -> str:
    reached = 0.0
    for split, share in shares.items():
        reached += share
        if value < reached:
            return split
    return next(reversed(shares))
