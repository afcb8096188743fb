"""What a report shows of curation."""

from __future__ import annotations

from pairmill.schemas.base import Frozen
from pairmill.schemas.histogram import Histogram
from pairmill.schemas.hr_quality import HrFigures, HrVerdict


class CopyView(Frozen):
    """An image and one that shows the same: two source images, or a source image and a benchmark
    image.
    """

    names: tuple[str, str]
    """File names."""
    kinds: tuple[str, str]
    """`real`, `clean` or `benchmark`."""
    pictures: tuple[str, str]
    """Small images; empty where one could not be read."""
    boxes: tuple[tuple[float, float, float, float], tuple[float, float, float, float]]
    """Left, top, right and bottom of what both show, as shares of the sides."""
    overlap: float
    """Share of the smaller image that both show."""
    correlation: float
    """Correlation of the detail in it."""
    outcome: str
    """What was done about it."""


class CopyGroup(Frozen):
    """Source images that show the same, tied together by pairs."""

    names: tuple[str, ...]
    """File names of the first ones: one that stays, the largest of them, before the others."""
    images: int
    """How many there are."""
    pairs: int
    """Pairs of them that are alike."""
    real: int
    """How many are real images."""
    clean: int
    """How many are clean images."""
    overlaps: tuple[float, float]
    """Smallest and largest share of the smaller image that both of a pair show."""
    outcome: str
    """What was done about them."""


class ScoredView(Frozen):
    """An image and a score of it."""

    name: str
    """File name."""
    kind: str
    """`real` or `clean`."""
    picture: str
    """Its busiest part, pixel by pixel; empty where it could not be read."""
    score: float
    """Blockiness, or blur in pixels."""


class HrRow(Frozen):
    """What one image is worth as HR."""

    name: str
    """File name."""
    kind: str
    """`real` or `clean`."""
    figures: HrFigures
    """What was measured."""
    verdicts: tuple[HrVerdict, ...]
    """Why it is worth less; empty if it is not."""
    picture: str
    """The image with what is out of focus tinted; empty where it is not shown."""


class HrSection(Frozen):
    """What the images are worth as HR."""

    total: int
    """Images that were measured."""
    worth_less: int
    """How many have a verdict."""
    verdicts: dict[str, int]
    """Images by verdict; one may have several."""
    rows: tuple[HrRow, ...]
    """Images, those with most verdicts first, then the most out of focus."""


class CreditView(Frozen):
    """Licence and author of some images."""

    licence: str
    """Licence; empty if none is known."""
    author: str
    """Who made them."""
    source: str
    """Where they were published."""
    title: str
    """What they are called."""
    images: int
    """Images that it is true of."""


class CurationSection(Frozen):
    """Copies, leaks, scores and licences."""

    checked: bool
    """Whether copies were looked for at all; if not, there are licences only."""
    copies: tuple[CopyView, ...]
    """Pairs that tie the groups together, one of each in turn; of a real and a clean image first,
    then largest overlap."""
    copies_total: int
    """Pairs of near-duplicates among the source images."""
    across: int
    """How many of them are of a real and a clean image."""
    alike: tuple[CopyGroup, ...] = ()
    """Groups of source images that show the same, largest first; none in older reports."""
    alike_total: int = 0
    """How many groups there are."""
    alike_images: int = 0
    """How many images are in them."""
    alike_mixed: int = 0
    """How many groups have both real and clean images."""
    small: int = 0
    """Images that are small copies of larger ones; 0 in older reports."""
    groups: int
    """Groups of images that share a split."""
    benchmarks: int
    """Benchmark images that were compared with."""
    leaks: tuple[CopyView, ...]
    """Images that show benchmark images."""
    leaks_total: int
    """How many there are."""
    blocky: tuple[ScoredView, ...]
    """The most blocky images."""
    blurred: tuple[ScoredView, ...]
    """The most blurred images."""
    blockiness: Histogram | None
    """Blockiness of all images."""
    blur: Histogram | None
    """Blur of all images that have an edge."""
    hr: HrSection | None = None
    """What the images are worth as HR; none where nobody asked."""
    credits: tuple[CreditView, ...]
    """Licences and authors, most images first."""
    credits_total: int
    """How many different ones there are."""
