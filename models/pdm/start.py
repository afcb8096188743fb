"""Where a fit begins that knows its camera: kernels and noise as they were measured, each with a
learned correction that is 0 at first.

A measured kernel may have negative lobes, which no softmax gives. Its correction is therefore a
small kernel d of sum 0 and first moments 0, drawn by a network: k (delta + d) keeps the sum and the
centre of k exactly, and is signed as k is. Measured noise is white noise through a filter, as
strong as the camera's at the level of each channel; the correction is a `NoiseModule` on the same
random numbers, so that it can weaken noise as well as add to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad

from pairmill.models.pdm.centring import positions
from pairmill.models.pdm.modules import NoiseModule
from pairmill.models.pdm.weights import Trunk, conv, draw_weights
from pairmill.schemas.pdm import PdmKernelConfig, PdmNoiseConfig, PdmStart

Array = NDArray[np.float64]
Codec = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
"""(N, h, w, 3) 8-bit patches, each through a codec of the real images or none."""
EXTRA = 2
"""Random numbers per image before those of the correction: one says which kernel, one how strong
the noise is."""
REACH = 7
"""Side of the correction of a kernel, in HR pixels."""
SMALL = 0.1
"""The correction of a kernel is learned in units of this, about as far as a measured one errs."""


@dataclass(frozen=True)
class Start:
    """What was measured of the cameras of a fit."""

    kernels: Array
    """(N, 1, k, k), or (N, 3, k, k) with a plane per channel: all as likely; of sum 1, correlation
    orientation, centred."""
    groups: NDArray[np.int64]
    """(N,): the camera of each kernel."""
    curves: Array
    """(cameras, 3, 256): standard deviation of noise at every level, in intensity levels."""
    filters: Array
    """(cameras, 3, 3, r, r): makes white noise hang together as the camera's; variance 1 out."""
    spreads: Array
    """(cameras,): standard deviation of the logarithm of noise from photograph to photograph."""
    codec: Codec | None
    """What comes last; none where the real images are not compressed."""

    @property
    def shape(self) -> PdmStart:
        """What a checkpoint says of it."""
        return PdmStart(
            kernels=len(self.kernels),
            planes=self.kernels.shape[1],
            side=self.kernels.shape[-1],
            cameras=len(self.curves),
            reach=self.filters.shape[-1],
        )


class MeasuredKernels(nn.Module):
    """One of the measured kernels, and its correction."""

    rows: Tensor

    def __init__(self, config: PdmKernelConfig, start: PdmStart, rng: np.random.Generator) -> None:
        super().__init__()
        self.trunk = Trunk(config.channels, config.features, config.blocks, 1)
        self.out = conv(config.features, REACH**2)
        draw_weights(self, rng)
        nn.init.zeros_(self.out.weight)
        shape = (start.kernels, start.planes, start.side, start.side)
        self.register_buffer("rows", torch.zeros(shape))

    @property
    def size(self) -> int:
        """Side of the kernels that come out."""
        return int(self.rows.shape[-1]) + REACH - 1

    @torch.no_grad()
    def fill_in(self, start: Start) -> None:
        """Set the measured kernels."""
        self.rows.copy_(torch.from_numpy(start.kernels))

    def which(self, extra: Tensor) -> Tensor:
        """(B,) rows, all as likely, of (B, EXTRA) standard normal numbers."""
        place = torch.special.ndtr(extra[:, 0].double()) * len(self.rows)
        return place.long().clamp(0, len(self.rows) - 1)  # type: ignore[no-any-return]

    def forward(self, z: Tensor) -> Tensor:
        """(B, EXTRA + channels, 1, 1) standard normal to (B, planes, size, size) kernels, each with
        the sum and the centre of a measured one.
        """
        base = self.rows[self.which(z[:, :EXTRA, 0, 0])]
        raw = SMALL * self.out(self.trunk(z[:, EXTRA:])).float()[:, :, 0, 0]
        change = without_moments(raw).reshape(-1, 1, REACH, REACH)
        planes, side = base.shape[1], base.shape[-1]
        corrections = change.expand(-1, planes, -1, -1).reshape(-1, 1, REACH, REACH)
        flat = base.reshape(1, -1, side, side)
        corrected = conv_transpose2d(flat, corrections.to(flat.dtype), groups=flat.shape[1])
        rim = REACH // 2
        kernels: Tensor = pad(base, (rim,) * 4) + corrected.reshape(
            -1, planes, self.size, self.size
        )
        return kernels


