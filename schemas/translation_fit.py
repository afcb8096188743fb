"""What a fit of a translator leaves: measures, the verdict of its gates, the sealed checkpoint."""

from __future__ import annotations

from enum import StrEnum

from pairmill.schemas.base import Digest, Frozen
from pairmill.schemas.learned import FitRef, FitVerdict, UnpairedMeasures
from pairmill.schemas.translation import TranslationConfig, TranslationGateConfig


class TranslationReason(StrEnum):
    """Why a fit is not drawn from."""

    OFF_CENTRE = "off-centre"
    OFF_COLOUR = "off-colour"
    NO_EFFECT = "no-effect"
    TOLD_APART = "told-apart"
    NOT_MEASURED = "not-measured"
    NOT_FINITE = "not-finite"


class TranslationMeasures(UnpairedMeasures):
    """What a fit draws, in numbers."""

    offset: float
    """Largest distance of drawn from clean LR on either axis, in HR pixels, after the
    correction."""
    drift: float
    """The same before it."""
    colour: float
    """Mean difference of 4 x 4 means of drawn and of clean LR, in intensity levels."""
    effect: float
    """Mean change of the clean LR, in intensity levels."""
    diversity: float
    """Standard deviation of two draws for one HR, in intensity levels; 0 where one HR has one
    LR."""
    real_floor: float
    """Residual of quiet places of real patches, in intensity levels."""
    fake_floor: float
    """The same of drawn patches."""
    accuracy: float | None
    """Share of places that the discriminator of real LR classified correctly over the last tenth
    of the fit; none where there is no such discriminator, or where it compares images
    (`relativistic`, `wgan_gp`)."""


class TranslationFitConfig(Frozen):
    """All that determines a fit, but the images."""

    seed: int
    """Seed that all streams come from."""
    scale: int
    """HR side over LR side."""
    settings: TranslationConfig
    """Settings; the gates are those of the default, since they judge a fit and do not change it."""


class TranslationFitted(Frozen):
    """A finished fit: `checkpoint.safetensors`, `curves.npy`, `grid-*.png` and `state.safetensors`
    of its unit.
    """

    digest: Digest
    """SHA-256 of the checkpoint."""
    method: str
    """Method of the fit."""
    scale: int
    """HR side over LR side."""
    samples: int
    """LR crops seen."""
    measures: TranslationMeasures | None
    """What it draws; none if it left the finite numbers."""


class TranslationFitRef(FitRef[TranslationFitted]):
    """A fit and the unit that made it."""


class TranslationJudgeConfig(Frozen):
    """What a fit is judged by."""

    method: str
    """Method of the fit."""
    gates: TranslationGateConfig
    """Its gates."""


class TranslationVerdict(FitVerdict[TranslationReason, TranslationMeasures]):
    """Whether a fit may be drawn from."""


class TranslationManifest(Frozen):
    """A sealed checkpoint and its verdict."""

    kind: str
    """Kind of pool: the method."""
    digest: Digest
    """Digest of the checkpoint as a pool of one; programs name it by this."""
    sha256: Digest
    """SHA-256 of the file."""
    scale: int
    """HR side over LR side."""
    verdict: TranslationVerdict
    """Whether it may be drawn from."""
    unit: Digest
    """The unit that holds curves and images of the fit."""
