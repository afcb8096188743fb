"""DPIR as a method for files: its denoisers, its words, and what it costs here."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from pairmill.models.archs.aware import Degradation
from pairmill.models.functional.resize import to_uint8
from pairmill.models.inference.denoiser_files import WANTED, read_denoisers
from pairmill.models.inference.dpir import REACH, ROWS, Denoisers, restored
from pairmill.pipeline.evaluate.files import read_file
from pairmill.pipeline.evaluate.zero_shot.method import Array, Image
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.labels.kernel import of_bicubic
from pairmill.pipeline.rng import stream
from pairmill.schemas.errors import UserError
from pairmill.schemas.zero_shot import DpirUpscale, ZeroShotCost

SMALLEST = 8
"""Least side of an image, in pixels."""
SIDE = 192
"""Side of the HR image that a step is timed on, in pixels."""
COPIES = 3 * 4 * 16
"""Bytes for each HR pixel: an image of float32 and what its Fourier transforms keep."""


class Dpir:
    """See `Method`.

    Args:
        denoisers: What takes the noise away; none where nothing is upscaled.
    """

    version = 1
    kernels: tuple[str, ...] = ("bicubic", "camera", "kernelgan")

    def __init__(self, denoisers: Denoisers | None = None) -> None:
        self.denoisers = denoisers or Denoisers({})

    def words(self, config: DpirUpscale) -> str:
        """See `Method`."""
        levels = counted(len(self.denoisers.levels), "level")
        return f"DPIR, {counted(config.steps, 'data step')}, IRCNN denoisers of {levels} of noise"

    def settings(self, config: DpirUpscale) -> tuple[tuple[str, str], ...]:
        """See `Method`."""
        levels = ", ".join(f"{level:g}" for level in self.denoisers.levels)
        return (("steps", str(config.steps)), ("levels of denoisers", levels))

    def kernel_scale(self, config: DpirUpscale) -> int:
        """See `Method`."""
        return config.scale

    def parameters(self, config: DpirUpscale) -> int:  # noqa: ARG002
        """See `Method`; here those that were learned before."""
        networks = self.denoisers.networks.values()
        return sum(value.numel() for each in networks for value in each.parameters())

    def problem(self, height: int, width: int, config: DpirUpscale) -> str:  # noqa: ARG002
        """See `Method`."""
        if min(height, width) >= SMALLEST:
            return ""
        return f"{width} x {height} pixels; DPIR takes {SMALLEST} pixels a side or more"

    def cost(
        self, sizes: Sequence[tuple[int, int]], config: DpirUpscale, *, device: str
    ) -> ZeroShotCost:
        """See `Method`."""
        side = SIDE // config.scale
        image = (256 * stream(config.seed, "dpir cost").random((side, side, 3))).astype(np.uint8)
        short = config.with_(steps=1)
        self._restored(image, None, short, device, lambda _: None)  # what others find made
        start = time.perf_counter()
        self._restored(image, None, short, device, lambda _: None)
        pixel = (time.perf_counter() - start) / side**2
        seconds = config.steps * pixel * sum(height * width for height, width in sizes)
        return ZeroShotCost(
            least_seconds=seconds, most_seconds=seconds, memory=self._memory(sizes, config)
        )

    def upscale(
        self,
        lr: Image,
        kernel: Array | None,
        config: DpirUpscale,
        *,
        device: str,
        advanced: Callable[[float], None],
    ) -> Image:
        """See `Method`."""
        return self._restored(lr, kernel, config, device, lambda _: advanced(1 / config.steps))

    def _restored(
        self,
        lr: Image,
        kernel: Array | None,
        config: DpirUpscale,
        device: str,
        report: Callable[[int], None],
    ) -> Image:
        if kernel is None:
            kernel, _ = of_bicubic(config.scale, 6 * config.scale + 1)
        image = torch.from_numpy(np.ascontiguousarray(lr.transpose(2, 0, 1)))[None].float() / 255
        noise = torch.full((1, 1, *lr.shape[:2]), config.noise / 255)
        told = Degradation(torch.from_numpy(kernel)[None].float(), noise).to(device)
        denoise = self.denoisers.to(device)
        found = restored(image.to(device), told, config.scale, denoise, config.steps, report)
        return to_uint8(255 * found[0].permute(1, 2, 0).double().cpu().numpy())

    def _memory(self, sizes: Sequence[tuple[int, int]], config: DpirUpscale) -> int:
        """Of the largest image; a denoiser keeps a band at two layers at once."""
        height, width = (config.scale * side for side in max(sizes, key=math.prod))
        networks = self.denoisers.networks.values()
        wide = max((len(value) for each in networks for value in each.parameters()), default=0)
        band = 2 * 4 * wide * min(height, ROWS + 2 * REACH) * width
        return COPIES * height * width + band


def denoisers_of(said: str) -> tuple[Denoisers, str]:
    """The denoisers that `--checkpoint` names, and a digest of them.

    Args:
        said: A file of several levels, or FILE:LEVEL for each level, with commas between them.

    Raises:
        UserError: if there is no file, one is not of denoisers, or two are for one level.
    """
    found, read = dict[float, torch.nn.Module](), hashlib.sha256()
    for each in filter(None, said.split(",")):
        file, colon, text = each.rpartition(":")
        level = _level(text) if colon else None
        file = each if level is None else file
        data = read_file(file, "checkpoint of denoisers", f"give {WANTED}")
        read.update(f"{level}:{len(data)}:".encode() + data)
        networks = read_denoisers(data, file, level)
        if twice := sorted(networks.keys() & found.keys()):
            raise UserError(
                "two denoisers are for one level of noise",
                where="--checkpoint",
                got=f"{file}, after one of level {', '.join(f'{one:g}' for one in twice)}",
                wanted="one denoiser for each level",
                todo="leave one of them out",
            )
        found |= networks
    if not found:
        raise UserError(
            "DPIR needs denoisers",
            where="--checkpoint",
            wanted=WANTED,
            todo="add --checkpoint FILE",
        )
    return Denoisers(found), read.hexdigest()


def _level(text: str) -> float | None:
    """A level in words; none if it is part of a name, as in `s3://...`."""
    try:
        level = float(text)
    except ValueError:
        return None
    if 0 < level <= 255:
        return level
    raise UserError(
        "this is no level of noise",
        where="--checkpoint",
        got=text,
        wanted="a standard deviation in intensity levels, up to 255",
    )