def without_moments(raw: Tensor) -> Tensor:
    """(B, n * n) less its sum and its first moments: what is left moves no centre of mass."""
    size = round(raw.shape[1] ** 0.5)
    places = positions(size, 1, raw)
    held = torch.cat([torch.ones_like(places[:, :1]), places], 1)
    held = held / held.norm(dim=0)
    return raw - (raw @ held) @ held.T  # type: ignore[no-any-return]


class MeasuredNoise(nn.Module):
    """The noise of a camera at the level of each channel, and its correction."""

    curves: Tensor
    filters: Tensor
    spreads: Tensor
    cameras: Tensor

    def __init__(self, config: PdmNoiseConfig, start: PdmStart, rng: np.random.Generator) -> None:
        super().__init__()
        self.correction = NoiseModule(config, rng)
        many, reach = start.cameras, start.reach
        self.register_buffer("curves", torch.zeros(many, 3, 256))
        self.register_buffer("filters", torch.zeros(many, 3, 3, reach, reach))
        self.register_buffer("spreads", torch.zeros(many))
        self.register_buffer("cameras", torch.zeros(start.kernels, dtype=torch.int64))

    @torch.no_grad()
    def fill_in(self, start: Start) -> None:
        """Set the measured noise."""
        self.curves.copy_(torch.from_numpy(start.curves))
        self.filters.copy_(torch.from_numpy(start.filters))
        self.spreads.copy_(torch.from_numpy(start.spreads))
        self.cameras.copy_(torch.from_numpy(start.groups))

    def forward(self, z: Tensor, clean: Tensor, extra: Tensor, which: Tensor) -> Tensor:
        """Noise for a batch, (B, 3, h, w), in units of [0, 1].

        Args:
            z: (B, channels, h, w) standard normal, at least three channels.
            clean: (B, 3, h, w) in [0, 1]; no gradient goes back through it.
            extra: (B, EXTRA) standard normal.
            which: (B,) rows of the kernels, whose cameras the noise is of.
        """
        camera = self.cameras[which]
        strength = (self.spreads[camera] * extra[:, 1]).exp()[:, None, None, None]
        levels = self._deviations(clean.detach(), camera) / 255
        noise: Tensor = strength * levels * self._fields(z[:, :3], camera)
        return noise + self.correction(z, clean)  # type: ignore[no-any-return]

    def _deviations(self, clean: Tensor, camera: Tensor) -> Tensor:
        """(B, 3, h, w) standard deviations at the levels of `clean`, between whole levels on a
        line.
        """
        place = (255 * clean.float().clamp(0, 1)).flatten(2)
        below = place.long().clamp(max=254)
        table = self.curves[camera]
        low, high = table.gather(2, below), table.gather(2, below + 1)
        return (low + (place - below) * (high - low)).reshape(clean.shape)

    def _fields(self, z: Tensor, camera: Tensor) -> Tensor:
        """White noise through the filter of each image's camera; borders meet, so that noise is as
        strong there.
        """
        rim = self.filters.shape[-1] // 2
        wide = pad(z, (rim,) * 4, mode="circular")
        batch, channels, height, width = wide.shape
        filters = self.filters[camera].flatten(0, 1)
        fields = conv2d(wide.reshape(1, batch * channels, height, width), filters, groups=batch)
        return fields.reshape(z.shape)


def compressed(image: Tensor, codec: Codec | None, rng: np.random.Generator) -> Tensor:
    """8-bit patches, (B, 3, h, w) in [0, 1], as the real images were compressed; the gradient
    passes as if nothing had happened.
    """
    if codec is None:
        return image
    seen = image.detach().permute(0, 2, 3, 1).cpu().numpy()
    made = codec(np.rint(255 * seen).astype(np.uint8), rng)
    after = torch.from_numpy(made).to(image.device).permute(0, 3, 1, 2).to(image.dtype) / 255
    return image + (after - image).detach()
