"""A real camera's kernel from its photographs alone, against that of registered pairs.

The pairs' kernel is as wide as those of a pool, and says nothing of what is beyond: estimates are
compared as a pool has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks import registered_pairs
from benchmarks.common import Row
from benchmarks.kernel_cases import SIDES, Camera, Condition, Photograph, padded
from benchmarks.kernel_methods import (
    PRODUCT,
    Estimate,
    Seen,
    camera,
    constant,
    kernelgan,
    measured,
    spectra,
)
from benchmarks.kernel_pictures import Picture
from benchmarks.kernel_restoration import upscaled
from benchmarks.kernel_scores import Key, Score, rows_of, scored
from pairmill.models.camera.scenes import Scenes, built_in, described, like_pictures
from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernels import gaussian, target_centre
from pairmill.models.registration.kernel import measure

Array = NDArray[np.float64]

SECTION = "Nikon"
GROUPS = (1, 4, 12, 24)
EARLIER = 6
"""Photographs that the earlier spectral match sees."""
WEIGHT = 5e-3
"""Of the gradient: that of `kernel_restoration` for some noise; not chosen on these pairs."""


@dataclass(frozen=True, eq=False)
class Real:
    """The camera's photographs and what is known of it."""

    low: list[Photograph]
    high: list[NDArray[np.uint8]]
    """HR of the same scenes."""
    truth: Array
    pairs: list[registered_pairs.ScoredPair]
    """Registered, to be upscaled; may be none."""


def nikon(
    folder: Path, truth: Path | None, registered: Path | None, kernelgan_on: int
) -> list[Row]:
    """All methods on the photographs of a folder of pairs.

    Args:
        folder: with `LR` and `HR`.
        truth: the kernel of the registered pairs as .npy; measured without it.
        registered: pairs that `registered_pairs` wrote; registered without it, or left out where
            the kernel is given.
        kernelgan_on: on how many photographs KernelGAN runs.
    """
    real = _read(folder, truth, registered)
    return rows_of(_scores(real, kernelgan_on))


def _read(folder: Path, truth: Path | None, registered: Path | None) -> Real:
    names = sorted(path.name for path in (folder / "LR").iterdir())
    low, high = (
        [registered_pairs.read(folder / kind / name) for name in names] for kind in ("LR", "HR")
    )
    pairs: list[registered_pairs.ScoredPair] = []
    if truth is None:
        found = measure(registered_pairs.read_pairs(folder))
        kernel, pairs = found.kernel, registered_pairs.scored_pairs(found, folder)
    else:
        kernel = np.load(truth)
    if registered is not None:
        pairs = registered_pairs.load_pairs(registered)
    whole = padded(kernel, SIDES[2])
    device = Camera("real", 2, kernel)
    photographs = [
        Photograph(Picture(name, SECTION, above), device, Condition(), image)
        for name, image, above in zip(names, low, high, strict=True)
    ]
    return Real(photographs, high, whole, pairs)


def _scores(real: Real, kernelgan_on: int) -> Iterator[Score]:
    for method in (
        constant(),
        Estimate("best Gaussian", best_gaussian(real.truth), 0.0),
        Estimate("truth", real.truth, 0.0),
    ):
        yield _scored(real, "given", 1, method)
    for one in real.low[:EARLIER]:
        yield _scored(real, "given", 1, spectra(one), upscaling=False)
    seen = [measured(one) for one in real.low]
    halves = (range(0, len(seen), 2), range(1, len(seen), 2))
    clean = [described(grey(image))[0] for image in real.high]
    for size in GROUPS:
        for part in _parts(range(len(seen)), size):
            yield from _group(real, "built-in scenes", [seen[place] for place in part], None)
        if size > len(seen) // 2:
            continue
        for mine, others in (halves, halves[::-1]):
            scenes = like_pictures([clean[place] for place in others], built_in())
            for part in _parts(mine, size):
                some = [seen[place] for place in part]
                yield from _group(real, "HR of other scenes", some, scenes)
    for number, one in enumerate(real.low[:kernelgan_on]):
        for estimate in kernelgan(one, number):
            yield _scored(real, "given", 1, estimate, upscaling=False)


def _parts(places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Groups of a size; of single photographs every second one, which is enough."""
    step = size if size > 1 else 2
    for start in range(0, len(places) - size + 1, step):
        yield places[start : start + size]


def _group(real: Real, name: str, seen: Sequence[Seen], scenes: Scenes | None) -> Iterator[Score]:
    found = camera(seen, 2, scenes)
    upscaling = len(seen) >= 12
    yield _scored(real, name, len(seen), found.camera, upscaling=upscaling)
    if len(seen) > 1:
        for one in found.own:
            yield _scored(real, name, len(seen), one, upscaling=False)


def _scored(
    real: Real, name: str, group: int, estimate: Estimate, *, upscaling: bool = True
) -> Score:
    key = Key(SECTION, name, "real", "as it is", 2, group, estimate.method)
    kernel = as_pooled(estimate.kernel)
    found = scored(key, replace(estimate, kernel=kernel), real.truth)
    if not (upscaling and real.pairs):
        return found
    return replace(found, psnr=float(np.mean([_psnr(one, kernel) for one in real.pairs])))


def as_pooled(kernel: Array) -> Array:
    """The kernel, with nothing outside the side of a pool's kernels; its sum is 1."""
    inside = padded(kernel, PRODUCT)
    return padded(inside / inside.sum(), len(kernel))


def _psnr(pair: registered_pairs.ScoredPair, kernel: Array) -> float:
    """PSNR-Y of an upscaled photograph over what registers."""
    found = upscaled(registered_pairs.luma(pair.lr), kernel, 2, WEIGHT)
    left = np.clip(found, 0, 255) - registered_pairs.luma(pair.hr)
    return float(10 * np.log10(255**2 / np.square(left[pair.mask]).mean()))


def best_gaussian(truth: Array) -> Array:
    """The Gaussian nearest to a kernel (n, n), any direction."""
    centre = target_centre(len(truth), 2)

    def form(free: Array) -> Array:
        root = np.array([[free[0], 0.0], [free[1], free[2]]])
        return gaussian(len(truth), root @ root.T + 0.05 * np.eye(2), centre)

    def cost(free: Array) -> float:
        return float(np.square(form(free) - truth).sum())

    found = minimize(cost, np.array([1.5, 0.0, 1.5]), method="Nelder-Mead", tol=1e-8)
    return form(found.x)
