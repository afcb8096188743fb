"""The fit of DegNet, SynNet and the critic, in steps that can stop and continue at any count of
samples.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.fitting.fit import LearnedFit, halved
from pairmill.models.fitting.gpu import mixed, moved, placed
from pairmill.models.keyed import keyed
from pairmill.models.losses.vgg import Vgg, feature_losses
from pairmill.models.redegnet import losses
from pairmill.models.redegnet.networks import DegNet, Discriminator, SynNet
from pairmill.schemas.redegnet import CURVES, RedegnetConfig

Batched = NDArray[np.uint8]


@dataclass(frozen=True)
class Batch:
    """What one iteration sees; images are (B, side, side, 3) uint8."""

    face_hq: Batched
    """Restored faces."""
    face_lq: Batched
    """Their real LQ, or a varied one."""
    face_alike: Batched
    """The same restored faces, degraded by a drawn program each."""
    natural_hq: Batched
    """Natural images."""
    natural_alike: Batched
    """The same, degraded by the same programs as the faces."""
    swap: bool
    """Whether the natural image and the face that were degraded alike swap representations."""


Source = Callable[[int], Batch]
"""The batch of an iteration; a pure function of its number."""


class Fit(LearnedFit[RedegnetConfig]):
    """The state of a fit: networks, moments, and the number of samples seen."""

    def __init__(
        self,
        source: Source,
        config: RedegnetConfig,
        seed: int,
        vgg: Vgg | None = None,
        device: str = "cpu",
    ) -> None:
        """Begin a fit.

        Args:
            source: gives the batches.
            config: settings.
            seed: up to 128 bits; the initial weights come from it.
            vgg: features for the perceptual and the style loss, which are off without.
            device: `cpu`, or `cuda` with mixed precision and channels last.
        """
        super().__init__(config, seed, device)
        self.source = source
        rng = keyed(seed, "weights")
        self.deg, self.syn, self.critic = (
            DegNet(config.net, rng),
            SynNet(config.net, rng),
            Discriminator(config.net, rng),
        )
        for module in self.modules().values():
            placed(module, device)
        self.vgg = None if vgg is None else vgg.to(device)
        both = [*self.deg.parameters(), *self.syn.parameters()]
        self.optimisers = {
            "adam-networks": torch.optim.Adam(both, config.learning_rate, config.betas),
            "adam-critic": torch.optim.Adam(
                self.critic.parameters(), config.critic_rate, config.betas
            ),
        }
        self.best = {name: copy.deepcopy(module) for name, module in self.modules().items()}

    def modules(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return {"deg": self.deg, "syn": self.syn, "critic": self.critic}

    @property
    def columns(self) -> Sequence[str]:
        """See `LearnedFit`."""
        return CURVES

    def networks(self) -> dict[str, nn.Module]:
        """See `LearnedFit`."""
        return self.modules() | {f"best-{name}": module for name, module in self.best.items()}

    def moments(self) -> Mapping[str, torch.optim.Optimizer]:
        """See `LearnedFit`."""
        return self.optimisers

    def sealed(self) -> Sequence[tuple[nn.Module, nn.Module]]:
        """See `LearnedFit`: all networks."""
        return tuple((module, self.best[name]) for name, module in self.modules().items())

    def step(self) -> Sequence[float]:
        """See `LearnedFit`."""
        batch = self.source(self.number)
        self._set_rates()
        with mixed(self.device):
            record, fake, omega = self._step_networks(batch)
            record += self._step_critic(
                self._placed(batch.face_lq), self._placed(batch.face_hq), fake, omega
            )
        return record

    def _step_networks(self, batch: Batch) -> tuple[list[float], Tensor, Tensor]:
        """DegNet and SynNet together: three images are reconstructed, one after the other in one
        batch.
        """
        face_hq, natural_hq = self._placed(batch.face_hq), self._placed(batch.natural_hq)
        wanted = [
            self._placed(values)
            for values in (batch.face_lq, batch.natural_alike, batch.face_alike)
        ]
        omegas = self.deg(torch.cat([face_hq, natural_hq, face_hq]), torch.cat(wanted))
        real, natural, face = omegas.chunk(3)
        codes = torch.cat([real, losses.swapped(natural, face, swap=batch.swap)])
        found = self._reconstruct(face_hq, natural_hq, codes)
        fake = found[: len(face_hq)]
        self.critic.requires_grad_(requires_grad=False)
        logits = self.critic(fake, face_hq, real.detach()).float()
        self.critic.requires_grad_(requires_grad=True)
        parts = [
            losses.pixel_loss(found, torch.cat(wanted)),
            *self._features(found, torch.cat(wanted)),
            losses.same_loss(natural, face),
            losses.contrast_loss(real, face),
            losses.synthesis_loss(logits),
        ]
        weights = self.config.weights
        scales = (
            weights.pixel,
            weights.perceptual,
            weights.style,
            weights.same,
            weights.contrast,
            weights.adversarial,
        )
        total = sum(
            (scale * part for scale, part in zip(scales, parts, strict=True)), found.new_zeros(())
        )
        self._update("adam-networks", total)
        return [part.item() for part in parts], fake.detach(), real.detach()

    def _reconstruct(self, face_hq: Tensor, natural_hq: Tensor, codes: Tensor) -> Tensor:
        """The face, the natural image and the face again; the face is encoded once."""
        count = len(face_hq)
        features = self.syn.encoder(torch.cat([face_hq, natural_hq]))
        thrice = [torch.cat([part, part[:count]]) for part in features]
        made: Tensor = self.syn.generator(thrice, codes).float()
        return made

    def _features(self, found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        if self.vgg is None:
            return found.new_zeros(()), found.new_zeros(())
        return feature_losses(self.vgg, (found + 1) / 2, (wanted + 1) / 2)

    def _step_critic(self, lq: Tensor, hq: Tensor, fake: Tensor, omega: Tensor) -> list[float]:
        logits = self.critic(
            torch.cat([lq, fake]), torch.cat([hq, hq]), torch.cat([omega, omega])
        ).float()
        real, unreal = logits.chunk(2)
        loss = losses.discriminator_loss(real, unreal)
        self._update("adam-critic", loss)
        return [loss.item(), float(losses.accuracy(real, unreal))]

    def _update(self, name: str, loss: Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[name].step()

    def _set_rates(self) -> None:
        factor = halved(self.samples, self.config.samples, self.config.halve_at)
        rates = (self.config.learning_rate, self.config.critic_rate)
        for optimiser, rate in zip(self.optimisers.values(), rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * factor

    def _placed(self, pictures: Batched) -> Tensor:
        return moved(signed(pictures), self.device)


def signed(pictures: Batched) -> Tensor:
    """(B, h, w, 3) uint8 to (B, 3, h, w) float32 in [-1, 1]."""
    flat = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    return torch.from_numpy(flat).float() / 127.5 - 1


def levels(pictures: Tensor) -> NDArray[np.float64]:
    """(B, 3, h, w) in [-1, 1] to (B, h, w, 3) in intensity levels."""
    return np.asarray(127.5 * (pictures.detach().permute(0, 2, 3, 1).double().cpu().numpy() + 1))
