"""Curation: near-duplicates, leaks from benchmarks, and how blocky and blurred source images
are.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pairmill.schemas.base import Digest, Frozen, Grown
from pairmill.schemas.hr_quality import HrFigures, HrQualityConfig, HrVerdict
from pairmill.schemas.image import ImageSet, Role
from pairmill.schemas.patterns import Patterns


class AlikeConfig(Frozen):
    """When two images count as copies of one image."""

    min_correlation: float = Field(default=0.6, gt=0, le=1)
    """Smallest correlation of the detail that both show, laid over each other."""
    min_overlap: float = Field(default=0.2, gt=0, le=1)
    """Smallest share of the smaller image that both show."""


class QualityLimits(Frozen):
    """How blocky and blurred an image may be; no limit by default."""

    max_blockiness: float | None = Field(default=None, gt=0)
    """Maximum blockiness: how much stronger steps between 8-pixel blocks are than others, as a
    natural logarithm; 0.2 is visible."""
    max_blur: float | None = Field(default=None, gt=0)
    """Maximum blur: width of the sharper quarter of the edges, in pixels; 2 is sharp, 5 is soft."""


class CurationConfig(Grown):
    """What is done about copies, benchmark images and bad images."""

    added: ClassVar[tuple[str, ...]] = ("hr",)
    duplicates: Literal["group", "reject"] = "group"
    """`group`: near-duplicates stay and are all in one split; `reject`: only the one that came
    first or is largest stays."""
    alike: AlikeConfig = AlikeConfig()
    """How alike two images must be to count as copies."""
    benchmarks: Patterns = ()
    """Images that one will be tested on: files, folders, globs or URLs; images that show one of
    them are rejected."""
    real: QualityLimits = QualityLimits()
    """Limits for real images; beware, what is wrong with them is what the corpus imitates."""
    clean: QualityLimits = QualityLimits()
    """Limits for clean images."""
    hr: HrQualityConfig | None = None
    """What images are worth as HR: focus, enlargement, older compression, complexity; not measured
    in builds without it, `hr: {}` for the defaults."""


class Scores(Frozen):
    """How good an image is as an image."""

    blockiness: float
    """How much stronger steps between 8-pixel blocks are than others, as a natural logarithm; about
    0 without compression."""
    blur: float | None
    """Width of the sharper quarter of the edges, in pixels; none for an image without an edge."""


class Fingerprint(Frozen):
    """What one image is recognised by; its keypoints lie in `places.npy` and `codes.npy` of the
    unit.
    """

    keypoints: int
    """Number of keypoints."""
    whole: str | None = Field(pattern=r"^[0-9a-f]{16}$")
    """Hash of the whole image; none for a flat one."""
    scores: Scores
    """Blockiness and blur."""


class FingerprintRef(Frozen):
    """One image and the unit with its keypoints."""

    key: Digest
    """Key of the unit."""
    image: Digest
    """Pixel digest of the image."""
    scores: Scores
    """Blockiness and blur."""


class FingerprintSet(Frozen):
    """All images, and which pairs are worth comparing."""

    images: tuple[FingerprintRef, ...]
    """The images, by digest."""
    pairs: tuple[tuple[Digest, Digest], ...]
    """Candidates, lower digest first."""


class AlikePair(Frozen):
    """Two images that show the same."""

    first: Digest
    """Pixel digest of one."""
    second: Digest
    """Pixel digest of the other, the greater digest."""
    overlap: float
    """Share of the smaller image that both show."""
    correlation: float
    """Correlation of the detail in it."""
    matches: int
    """Keypoints that agree; 0 where the whole images were laid over each other."""
    boxes: tuple[tuple[float, float, float, float], tuple[float, float, float, float]]
    """Left, top, right and bottom of what both show in either image, as shares of its sides."""


class Compared(Frozen):
    """The images that are like one image."""

    pairs: tuple[AlikePair, ...]
    """Pairs that pass `AlikeConfig`."""
    candidates: int
    """Pairs that were compared."""


class AlikeSet(Frozen):
    """All pairs of images that show the same."""

    pairs: tuple[AlikePair, ...]
    """Pairs, by digests."""
    candidates: int
    """Pairs that were compared."""


class Leak(Frozen):
    """A source image that shows a benchmark image."""

    image: Digest
    """Pixel digest of the source image."""
    benchmark: str
    """Where the benchmark image was found."""
    pair: AlikePair | None
    """How they agree; none where the pixels are the same."""


class Curated(Frozen):
    """What curation found, and the images that are left."""

    images: ImageSet
    """Accepted images, and all rejected ones."""
    split_keys: dict[Digest, Digest]
    """The image by whose draw another one falls into a split, where that is not itself."""
    pairs: tuple[AlikePair, ...]
    """Near-duplicates among the source images, the rejected ones included."""
    leaks: tuple[Leak, ...]
    """Images that show benchmark images."""
    scores: dict[Digest, Scores]
    """Of all source images."""
    benchmarks: int
    """Benchmark images that were compared with."""
    figures: dict[Digest, HrFigures] = Field(default_factory=dict)
    """Of all source images; empty where nobody asked."""
    verdicts: dict[Digest, tuple[HrVerdict, ...]] = Field(default_factory=dict)
    """Why some of them are worth less as HR."""

    def across(self, roles: dict[str, Role]) -> int:
        """How many pairs are of a real and a clean image."""
        return sum(roles[pair.first] != roles[pair.second] for pair in self.pairs)
