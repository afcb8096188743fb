"""Joint training: what learns beside the SR network from real photographs, and makes its LR."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from pairmill.schemas.base import Frozen
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.translation import (
    BulatConfig,
    BulatWeights,
    CincganConfig,
    CyclesrConfig,
    MaedaConfig,
)


class JointGateConfig(Frozen):
    """When a run raises an alarm. It goes on: an alarm is a line of its log."""

    max_accuracy: float = Field(default=0.97, gt=0.5, le=1)
    """Largest share of places that the discriminator of LR classifies correctly between two lines
    of the log, after the first tenth of the steps; above it, it has won."""
    max_offset: float = Field(default=0.1, gt=0)
    """Largest distance between LR and the bicubic LR of the same HR, on either axis, in HR
    pixels."""
    max_colour: float = Field(default=2.0, gt=0)
    """Largest difference of their means over a validation, in any channel, in intensity levels."""


class JointBase(Frozen):
    """What the kinds of joint training have in common."""

    kind: str
    """Which kind."""
    real: tuple[str, ...] = Field(min_length=1)
    """Real LR photographs, of other scenes than the corpus': files, folders, globs or URLs,
    relative to the recipe."""
    images: int = Field(default=128, ge=1, le=10_000)
    """Maximum number of photographs that crops come from; of more, evenly spread ones are taken.
    Bounds memory."""
    window: int = Field(default=1024, ge=64)
    """Side of the centred part of a photograph that crops come from, in pixels, an LR crop at
    least; bounds memory."""
    gates: JointGateConfig = JointGateConfig()
    """When the run raises an alarm."""
    start_from: Literal["nothing", "pool"] = "nothing"
    """`pool`: the sealed degradation of the corpus' pool of this kind, instead of a new one."""

    cleans: ClassVar[bool] = False
    """Whether the SR network sees cleaned LR alone, and so must be a `cleaned` one."""


class PdmJoint(JointBase):
    """PDM-SR and PDM-SRGAN (Luo et al., CVPR 2022): the SR network learns from the LR that a
    degradation makes of HR, while the degradation learns what real LR looks like.
    """

    kind: Literal["pdm"] = "pdm"
    """Name of the kind."""
    settings: PdmConfig = PdmConfig(start_from="nothing")
    """The degradation, its discriminator, their losses and rates; `halve_at` counts in fractions of
    `steps`. Crops, batch and checks are those of the training, so `crop`, `batch`, `samples`,
    `check_every`, `patience`, `images`, `window` and `gates` have no say. No camera is measured: a
    pool that began measured is begun with by `start_from: pool`, and `start_rate` is for that.
    """
    sr_weight: float = Field(default=0.0, ge=0)
    """Weight of the L1 between HR and what the SR network makes of LR in what the degradation
    minimises; the SR network rests meanwhile. 0 as published."""

    @model_validator(mode="before")
    @classmethod
    def _measures_nothing(cls, data: Any) -> Any:
        """Settings that do not say where they start, start at nothing."""
        if not isinstance(data, dict) or not isinstance(data.get("settings"), dict):
            return data
        settings = {"start_from": "nothing", **data["settings"]}
        if settings["start_from"] == "measured":
            raise ValueError(
                "joint.settings.start_from: measured is for the pool of a corpus, got it in a "
                "training; leave it out, and set joint.start_from: pool to begin with such a pool"
            )
        if "start_rate" in settings and data.get("start_from") != "pool":
            raise ValueError(
                "joint.settings.start_rate is for a pool that began measured; leave it out, or "
                "set joint.start_from: pool"
            )
        return {**data, "settings": settings}


class BulatJoint(JointBase):
    """Bulat et al. (ECCV 2018), degradation and SR network trained together: the error of SR shapes
    the degradation too.
    """

    kind: Literal["bulat"] = "bulat"
    """Name of the kind."""
    settings: BulatConfig = BulatConfig(weights=BulatWeights(sr=1.0))
    """The degradation, its discriminator, their losses and rates; `halve_at` counts in fractions of
    `steps`. The SR network, crops, batch and checks are those of the training, so `sr`, `crop`,
    `batch`, `samples`, `check_every`, `patience`, `images`, `window` and `gates` have no say.
    """

    @model_validator(mode="before")
    @classmethod
    def _error_of_sr_counts(cls, data: Any) -> Any:
        """Settings that say nothing of it keep the weight that joint training is about."""
        if isinstance(data, dict) and isinstance(data.get("settings"), dict):
            weights = {"sr": 1.0, **data["settings"].get("weights", {})}
            return {**data, "settings": {**data["settings"], "weights": weights}}
        return data


class CyclesrJoint(JointBase):
    """CycleSR (Chen et al., CVPR Workshops 2020), both stages: a CycleGAN between clean and real
    LR, while SR learns from clean LR; from `settings.task_from` on SR learns from degraded LR, and
    its error shapes the degradation.
    """

    kind: Literal["cyclesr"] = "cyclesr"
    """Name of the kind."""
    settings: CyclesrConfig = CyclesrConfig()
    """The translators, their discriminators, losses and rates, as for `bulat`; with `task_from: 0`
    the second stage alone."""


class MaedaJoint(JointBase):
    """Maeda (CVPR 2020), pseudo-supervision, in one stage. The network is a `cleaned` one: its
    cleaner is the method's, and SR learns from clean LR that is degraded and cleaned.
    """

    kind: Literal["maeda"] = "maeda"
    """Name of the kind."""
    settings: MaedaConfig = MaedaConfig()
    """The network that degrades, the discriminators, losses and rates, as for `bulat`."""

    cleans: ClassVar[bool] = True


class CincganJoint(JointBase):
    """CinCGAN (Yuan et al., CVPR Workshops 2018), both cycles. The network is a `cleaned` one; SR
    of real LR is judged, and leads back to it through another network.
    """

    kind: Literal["cincgan"] = "cincgan"
    """Name of the kind."""
    settings: CincganConfig = CincganConfig()
    """The inner cycle: the network that degrades, the discriminators, losses and rates, as for
    `bulat`."""
    hr_from: float = Field(default=0.3, ge=0, le=1)
    """Share of the steps after which SR of real LR has terms."""
    adversarial_hr: float = Field(default=0.5, ge=0)
    """Weight of what the discriminator of HR says of it."""
    total_variation_hr: float = Field(default=2.0, ge=0)
    """Weight of its squared differences of neighbours."""
    cycle_hr: float = Field(default=10.0, ge=0)
    """Weight of the L1 of real LR and what comes back of it."""

    cleans: ClassVar[bool] = True


AnyJoint = PdmJoint | BulatJoint | CyclesrJoint | MaedaJoint | CincganJoint
JointConfig = Annotated[AnyJoint, Field(discriminator="kind")]
