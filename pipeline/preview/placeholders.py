"""Stand-ins for pools that are not sealed yet, made from a few images in a moment."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.kernels import SIZES, gaussian_kernel, target_centre, to_fixed_point
from pairmill.models.kmsr.geometry import cores, finished
from pairmill.models.kmsr.mixture import mixtures
from pairmill.pipeline.assets import pool_digest
from pairmill.pipeline.compression.mine import JPEG, encoder_of, of_file, of_pixels
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.read import read_image
from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.noise.select import choose
from pairmill.pipeline.preview.sample_images import Scene
from pairmill.pipeline.preview.supplies import Supply
from pairmill.pipeline.rng import stream
from pairmill.schemas.compression import MinedCompression
from pairmill.schemas.recipe import Recipe

MINED = 2
"""Images that stand-in noise, and compression that is no longer in the file, are mined from."""
WINDOW = 2048
"""Side of the part of an image that it is mined from, in pixels."""
MIXED = 16
"""Kernels that stand in for generated ones."""
WHITE = 3.0
"""Strength of the noise that stands in where none can be mined, in grey levels."""
SPREADS = ((0.45, 0.45), (0.6, 0.6), (0.75, 0.75), (0.45, 0.75), (0.5, 0.9))
"""Widths of the Gaussians that stand in for kernels, along both axes, in LR pixels."""


def supplies(
    recipe: Recipe, sealed: dict[str, Supply | None], scenes: Sequence[Scene]
) -> list[Supply]:
    """All pools that the recipe's degraders draw on: sealed ones where they are there, else
    stand-ins.

    Args:
        recipe: The recipe.
        sealed: What `sealed_pools` found.
        scenes: Images to mine stand-ins from.
    """
    real = [scene for scene in scenes if scene.role == "real"] or list(scenes)
    found: list[Supply | None] = []
    if recipe.needs_kernels:
        found.append(sealed.get("kernels") or gaussians(recipe.scale))
    if recipe.needs_generated_kernels:
        found.append(
            sealed.get("generated_kernels")
            or mixed(found[0] or gaussians(recipe.scale), recipe.scale)
        )
    if recipe.needs_noise:
        found.append(sealed.get("noise") or mined_noise(real, recipe))
    if recipe.needs_compression:
        found.append(
            sealed["compression"] if "compression" in sealed else mined_compression(real, recipe)
        )
    if recipe.needs_pdm:
        found.append(sealed.get("pdm"))  # a fit takes minutes: there is nothing to stand in for it
    if recipe.needs_redegnet:
        found += [sealed.get("redegnet"), sealed.get("codes")]
    return [supply for supply in found if supply is not None]


def gaussians(scale: int) -> Supply:
    """Kernels of some plausible widths, centred."""
    size = SIZES.get(scale, 4 * scale + 1)
    centre = target_centre(size, scale)
    items = np.stack(
        [
            to_fixed_point(
                gaussian_kernel(size, scale * wide, scale * narrow, 0.6 * number, centre)
            )
            for number, (wide, narrow) in enumerate(SPREADS)
        ]
    )
    note = (
        "Stand-in: Gaussians. The kernels of the real images are not estimated yet; the build "
        "does that, or "
        "`pairmill pool kernels`."
    )
    return Supply("kernels", pool_digest(items), items, sealed=False, note=note)


def mixed(kernels: Supply, scale: int) -> Supply:
    """Mixtures of turned and flipped kernels, which stand in for those of a generator."""
    made = mixtures(cores(kernels.items, scale), MIXED, 2, stream("preview", "mixtures"))
    items = np.stack([finished(core, scale) for core in made])
    note = (
        "Stand-in: mixtures of two kernels of the pool. No generator is fitted yet; the build "
        "does that."
    )
    return Supply("generated_kernels", pool_digest(items), items, sealed=False, note=note)


def mined_noise(scenes: Sequence[Scene], recipe: Recipe) -> Supply:
    """Noise of a few of the images by the real rules; white noise where they have no flat area."""
    config, start = recipe.noise, time.process_time()
    parts = [_middle(scene.source) for scene in scenes[:MINED]]
    found = [candidates(part, pixel_digest(part), config) for part in parts]
    seconds = (time.process_time() - start) / sum(part.size // 3 for part in parts)
    patches = [residual(found[image].patches[row]) for image, row in choose(found, config).picks]
    names = " and ".join(scene.name for scene in scenes[:MINED])
    if patches:
        items = np.stack(patches)
        note = (
            f"Stand-in: {len(items)} patches mined from {names} alone; the build mines all "
            "real images."
        )
    else:
        items = _white(config.patch)
        note = (
            f"Stand-in: white noise of {WHITE:g} grey levels. {names} has no area flat enough to "
            "show its noise; if no other "
            "image has one, the build stops and says what to change."
        )
    return Supply("noise", pool_digest(items), items, sealed=False, note=note, per_pixel=seconds)


def _middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of an image; its corner keeps the phase of 8 x 8 blocks."""
    top, left = (max(0, (side - WINDOW) // 2) // 8 * 8 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + WINDOW, left : left + WINDOW])


def _white(patch: int) -> NDArray[np.float32]:
    noise = stream("preview", "white").standard_normal((4, patch, patch, 3)) * WHITE
    return np.asarray(
        np.rint((noise - noise.mean(axis=(1, 2), keepdims=True)) * 256) / 256, np.float32
    )


def mined_compression(scenes: Sequence[Scene], recipe: Recipe) -> Supply | None:
    """How the images at hand were compressed, by the real rules; none if too few of them are."""
    start, found, seen = time.process_time(), list[MinedCompression](), list[Scene]()
    for scene in scenes:
        if scene.container not in JPEG and len(seen) >= MINED:
            continue  # pixels take a second an image, files nothing
        seen.append(scene)
        digest = pixel_digest(scene.source)
        if scene.container in JPEG:
            found.append(of_file(read_image(scene.url), digest))
        else:
            found.append(of_pixels(_middle(scene.source), digest, recipe.compression))
    seconds = (time.process_time() - start) / sum(scene.pixels for scene in seen)
    rows = [encoder_of(image).row() for image in found if image.found]
    share = len(rows) / len(found)
    if not rows or share < recipe.compression.min_share:
        return None
    items = np.stack(rows)
    note = (
        f"Stand-in: found in {len(rows)} of {counted(len(found), 'image')} that were looked "
        "at; the build looks at all."
    )
    return Supply(
        "compression",
        pool_digest(items),
        items,
        sealed=False,
        note=note,
        per_pixel=seconds,
        share=share,
    )
