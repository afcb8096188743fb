"""The pictures that kernels are scored on, divided by who has looked at them before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scene_spectra import SUFFIXES
from pairmill.flows.cli.demo import PHOTOS
from pairmill.pipeline.images.decode import decode
from pairmill.schemas.image import IngestConfig

MULTIPLE = 12
"""Sides are cut to multiples of it, so that a picture serves scales 2, 3 and 4."""
DRAWN = {"img_005.png", "img_013.png"}
"""A comic and a slide: what Set14 has besides photographs."""
CALIBRATED = ("BSD100_first50", "Urban100_first24")
"""Folders whose every second picture, the first included, the built-in scenes were measured on."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A sharp picture."""

    name: str
    source: str
    """Folder or package it comes from."""
    image: NDArray[np.uint8]
    """(H, W, 3) RGB, sides divisible by `MULTIPLE`."""


def pictures(data: Path, which: str) -> list[Picture]:
    """Pictures by their history, in order of their names.

    Args:
        data: the folder of `Set14` and the others.
        which: `calibration`, what the built-in scenes were measured on; `other half`, the rest of
            the same folders, which settings were looked at on; `fresh`, all others.

    Raises:
        ValueError: for another `which`, or if a folder has no pictures.
    """
    if which == "fresh":
        return [*_fresh(data), *_bundled()]
    if which not in {"calibration", "other half"}:
        raise ValueError(f"no pictures are called {which!r}")
    first = int(which == "other half")
    return [_read(path, name) for name in CALIBRATED for path in _files(data / name)[first::2]]


def _fresh(data: Path) -> list[Picture]:
    names = ("Set14", "DF2K_HQPatches", "FFHQ512")
    found = [_read(path, name) for name in names for path in _files(data / name)]
    return [one for one in found if not (one.source == "Set14" and one.name in DRAWN)]


def _bundled() -> list[Picture]:
    """Photographs that come with scikit-image and scikit-learn."""
    found = []
    for package, (folder, names) in PHOTOS.items():
        home = Path(str(resources.files(package))) / folder
        found += [_read(home / name, "bundled") for name in names]
    return found


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"{folder} has no pictures")
    return found


def _read(path: Path, source: str) -> Picture:
    image = decode(path.read_bytes(), IngestConfig())[0]
    height, width = (length // MULTIPLE * MULTIPLE for length in image.shape[:2])
    return Picture(path.name, source, np.ascontiguousarray(image[:height, :width]))


def some_of(all_of_them: Sequence[Picture], count: int, seed: int) -> list[Picture]:
    """`count` pictures in random order."""
    order = np.random.default_rng(seed).permutation(len(all_of_them))
    return [all_of_them[place] for place in order[:count]]
