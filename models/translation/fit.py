"""The fit of a translator to unpaired images, in steps that can stop and continue at any count of
samples.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pairmill.models.fitting.streams import Crops, Image, keyed
from pairmill.models.fitting.trend import keeps_up, stalled
from pairmill.models.losses.cycle import reduced
from pairmill.models.losses.vgg import Vgg
from pairmill.models.translation.method import TO_REAL, Scene
from pairmill.models.translation.methods import build
from pairmill.models.translation.system import System
from pairmill.schemas.translation import AnyTranslation


class Fit:
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
        self.config, self.scale, self.seed, self.device = config, scale, seed, device
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
        self.samples = self.kept = 0
        self.curves: list[NDArray[np.float64]] = []
        self.aucs: list[float] = []

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

    @property
    def done(self) -> bool:
        """Whether all samples have been seen, or the AUC has stopped falling."""
        return self.samples >= self.config.samples or stalled(self.aucs, self.config.patience)

    def check(self, auc: float) -> None:
        """Take down the AUC of a check, not a number where it could not be measured, and keep the
        check if it is the best.
        """
        self.aucs.append(auc)
        if keeps_up(self.aucs):
            self.best.load_state_dict(self.mean.state_dict())
            self.kept = self.samples

    def finish(self) -> None:
        """Make the EMA that of the best check, which is what is sealed."""
        self.mean.load_state_dict(self.best.state_dict())

    def advance(self, samples: int) -> Iterator[int]:
        """Train until at least `samples` more, or all, have been seen; yields the count after every
        iteration.
        """
        until = min(self.samples + samples, self.config.samples)
        while self.samples < until:
            self.curves.append(self._step())
            yield self.samples

    def _step(self) -> NDArray[np.float64]:
        passed = sum(self.samples >= at * self.config.samples for at in self.config.halve_at)
        self.system.set_rates(0.5**passed)
        terms = self.system.step(self._scene())
        self._average()
        self.samples += self.config.batch
        return np.array([terms.get(name, 0.0) for name in self.columns])

    def _scene(self) -> Scene:
        count, number = self.config.batch, self.samples // self.config.batch
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

    @torch.no_grad()
    def _average(self) -> None:
        """The EMA of the degrader; a short memory at first, so that the start is soon forgotten."""
        iteration = self.samples // self.config.batch
        keep = min(self.config.average, (1 + iteration) / (10 + iteration))
        now = self.system.networks()[TO_REAL]
        for mean, weight in zip(self.mean.parameters(), now.parameters(), strict=True):
            mean.lerp_(weight, 1 - keep)


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
