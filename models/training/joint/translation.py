"""Translators as partners: the players of a method learn, all but the SR network, which learns from
the LR that they leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.fitting.streams import keyed
from pairmill.models.pdm.degradation import eight_bits
from pairmill.models.training.ema import Mean
from pairmill.models.training.joint.partner import Opening, Partner
from pairmill.models.translation.checkpoint import checkpoint_bytes, read_checkpoint
from pairmill.models.translation.fit import clean_of
from pairmill.models.translation.generator import Generator, draw_latent
from pairmill.models.translation.method import Scene
from pairmill.models.translation.methods import build
from pairmill.models.translation.system import System
from pairmill.schemas.joint import BulatJoint, CyclesrJoint
from pairmill.schemas.translation import CyclesrConfig, TranslationCheckpoint

SR = "sr"
"""Name of the SR network among those of a method."""
MADE = {"bulat": "fake", "cyclesr": "noised"}
"""What the players of a method call the LR that SR learns from."""


class TranslationPartner(Partner):
    """The networks of a method without its SR network, whose place the training's takes.

    Args:
        config: settings.
        opening: what it begins with.

    Raises:
        ValueError: if the checkpoint is none of a translator, or of other networks.
    """

    def __init__(self, config: BulatJoint | CyclesrJoint, opening: Opening) -> None:
        super().__init__(opening, config.gates)
        self.kind, self.settings = config.kind, config.settings.with_(crop=opening.side)
        method = build(self.settings, opening.scale, keyed(opening.seed, "weights"))
        method.networks[SR] = opening.network
        learning = [
            replace(player, learns=tuple(name for name in player.learns if name != SR))
            for player in method.players
        ]
        method.players = tuple(player for player in learning if player.learns)
        self.system = System(method, opening.device)
        if opening.checkpoint:
            self._begin_with(opening.checkpoint)
        self.mean = Mean(method.degrader, self.settings.average)

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
        own = {name: one for name, one in self.system.networks().items() if name != SR}
        return own | {"mean": self.mean.network}

    def moments(self) -> Mapping[str, torch.optim.Optimizer]:
        """See `Partner`."""
        return self.system.optimisers

    def learn(self, real: Tensor, hr: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """See `Partner`."""
        passed = sum(step >= at * self.opening.steps for at in self.settings.halve_at)
        self.system.set_rates(0.5**passed)
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
        return self._made(scene).detach(), terms

    def _made(self, scene: Scene) -> Tensor:
        """What SR learns from; CycleSR's learns from bicubic LR until it has a say."""
        if isinstance(self.settings, CyclesrConfig) and scene.progress < self.settings.task_from:
            return scene.clean
        return scene.made[MADE[self.kind]]

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
