"""Translators as partners: the players of a method learn, all but the SR network, which learns from
the LR that they leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.fitting.fit import halved
from pairmill.models.keyed import keyed
from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.training.ema import Mean
from pairmill.models.training.joint.partner import Opening, Partner
from pairmill.models.translation.checkpoint import checkpoint_bytes, read_checkpoint
from pairmill.models.translation.fit import clean_of
from pairmill.models.translation.generator import Generator, draw_latent
from pairmill.models.translation.method import AnyMethod, Scene
from pairmill.models.translation.methods import build
from pairmill.models.translation.system import System
from pairmill.schemas.joint import BulatJoint, CincganJoint, CyclesrJoint, MaedaJoint
from pairmill.schemas.translation import CyclesrConfig, TranslationCheckpoint

SR = "sr"
"""Name of the SR network among those of a method."""
AnyJoint = BulatJoint | CyclesrJoint | MaedaJoint | CincganJoint


class TranslationPartner(Partner):
    """The networks of a method without its SR network, whose place the training's takes.

    Args:
        config: settings.
        opening: what it begins with.

    Raises:
        ValueError: if the checkpoint is none of a translator, or of other networks.
    """

    lent: ClassVar[tuple[str, ...]] = (SR,)
    """Networks of the method that are the training's."""
    made: ClassVar[str] = "noised"
    """What the players call the LR that SR learns from."""

    def __init__(self, config: AnyJoint, opening: Opening) -> None:
        super().__init__(opening, config.gates)
        self.kind, self.settings = config.kind, config.settings.with_(crop=opening.side)
        rng = keyed(opening.seed, "weights")
        method = build(self.settings, opening.scale, rng)
        self.adopt(method, rng)
        learning = [
            replace(player, learns=tuple(name for name in player.learns if name != SR))
            for player in method.players
        ]
        method.players = tuple(player for player in learning if player.learns)
        self.system = System(method, opening.device)
        if opening.checkpoint:
            self._begin_with(opening.checkpoint)
        self.mean = Mean(method.degrader, self.settings.average)

    def adopt(self, method: AnyMethod, rng: np.random.Generator) -> None:  # noqa: ARG002
        """Put the training's network in its place."""
        method.networks[SR] = self.opening.network

    def _begin_with(self, checkpoint: bytes) -> None:
        found = read_checkpoint(checkpoint)
        degrader = self.system.method.degrader
        if found.card.generator != degrader.config or found.network.scale != degrader.scale:
            raise ValueError(
                "joint.start_from: the pool's network is not that of joint.settings; say the same "
                f"`generator` as section `{self.kind}` of the corpus' recipe"
            )
        degrader.load_state_dict(found.network.state_dict())

    def networks(self) -> Mapping[str, nn.Module]:
        """See `Partner`."""
        own = {name: one for name, one in self.system.networks().items() if name not in self.lent}
        return own | {"mean": self.mean.network}

    def moments(self) -> Mapping[str, torch.optim.Optimizer]:
        """See `Partner`."""
        return self.system.optimisers

    def learn(self, real: Tensor, hr: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """See `Partner`."""
        self.system.set_rates(halved(step, self.opening.steps, self.settings.halve_at))
        scene = Scene(
            real=real,
            hr=hr,
            clean=clean_of(hr, real.shape[2]),
            rng=keyed(self.opening.seed, "latent", step),
            number=step,
            progress=step / self.opening.steps,
        )
        terms = self.system.step(scene)
        self.mean.update(step + 1)
        self.scene = scene
        return self.shown(scene).detach(), terms

    def shown(self, scene: Scene) -> Tensor:
        """LR that SR learns from."""
        return scene.made[self.made]

    def draw(self, hr: Tensor, rng: np.random.Generator) -> Tensor:
        """See `Partner`; by the EMA."""
        network = self._kept
        side = self._side(hr)
        seen = hr if network.scale > 1 else clean_of(hr, side)
        latent = draw_latent(rng, network, len(hr), side, side)
        return eight_bits(network(seen, None if latent is None else latent.to(hr)))

    def checkpoint(self) -> bytes:
        """The EMA of the network that degrades, in the format of translators."""
        card = TranslationCheckpoint(
            method=self.settings.method,
            scale=self.scale,
            from_hr=self.settings.from_hr,
            generator=self.settings.generator,
        )
        return checkpoint_bytes(card, self._kept)

    @property
    def _kept(self) -> Generator:
        found = self.mean.network
        assert isinstance(found, Generator)
        return found


class BulatPartner(TranslationPartner):
    """Bulat et al.: a network from HR to LR."""

    made: ClassVar[str] = "fake"


class CyclesrPartner(TranslationPartner):
    """CycleSR: SR learns from clean LR until it has a say."""

    def shown(self, scene: Scene) -> Tensor:
        """See `TranslationPartner`."""
        assert isinstance(self.settings, CyclesrConfig)
        if scene.progress < self.settings.task_from:
            return scene.clean
        return super().shown(scene)
