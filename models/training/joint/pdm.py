"""PDM as a partner: kernels and noise learn from real LR what the SR network sees next (PDM-SR,
PDM-SRGAN).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from pairmill.models.keyed import keyed
from pairmill.models.pdm.application import before, needed
from pairmill.models.pdm.checkpoint import checkpoint_bytes, read_checkpoint
from pairmill.models.pdm.degradation import Degradation, begun, draw_latent, eight_bits
from pairmill.models.pdm.game import Game
from pairmill.models.pdm.start import compressed
from pairmill.models.training.joint.partner import Opening, Partner
from pairmill.schemas.joint import PdmJoint
from pairmill.schemas.pdm import CURVES


class PdmPartner(Partner):
    """A degradation and its discriminator.

    Args:
        config: settings.
        opening: what it begins with.

    Raises:
        ValueError: if the checkpoint is none of PDM, or of other networks.
    """

    def __init__(self, config: PdmJoint, opening: Opening) -> None:
        super().__init__(opening, config.gates)
        self.config, settings = config, config.settings
        rng = keyed(opening.seed, "weights")
        degradation = begun(settings, opening.scale, rng)
        if opening.checkpoint:
            degradation = self._sealed(opening.checkpoint)
        self.game = Game(
            settings, degradation, rng, opening.device, opening.codec, mixed=opening.mixed
        )
        reach = before(degradation.size)
        self.margin = -(-reach // opening.scale) * opening.scale

    def _sealed(self, checkpoint: bytes) -> Degradation:
        """The degradation of a pool, which also says what was measured, if anything was."""
        found, settings = read_checkpoint(checkpoint), self.config.settings
        asked = settings.kernel, settings.noise
        if (found.config.kernel, found.config.noise) != asked or found.scale != self.scale:
            raise ValueError(
                "joint.start_from: the pool's networks are not those of joint.settings; say the "
                "same `kernel` and `noise` as section `pdm` of the corpus' recipe"
            )
        return found.requires_grad_()

    def networks(self) -> Mapping[str, nn.Module]:
        """See `Partner`."""
        game = self.game
        return {"degradation": game.degradation, "critic": game.critic, "mean": game.mean}

    def moments(self) -> Mapping[str, torch.optim.Optimizer]:
        """See `Partner`."""
        return self.game.moments()

    def learn(self, real: Tensor, hr: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """See `Partner`."""
        self.game.set_rates(step, self.opening.steps)
        task = None
        if self.config.sr_weight:
            wanted = self.middle(hr)

            def task(fake: Tensor) -> Tensor:
                return self._restored(fake, wanted)

        rng = keyed(self.opening.seed, "latent", step)
        fake, record = self.game.play(real, self._around(hr), rng, step, task)
        return fake.float(), dict(zip(CURVES, record, strict=True))

    def draw(self, hr: Tensor, rng: np.random.Generator) -> Tensor:
        """See `Partner`; by the EMA."""
        side = self._side(hr)
        shapes = self.game.mean.latent_shapes(side, side)
        latent = draw_latent(rng, len(hr), *shapes).to(hr.device, hr.dtype)
        fake = eight_bits(self.game.mean(self._around(hr), latent).lr)
        return compressed(fake, self.game.codec, rng)

    def checkpoint(self) -> bytes:
        """The EMA of the degradation, in the format of PDM's pools."""
        return checkpoint_bytes(self.game.mean)

    def _around(self, hr: Tensor) -> Tensor:
        """What the kernels of the LR pixels reach."""
        size = self.game.degradation.size
        start = self.margin - before(size)
        end = start + needed(self._side(hr), self.scale, size)
        return hr[:, :, start:end, start:end]

    def _restored(self, fake: Tensor, hr: Tensor) -> Tensor:
        """L1 of what the resting SR network makes of LR."""
        network = self.opening.network
        network.requires_grad_(requires_grad=False)
        sr = network(fake)
        network.requires_grad_(requires_grad=True)
        return self.config.sr_weight * l1_loss(sr, hr)
