"""What is minimised: the weighted sum of the losses for the network, and the discriminator's
side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pairmill.models.losses import build
from pairmill.models.losses.adversarial import Gan
from pairmill.models.losses.cycle import Cycle, reduced
from pairmill.models.losses.frequency import high_pass
from pairmill.models.losses.pixel import PIXEL
from pairmill.models.losses.vgg import Vgg, read_vgg
from pairmill.schemas.losses import AnyLoss, ContentConfig, StyleConfig


class Objective:
    """The losses of a training recipe.

    Args:
        losses: their settings; those of weight 0 are left out.
        read: bytes of a file of weights, for VGG-19.
        device: `cpu` or `cuda`.

    Raises:
        ValueError: if a file of weights is none.
    """

    def __init__(
        self, losses: Sequence[AnyLoss], read: Callable[[str], bytes], device: str = "cpu"
    ) -> None:
        vggs: dict[str, Vgg] = {}
        self.terms = []
        for config in losses:
            if not config.weight:
                continue
            vgg = None
            if isinstance(config, ContentConfig | StyleConfig):
                file = config.vgg_weights
                vgg = vggs[file] = vggs.get(file) or read_vgg(read(file)).to(device)
            loss = build(config, vgg)
            self.terms.append(
                (
                    config.loss,
                    config.weight,
                    loss.to(device) if isinstance(loss, nn.Module) else loss,
                )
            )
        self.gans = [loss for _, _, loss in self.terms if isinstance(loss, Gan)]

    def network(
        self,
        levels: Sequence[Tensor],
        hr: Tensor,
        lr: Tensor,
        discriminator: nn.Module | None,
        weights: Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """The terms of the network's loss by name, each times its weight; their sum is minimised.

        Losses on pixels are summed over the levels of a pyramid, each against HR that MATLAB's
        bicubic has downscaled to its size (Lai et al. 2017); all other losses look at SR.

        Args:
            levels: the network's images with gradient, none smaller than the one before; the last
                is SR, (B, 3, H, W), and mostly the only one.
            hr: (B, 3, H, W) in [0, 1].
            lr: (B, 3, h, w) in [0, 1].
            discriminator: who judges; none leaves loss gan out.
            weights: what losses on pixels of each image are multiplied by; none counts each once.
        """
        *others, sr = levels
        *shares, last = weights or [1.0] * len(levels)
        sizes = {level.shape[2:] for level in others}
        wanted = {size: reduced(hr, *size) if size != hr.shape[2:] else hr for size in sizes}
        judged: dict[int, tuple[Tensor, Tensor]] = {}
        if discriminator is not None:
            for side in sorted({gan.config.high_pass for gan in self.gans}):
                judged[side] = self._judged(discriminator, high_pass(sr, side), high_pass(hr, side))
        found: dict[str, Tensor] = {}
        for name, weight, loss in self.terms:
            if isinstance(loss, Gan):
                if not judged:
                    continue
                value = loss.generator(*judged[loss.config.high_pass])
            else:
                value = loss(sr, lr if isinstance(loss, Cycle) else hr)
            if isinstance(loss, PIXEL):
                parts = zip(shares, others, strict=True)
                value = sum(
                    (share * loss(level, wanted[level.shape[2:]]) for share, level in parts),
                    last * value,
                )
            found[name] = found.get(name, 0.0) + weight * value.float()
        return found

    @staticmethod
    def _judged(discriminator: nn.Module, sr: Tensor, hr: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of HR, without gradient, and of SR; the discriminator learns nothing from them."""
        discriminator.requires_grad_(requires_grad=False)
        with torch.no_grad():
            real = discriminator(hr)
        fake = discriminator(sr)
        discriminator.requires_grad_(requires_grad=True)
        return real, fake

    def discriminator(self, judge: nn.Module, sr: Tensor, hr: Tensor) -> Tensor:
        """What the discriminator minimises.

        Args:
            judge: the discriminator.
            sr: (B, 3, H, W), detached.
            hr: the same in [0, 1].
        """
        found = []
        for side in sorted({gan.config.high_pass for gan in self.gans}):
            real, fake = judge(high_pass(hr, side)), judge(high_pass(sr, side))
            found += [
                gan.discriminator(real, fake) for gan in self.gans if gan.config.high_pass == side
            ]
        return torch.stack(found).sum()
