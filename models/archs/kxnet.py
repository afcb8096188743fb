"""KXNet: gradient steps towards the kernel and the picture in turn, each followed by a network (Fu
et al. 2022).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, pixel_shuffle, pixel_unshuffle

from pairmill.models.archs.aware import Degradation
from pairmill.models.archs.kernel_code import fitted
from pairmill.models.archs.layers import BicubicUp, Conv, ResidualBlock, fill
from pairmill.models.archs.observed import (
    gaussian_kernels,
    kernel_gradient,
    observed,
    picture_gradient,
)
from pairmill.models.archs.taught import Estimate, Taught
from pairmill.schemas.networks.kxnet import KxNetConfig

UNITS, ADDED = 5, 0.1
"""Residual units of a proximal network, and the share of what each finds that is added."""
GUIDES = 24
"""Gaussians that the network of the kernel sees beside it, of widths from `NARROW` to `WIDE` HR
pixels."""
NARROW, WIDE, FIRST = 0.2, 4.0, 1.0
SLOWED = 0.1
"""Share of the gradient that a step for the kernel makes, times what it learns."""
EARLIER = 0.1
"""Weight of the losses of all stages but the last."""
LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]) / 4


class Proximal(nn.Module):
    """Residual units with ReLU; the last adds to the input instead of to the unit before it, and
    has no ReLU, so that nothing is cut off.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(ResidualBlock(channels, ADDED, start="he") for _ in range(UNITS))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) to the same."""
        *units, last = self.units
        values = x
        for unit in units:
            values = torch.relu(unit(values))
        added: Tensor = last(values) - values
        return x + added


class Edges(Conv):
    """Maps of the LR: at first the Laplacian of as many mixtures of its colours, then learned."""

    def draw(self, rng: np.random.Generator) -> None:
        """Initial weights and bias."""
        colours = rng.standard_normal((self.out_channels, self.in_channels)) / self.in_channels
        fill(self.weight, colours[..., None, None] * LAPLACE)
        assert self.bias is not None
        nn.init.zeros_(self.bias)


class Stage(nn.Module):
    """A step for the kernel, and one for the picture."""

    def __init__(self, scale: int, maps: int) -> None:
        super().__init__()
        self.scale, self.colours = scale, 3 * scale**2
        self.rate = nn.Parameter(torch.ones(()))
        self.kernel = Proximal(3 + GUIDES)
        self.picture = Proximal(2 * self.colours + 3 + maps)

    def towards_kernel(self, x: Tensor, kernel: Tensor, lr: Tensor, guides: Tensor) -> Tensor:
        """The next kernel, (B, K, K), not negative, of sum 1."""
        missed = observed(x, kernel, self.scale) - lr
        slope = kernel_gradient(x, missed, kernel.shape[-1], self.scale) / missed[0].numel()
        moved = (kernel - SLOWED * self.rate * slope)[:, None].expand(-1, 3, -1, -1)
        seen = torch.cat([moved, guides.expand(len(x), -1, -1, -1)], 1)
        found = torch.relu(self.kernel(seen)[:, :3].mean(1).to(kernel.dtype) + 1e-5)
        return found / found.sum((1, 2), keepdim=True).clamp_min(1e-8)

    def towards_picture(
        self, x: Tensor, maps: Tensor, kernel: Tensor, lr: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next picture, (B, 3, scale h, scale w), and maps, (B, maps, h, w)."""
        missed = observed(x, kernel, self.scale) - lr
        whole = picture_gradient(torch.ones_like(missed), kernel, self.scale)
        slope = picture_gradient(missed, kernel, self.scale) / (whole + 1e-10)
        shown = [pixel_unshuffle(each, self.scale) for each in (x, slope)]
        found = self.picture(torch.cat([*shown, lr, maps.to(lr.dtype)], 1))
        picture = pixel_shuffle(found[:, : self.colours], self.scale)
        return picture, found[:, -maps.shape[1] :]


class KxNet(Taught):
    """Unrolled minimisation of the error of the LR.

    Differs from the paper: kernels are centred for the scale, as in corpora; the guides are
    Gaussians of a fixed grid; gradients are exact at the mirrored borders too.
    """

    no_program = "each image of a batch is convolved with its own kernel, in groups that ONNX fixes"

    guides: Tensor
    first: Tensor

    def __init__(self, config: KxNetConfig, scale: int) -> None:
        super().__init__(config, scale)
        self.side = config.side(scale)
        widths = np.linspace(NARROW, WIDE, GUIDES).tolist()
        kernels = gaussian_kernels(self.side, scale, [*widths, FIRST]).float()
        self.register_buffer("guides", kernels[None, :-1], persistent=False)
        self.register_buffer("first", kernels[-1:], persistent=False)
        self.enlarge = BicubicUp(scale)
        self.edges = Edges(3, config.maps)
        self.stages = nn.ModuleList(Stage(scale, config.maps) for _ in range(config.stages))

    def reach(self) -> None:
        """See `Network.reach`: the kernel is that of all of the picture."""
        return

    def estimates(self, lr: Tensor) -> list[Estimate]:
        """See `Taught.estimates`: one per stage."""
        x, kernel = self.enlarge(lr), self.first.expand(len(lr), -1, -1)
        maps, found = self.edges(lr), []
        for stage in self.stages:
            assert isinstance(stage, Stage)
            kernel = stage.towards_kernel(x, kernel, lr, self.guides)
            x, maps = stage.towards_picture(x, maps, kernel, lr)
            found.append(Estimate(x, kernel))
        return found

    def lesson(self, lr: Tensor, hr: Tensor, told: Degradation) -> dict[str, Tensor]:
        """See `Taught.lesson`: distances of pictures and kernels, the last stage's in full."""
        found, kernel = self.estimates(lr), fitted(told.kernel, self.side)
        weights = [*[EARLIER] * (len(found) - 1), 1.0]
        pairs = list(zip(weights, found, strict=True))
        return {
            "picture": torch.stack([w * l1_loss(each.sr, hr) for w, each in pairs]).sum(),
            "kernel": torch.stack([w * l1_loss(each.kernel, kernel) for w, each in pairs]).sum(),
        }
