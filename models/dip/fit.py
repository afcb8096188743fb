"""The fit of a network, and perhaps of a kernel, to one LR image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import mse_loss

from pairmill.models.dip.blind import FromFlow, FromNetwork, KernelSource, Known
from pairmill.models.dip.hourglass import LEAST, UNIT, Hourglass
from pairmill.models.dip.losses import reduced, similarity
from pairmill.models.fkp.gaussians import side
from pairmill.models.fkp.prior import KernelPrior
from pairmill.models.functional.noise_floor import noise_floor
from pairmill.models.functional.resize import to_uint8
from pairmill.models.metrics.ssim import SIDE as WINDOW_SIDE
from pairmill.schemas.dip import DipConfig, DipKind

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Streams = Callable[[str], np.random.Generator]
"""Gives the random stream of a purpose, `network`, `kernel`, `noise` or `jitter`, from its
beginning."""
AMPLITUDE = 0.1
"""The fixed noise is uniform in [0, this]."""
FLATTEST = 16
"""Side of the blocks that noise is measured in, in pixels."""


@dataclass(frozen=True, eq=False)
class Restored:
    """What was made of an LR image (h, w, 3)."""

    image: Image
    """(s h, s w, 3): the exponential average of the outputs."""
    kernel: Array
    """(k, k), sum 1, no cell negative: the kernel of the last step."""
    curve: Array
    """(steps,): root mean square of what is left, in intensity levels."""
    stopped: bool
    """Whether it stopped early, at the noise of the image."""


def least_side(scale: int) -> int:
    """Smallest side of an LR image that can be fitted, in pixels."""
    return max(-(-LEAST // scale), int(WINDOW_SIDE))


def source_of(
    kind: DipKind, scale: int, keyed: Streams, *, kernel: Array | None, prior: KernelPrior | None
) -> KernelSource:
    """Where the kernel comes from.

    Raises:
        ValueError: if `dip` has no kernel, `dip-fkp` no flow, or one of another scale.
    """
    if kind == "double-dip":
        return FromNetwork(side(scale), keyed("kernel"))
    if kind == "dip-fkp":
        if prior is None or prior.scale != scale:
            raise ValueError(f"dip-fkp needs a flow of scale {scale}")
        return FromFlow(prior, keyed("kernel"))
    if kernel is None:
        raise ValueError("dip needs a kernel")
    return Known(kernel)


def restore(
    image: Image,
    scale: int,
    source: KernelSource,
    config: DipConfig,
    keyed: Streams,
    *,
    device: str = "cpu",
    report: Callable[[int], None] = lambda _: None,
) -> Restored:
    """Fit (Ulyanov et al., eq. 2, with the kernel as a second unknown in Double-DIP and DIP-FKP).

    Borders are mirrored. On one thread of a CPU the same seed gives the same bytes.

    Args:
        image: (h, w, 3) uint8, sides at least `least_side`.
        scale: HR pixels per LR pixel along each axis.
        source: of the kernel.
        config: settings.
        keyed: where all random numbers come from.
        device: where the fit runs.
        report: called with the number of finished steps.

    Raises:
        ValueError: if the image is too small.
    """
    if min(image.shape[:2]) < least_side(scale):
        raise ValueError(f"a side of at least {least_side(scale)} pixels is needed")
    fit = Restoring(image, scale, source, config, keyed, device)
    floor, curve = stop_level(image, config), list[float]()
    for step in range(config.iterations):
        curve.append(fit.step(step))
        report(step + 1)
        if step >= config.structural and curve[-1] < floor:
            break
    cells = source.kernel().detach().cpu().double().clamp(min=0).numpy()
    found = fit.mean[0].permute(1, 2, 0).cpu().double().numpy() * 255
    stopped = len(curve) < config.iterations
    return Restored(to_uint8(found), cells / cells.sum(), np.array(curve), stopped)


def stop_level(image: Image, config: DipConfig) -> float:
    """Root mean square, in intensity levels, below which what is left of (h, w, 3) is its noise
    (the discrepancy principle, Morozov 1966).
    """
    if config.noise is not None:
        return config.noise
    channels = np.moveaxis(image.astype(np.float64), 2, 0)
    return float(np.mean([noise_floor(plane, FLATTEST) for plane in channels]) ** 0.5)


class Restoring:
    """A network, the kernel's source and their moments between two steps; see `restore`."""

    def __init__(
        self,
        image: Image,
        scale: int,
        source: KernelSource,
        config: DipConfig,
        keyed: Streams,
        device: str = "cpu",
    ) -> None:
        self.scale, self.source, self.config, self.device = scale, source, config, device
        source.to(device)
        self.lr = torch.from_numpy(image).permute(2, 0, 1)[None].to(device).float() / 255
        self.size = tuple(scale * length for length in image.shape[:2])
        sides = [max(-(-length // UNIT) * UNIT, LEAST) for length in self.size]
        self.network = Hourglass(
            config.noise_channels, config.channels, config.skip, keyed("network")
        ).to(device)
        self.noise = AMPLITUDE * keyed("noise").random(
            (1, config.noise_channels, *sides), dtype=np.float32
        )
        self.jitter = keyed("jitter")
        groups = [{"params": list(self.network.parameters()), "lr": config.learning_rate}]
        self.adam = torch.optim.Adam([*groups, *source.groups(config.kernel_rate)], fused=True)
        self.rates = [group["lr"] for group in self.adam.param_groups]
        self.mean = torch.zeros(1, 3, *self.size, device=device)

    def step(self, number: int) -> float:
        """One step; root mean square of what was left before it, in intensity levels."""
        frozen = number < self.config.frozen
        for group, rate in zip(self.adam.param_groups[1:], self.rates[1:], strict=True):
            group["lr"] = 0.0 if frozen else rate
        image = self.network(self._seen())[..., : self.size[0], : self.size[1]]
        kernel = self.source.kernel()
        found = reduced(image, kernel.detach() if frozen else kernel, self.scale)
        left = loss = mse_loss(found, self.lr)
        if number < self.config.structural:
            loss = 1 - similarity(found, self.lr)
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        self.source.settled()
        # A short memory at first, so that the start is soon forgotten.
        memory = min(self.config.average, (1 + number) / (10 + number))
        self.mean.lerp_(image.detach(), 1 - memory)
        return float(255 * math.sqrt(left.detach()))

    def _seen(self) -> Tensor:
        noise = self.noise
        if self.config.jitter:
            drawn = self.jitter.standard_normal(noise.shape, dtype=np.float32)
            noise = noise + np.float32(self.config.jitter) * drawn
        return torch.from_numpy(noise).to(self.device)
