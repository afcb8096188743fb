"""Pairs as a report shows them: a gallery, and one of every degrader beside a photo."""

from __future__ import annotations

from pairmill.schemas.base import Frozen


class PairView(Frozen):
    """One pair of the gallery; images are file names relative to the report."""

    key: str
    """Key of the sample."""
    split: str
    """Split that it is in."""
    degrader: str
    """Degrader that drew its program."""
    source: str
    """File name of the source image."""
    program: tuple[str, ...]
    """The program in words, one phrase per op."""
    kernel: str
    """Image of the kernel; empty if the program has none."""
    hr: str
    """Crop of the HR tile."""
    lr: str
    """The same crop of the LR tile, at its own size."""
    bicubic: str
    """The crop of the LR tile upscaled to the size of HR."""


class PairsSection(Frozen):
    """Samples to look at."""

    shown: tuple[PairView, ...]
    """The gallery."""
    total: int
    """Samples in the corpus."""
    side: int
    """Side of the HR crops, in pixels."""


class CompareView(Frozen):
    """One pair of a degrader, and a part of a photo of the same size."""

    degrader: str
    """Degrader that drew its program."""
    key: str
    """Key of the sample."""
    source: str
    """File name of the image that HR is of."""
    hr: str
    """Crop of the HR tile."""
    lr: str
    """The same crop of the LR tile, at its own size."""
    photo: str = ""
    """Part of a real photo with as many pixels as the LR crop; empty where none has them."""
    photo_of: str = ""
    """File name of that photo."""
    same: bool = False
    """Whether HR was made of that photo."""


class CompareSection(Frozen):
    """A pair of every degrader beside a photo."""

    shown: tuple[CompareView, ...]
    """One of each degrader."""
    side: int
    """Side of the HR crops, in pixels."""
    degraders: int
    """Degraders of the recipe."""
