"""The realism card: what papers measure of synthetic LR, with intervals and controls."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Frozen

ScoreName = Literal["akld", "kld", "spectrum", "kid", "fid"]
"""The scores, in the order in which they are shown."""


class Score(Frozen):
    """One number and how sure it is."""

    value: float
    """The estimate."""
    interval: tuple[float, float] | None = None
    """95 % interval over a new choice of source images; none where there are too few."""


class CardRow(Frozen):
    """LR of one kind against photographs of one kind."""

    name: str
    """Degrader, or what is compared as a control."""
    group: str = ""
    """Group of photographs that LR was made after, and that it is compared with; empty for all."""
    control: bool = False
    """Whether it is a control rather than a degrader of the corpus."""
    images: int = 0
    """Source images that took part."""
    patches: int = 0
    """Patches of either side, matched in content, that spectrum, KID and FID are measured on."""
    blocks: tuple[int, int] = (0, 0)
    """Blocks of 8 x 8 pixels that hold noise alone, of the photographs and of LR, that AKLD and KLD
    are measured on."""
    known_noise: bool = False
    """Whether the noise of LR is known: LR minus what its programs give without their noise. If
    not, it is what the flat blocks of LR show."""
    akld: Score | None = None
    """Average Kullback-Leibler divergence of zero-mean normal noise by level, in nats; 0 is equal
    noise."""
    kld: Score | None = None
    """Kullback-Leibler divergence of the histograms of noise by level, in nats; 0 is equal
    noise."""
    spectrum: Score | None = None
    """Root mean square difference of the power spectra over spatial frequency, in dB."""
    kid: Score | None = None
    """Kernel inception distance with the feature of `RealismCard.feature`; 0 is equal, and it may
    be below."""
    fid: Score | None = None
    """Fréchet inception distance of the patches; none without Inception weights."""
    problems: dict[ScoreName, str] = Field(default_factory=dict)
    """Why scores are not there, in words."""

    def score(self, name: ScoreName) -> Score | None:
        """A score by its name."""
        found: Score | None = getattr(self, name)
        return found


class CrossCamera(Frozen):
    """How surely LR that was made after one group of photographs is told from those of another."""

    groups: tuple[str, ...]
    """Groups of photographs, those with most photographs first."""
    photographs: tuple[int, ...]
    """Photographs of each that were looked at."""
    lr: tuple[tuple[Score | None, ...], ...]
    """AUC of LR made after the group of the row against photographs of the group of the column;
    0.5 is guessing. None where there is too little."""
    control: tuple[tuple[Score | None, ...], ...]
    """The same of photographs against photographs: whether the groups differ at all."""


class RealismCard(Frozen):
    """What papers measure, of every degrader and of every group of photographs."""

    feature: str
    """Name and version of the feature that KID is measured with."""
    inception: str = ""
    """SHA-256 of the Inception weights that FID is measured with; empty without."""
    rows: tuple[CardRow, ...] = ()
    """Degraders in the order of the ranking, with their groups, then the controls."""
    cross: CrossCamera | None = None
    """None where there are no two groups with LR of their own."""
