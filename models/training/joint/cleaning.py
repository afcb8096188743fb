"""Methods whose SR network sees cleaned LR alone: the training's network is a `Cleaned`, whose
cleaner is the method's, and which also learns from real LR without HR.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from torch import Tensor
from torch.nn.functional import l1_loss

from pairmill.models.archs.cleaned import Cleaned
from pairmill.models.training.joint.partner import Opening
from pairmill.models.training.joint.translation import SR, TranslationPartner
from pairmill.models.translation.discriminator import frozen
from pairmill.models.translation.generator import Generator
from pairmill.models.translation.method import AnyMethod, Player, Scene, Terms, hr, weighted
from pairmill.models.translation.methods.cincgan import squared_differences
from pairmill.schemas.joint import CincganJoint, MaedaJoint

CLEANER, JUDGE, DOWN = "to_clean", "judge_hr", "down"
"""Names of networks."""


class CleaningPartner(TranslationPartner):
    """Lends the cleaner too, which learns from the method's players and from SR."""

    lent: ClassVar[tuple[str, ...]] = (SR, CLEANER)

    def adopt(self, method: AnyMethod, rng: np.random.Generator) -> None:  # noqa: ARG002
        """See `TranslationPartner`."""
        network = self.opening.network
        assert isinstance(network, Cleaned)
        method.networks[SR], method.networks[CLEANER] = network.network, network.cleaner

    def fooled(self, sr: Tensor) -> Tensor:
        """What the resting discriminator of HR says of SR."""
        judge = self.system.method.adversary(JUDGE)
        frozen([judge], still=True)
        found = judge.fooled(sr, self.scene.hr)
        frozen([judge], still=False)
        return found


class MaedaPartner(CleaningPartner):
    """Maeda: SR learns from degraded and cleaned LR, and from what the discriminator of HR says of
    SR of real LR.
    """

    def __init__(self, config: MaedaJoint, opening: Opening) -> None:
        super().__init__(config, opening)
        self.weight = config.settings.weights.adversarial_hr
        self.unpaired = self.weight > 0

    def judge_sr(self, sr: Tensor, real: Tensor) -> Terms:  # noqa: ARG002
        """See `Partner`."""
        return {"adversarial_hr": self.weight * self.fooled(sr)}


class CincganPartner(CleaningPartner):
    """CinCGAN, both cycles: SR of real LR is judged, and must lead back to it through a network
    from HR to LR.
    """

    def __init__(self, config: CincganJoint, opening: Opening) -> None:
        self.joint = config
        super().__init__(config, opening)
        self.unpaired = True

    def adopt(self, method: AnyMethod, rng: np.random.Generator) -> None:
        """See `TranslationPartner`; the second cycle has a network back and a discriminator. Where
        nobody judges degraded LR, the discriminator of cleaned LR is the one that may win.
        """
        super().adopt(method, rng)
        if method.watched not in method.networks:
            method.watched = "judge_clean"
        plain = method.config.generator.with_(noise="none")
        method.networks[DOWN] = Generator(plain, method.scale, rng)
        method.add_adversary(JUDGE, rng, hr=True)
        method.players = (
            *method.players,
            Player(DOWN, (DOWN,), self._back),
            method.judging(JUDGE, hr, "upscaled", "discriminator_hr"),
        )

    def shown(self, scene: Scene) -> Tensor:
        """See `TranslationPartner`: no method makes LR of its HR, so SR keeps to clean LR."""
        return scene.clean

    def _back(self, scene: Scene) -> Terms:
        networks = self.system.networks()
        upscaled = scene.made["upscaled"] = networks[SR](scene.made["cleaned"].detach()).detach()
        return {"back": l1_loss(networks[DOWN](upscaled), scene.real)}

    def judge_sr(self, sr: Tensor, real: Tensor) -> Terms:
        """See `Partner`."""
        if self.scene.progress < self.joint.hr_from:
            return {}
        down = self.system.networks()[DOWN]
        frozen([down], still=True)
        back = down(sr)
        frozen([down], still=False)
        joint = self.joint
        return weighted(
            {
                "adversarial_hr": (joint.adversarial_hr, lambda: self.fooled(sr)),
                "total_variation_hr": (joint.total_variation_hr, lambda: squared_differences(sr)),
                "cycle_hr": (joint.cycle_hr, lambda: l1_loss(back, real)),
            }
        )
