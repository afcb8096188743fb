"""How well a classifier distinguishes synthetic LR from real LR: settings, results, and what both
sides look like.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pairmill.schemas.base import Frozen
from pairmill.schemas.realism_card import RealismCard


class RealismConfig(Frozen):
    """How realism is measured; a diagnostic, which never changes a corpus or its version."""

    enabled: bool = True
    """Whether the report of a build measures it."""
    patch: int = Field(default=32, ge=16, le=128)
    """Side of the compared patches, in LR pixels; a multiple of 8, smaller where the LR tiles
    are."""
    patches: int = Field(default=500, ge=100, le=20_000)
    """Maximum number of patches of either side in one comparison."""
    folds: int = Field(default=5, ge=2, le=20)
    """Parts for cross-validation; patches of one source image are all in one part."""
    network: bool = True
    """Whether a small convolutional network is one of the classifiers; it takes most of the
    time."""
    card: bool = True
    """Whether it also holds what papers measure: noise, spectrum, KID, and cameras against one
    another."""
    seed: int = Field(default=0, ge=0)
    """Seed of folds, choices, the network's start and the bootstrap."""

    @field_validator("patch")
    @classmethod
    def _whole_blocks(cls, value: int) -> int:
        if value % 8:
            raise ValueError(f"must be a multiple of 8, the side of a JPEG block, got {value}")
        return value


class ClassifierAuc(Frozen):
    """How well one classifier did on images that it was not trained on."""

    classifier: Literal["linear", "trees", "network"]
    """Logistic regression on the features, boosted trees on the features, or a network on the
    pixels."""
    auc: float = Field(ge=0, le=1)
    """Share of pairs of a synthetic and a real patch in which the synthetic one got the higher
    score."""


class SideStatistics(Frozen):
    """What the compared patches of one side look like."""

    spectrum: tuple[tuple[float, float], ...]
    """(cycles per pixel, dB above white noise of one squared intensity level): grey, geometric mean
    over patches."""
    noise: tuple[tuple[float, float], ...]
    """(brightness, std of the calmest quarter of the cells as bright), both in intensity levels."""
    residual_std: tuple[float, float, float]
    """Median standard deviation of the high-pass residual of R, G and B, in intensity levels."""
    correlation: float
    """Median correlation of the residuals of two colour channels."""
    edge_width: tuple[float, float, float]
    """Quartiles of the width of the sharpest edge of a patch, in pixels."""
    blockiness: float
    """Median of how much larger steps are across the 8-pixel grid than elsewhere, as a natural
    logarithm; 0 is none."""


class RealismResult(Frozen):
    """One comparison of synthetic with real patches."""

    problem: str = ""
    """Why there is no number, in a sentence; empty if there is one."""
    images: int = 0
    """Source images that took part."""
    patches: int = 0
    """Patches of either side, matched in content."""
    folds: int = 0
    """Number of cross-validation folds."""
    auc: float | None = None
    """Area under the ROC curve of all classifiers together, each on images that it was not trained
    on; 0.5 is guessing."""
    interval: tuple[float, float] | None = None
    """95 % interval of `auc` over a new choice of images."""
    classifiers: tuple[ClassifierAuc, ...] = ()
    """Each classifier alone."""
    telling: tuple[str, ...] = ()
    """The features that distinguish best when used alone, the strongest first, with the direction,
    such as `less noise`."""
    real: SideStatistics | None = None
    """The real side."""
    synthetic: SideStatistics | None = None
    """The synthetic side."""

    @property
    def distance(self) -> float:
        """How far from guessing, 0 to 0.5.

        A classifier learns on other images which side is which, so an `auc` below 0.5 is chance and
        no skill: it counts as 0, and is not mirrored to the other side.
        """
        return max(0.0, (self.auc if self.auc is not None else 0.5) - 0.5)

    def words(self) -> str:
        """The verdict in a few words."""
        if self.auc is None or self.interval is None:
            return "not measured"
        if self.interval[0] <= 0.5 and self.auc < 0.6:
            return "indistinguishable from real"
        steps = (
            (0.65, "nearly real"),
            (0.8, "sometimes distinguishable from real"),
            (0.95, "often distinguishable from real"),
        )
        return next(
            (words for most, words in steps if self.auc <= most),
            "almost always distinguishable from real",
        )


class RealismRow(Frozen):
    """One row of the ranking."""

    name: str
    """Degrader, or what is compared as a control."""
    control: bool
    """Whether it is a control rather than a degrader of the corpus."""
    samples: int
    """LR tiles that patches were cut from; photos in the control of real against real."""
    result: RealismResult
    """The comparison with the real photos."""
    picture: str = ""
    """Matched real and synthetic patches, the most telling ones; empty if there is none."""
    side: int = Field(default=256, ge=1)
    """Width of what that image shows, in LR pixels."""


class RealismSection(Frozen):
    """The realism of every degrader of a corpus."""

    patch: int
    """Side of the patches, in LR pixels."""
    photographs: int
    """Real photos that were read."""
    problem: str = ""
    """Why nothing could be measured; empty if something was."""
    rows: tuple[RealismRow, ...] = ()
    """Degraders, the most realistic first, then the controls."""
    card: RealismCard | None = None
    """What papers measure; none if it was not asked for."""


class RealismReport(Frozen):
    """`realism.json` of the command."""

    format: Literal["pairmill-realism/1"] = "pairmill-realism/1"
    """Layout of this file."""
    corpus: str
    """NAME@VERSION."""
    config: RealismConfig
    """How it was measured."""
    section: RealismSection
    """What was found."""
