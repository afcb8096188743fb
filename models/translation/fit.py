"""The fit of a translator to unpaired images, in steps that can stop and continue at any count of
samples.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.fitting.fit import LearnedFit, average, halved
from pairmill.models.fitting.streams import Crops, Image
from pairmill.models.keyed import keyed
from pairmill.models.losses.cycle import reduced
from pairmill.models.losses.vgg import Vgg
from pairmill.models.translation.method import Scene
from pairmill.models.translation.methods import build
from pairmill.models.translation.system import System
from pairmill.schemas.translation import AnyTranslation


class Fit(LearnedFit[AnyTranslation]):
    """The state of a fit: networks, moments, the EMA of the degrader, and the number of samples
    seen.
    """

    def __init__(
        self,
        reals: Sequence[Image],
        hrs: Sequence[Image],
        config: AnyTranslation,
        scale: int,
        seed: int,
        device: str = "cpu",
        vgg: Vgg | None = None,
    ) -> None:
        """Begin a fit.

        Args:
            reals: real LR images, (H, W, 3) uint8.
            hrs: HR images, unrelated to them; a method that learns from the real images alone is
                only looked at on these.
            config: settings.
            scale: HR side over LR side.
            seed: up to 128 bits; all streams come from it.
            device: `cpu`, or `cuda`.
            vgg: features for a perceptual term, which is off without.
        """
        super().__init__(config, seed, device)
        self.scale = scale
        rng = keyed(seed, "weights")
        more = {} if vgg is None else {"vgg": vgg.to(device)}
        self.system = System(build(config, scale, rng, **more), device)
        self.mean = copy.deepcopy(self.system.method.degrader).requires_grad_(requires_grad=False)
        self.best = copy.deepcopy(self.mean)
        side = config.crop * scale
        self.reals = Crops(reals, config.crop, seed, "real", mirror=False)
        self.hrs = Crops(hrs, side, seed, "hr", mirror=True)
        self.sources = Crops(reals, side, seed, "hr", mirror=False) if config.source_only else None
        self.shift = (0.0, 0.0)

    @property
    def learned_from(self) -> Crops:
        """Crops of the real images: at the size of HR where a method sees nothing else."""
        return self.reals if self.sources is None else self.sources

    @property
    def columns(self) -> Sequence[str]:
        """See `LearnedFit`."""
        return self.system.method.columns

    def networks(self) -> dict[str, nn.Module]:
        """See `LearnedFit`."""
        return {**self.system.networks(), "mean": self.mean, "best": self.best}

    def moments(self) -> dict[str, torch.optim.Optimizer]:
        """See `LearnedFit`."""
        return {f"adam_{name}": adam for name, adam in self.system.optimisers.items()}

    def sealed(self) -> Sequence[tuple[nn.Module, nn.Module]]:
        """See `LearnedFit`: the EMA of the degrader."""
        return ((self.mean, self.best),)

    def step(self) -> Sequence[float]:
        """See `LearnedFit`."""
        config, method = self.config, self.system.method
        self.system.set_rates(halved(self.samples, config.samples, config.halve_at))
        terms = self.system.step(self._scene())
        average(self.mean, method.degrader, config.average, self.number)
        return [terms.get(name, 0.0) for name in self.columns]

    def _scene(self) -> Scene:
        count, number = self.config.batch, self.number
        rng = keyed(self.seed, "crops", number)
        if self.sources is not None:
            hr = self.sources.at(self.samples, count, rng)
            real = _within(hr, self.config.crop, rng)
        else:
            real = self.reals.at(self.samples, count, rng)
            hr = self.hrs.at(self.samples, count, rng)
        return Scene(
            real=self._placed(real),
            hr=self._placed(hr),
            clean=self._placed(clean_of(hr, self.config.crop)),
            rng=keyed(self.seed, "latent", number),
            number=number,
            progress=self.samples / self.config.samples,
        )

    def _placed(self, image: Tensor) -> Tensor:
        return image.to(self.device).contiguous(memory_format=torch.channels_last)


def clean_of(hr: Tensor, side: int) -> Tensor:
    """(B, 3, s side, s side) to its bicubic LR, (B, 3, side, side), of 8 bits."""
    return torch.floor(255 * reduced(hr, side, side).clamp(0, 1) + 0.5) / 255


def _within(images: Tensor, side: int, rng: np.random.Generator) -> Tensor:
    """A random crop of each image."""
    places = (rng.random((len(images), 2)) * (images.shape[2] - side + 1)).astype(int)
    cut = [
        image[:, top : top + side, left : left + side]
        for image, (top, left) in zip(images, places, strict=True)
    ]
    return torch.stack(cut)
