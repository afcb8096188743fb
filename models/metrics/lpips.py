"""LPIPS v0.1, the distance of two images as a network sees them (Zhang et al. 2018), from files
of weights.

Two files, the trunk as torchvision has it (`alexnet`, `vgg16`) and the linear weights as package
`lpips` has them, or one file with both. Widths come from the files, so that small files make small
networks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from pairmill.models.losses.vgg import read_state_dict
from pairmill.models.metrics.luma import Image

Trunk = Literal["alex", "vgg"]
SHIFT, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of images in [-1, 1]."""
EPSILON = 1e-10
LEAST = 32
"""Smallest side of an image, in pixels."""


@dataclass(frozen=True)
class Step:
    """One convolution of a trunk."""

    place: int
    """Its number among torchvision's `features`."""
    stride: int = 1
    padding: int = 1
    pool: int = 0
    """Side of the maximum, of stride 2, that is taken before it; 0 for none."""
    compared: bool = False
    """Whether what comes out of its ReLU is compared."""


TRUNKS: dict[Trunk, tuple[Step, ...]] = {
    "alex": (
        Step(0, stride=4, padding=2, compared=True),
        Step(3, padding=2, pool=3, compared=True),
        Step(6, pool=3, compared=True),
        Step(8, compared=True),
        Step(10, compared=True),
    ),
    "vgg": (
        Step(0),
        Step(2, compared=True),
        Step(5, pool=2),
        Step(7, compared=True),
        Step(10, pool=2),
        Step(12),
        Step(14, compared=True),
        Step(17, pool=2),
        Step(19),
        Step(21, compared=True),
        Step(24, pool=2),
        Step(26),
        Step(28, compared=True),
    ),
}
OLD_LINEAR = {
    "8a9f071221953c589f32ea6727d04f800af07c3f4d97ef07514bcc3c4e82f687": "AlexNet",
    "e60d8ee2c0926a5b9ea5353744a0b2d63f81e12b5df5365fbfe1375a034f8619": "VGG-16",
    "1a1c8db5a561a6810279754ae5f042398fc4cc02b0b8c64d48be743b450da288": "SqueezeNet",
}
"""Linear weights of v0.0 by `linear_digest`. They have the names and shapes of v0.1 and give 0.35
to 0.74 of its values."""
SQUEEZE = 7
"""Linear layers with SqueezeNet; AlexNet and VGG-16 have five."""
SIDES: dict[Trunk, int] = {"alex": 11, "vgg": 3}
"""Side of a trunk's first filters, by which files are distinguished."""


class Lpips(nn.Module):
    """The distance, with the names of what it was made of."""

    def __init__(self, weights: dict[str, Tensor], digests: tuple[str, ...] = ()) -> None:
        """Take the weights of trunk and linear layers, by any of the names that are in use.

        Raises:
            ValueError: if one is missing or does not fit, or the linear ones are those of v0.0.
        """
        super().__init__()
        if any(".squeeze." in name for name in weights):
            raise ValueError("LPIPS weights of SqueezeNet; AlexNet and VGG-16 are read")
        convolutions, linear = _sorted(weights)
        _look_at(linear)
        self.trunk = _trunk(convolutions)
        self.digests = digests
        """SHA-256 of the files, in order."""
        for number, tensor in _checked(self.trunk, convolutions, linear).items():
            self.register_buffer(number, tensor)
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two of (B, 3, h, w) in [0, 1], sides at least 32, to (B,) distances; 0 for equal
        images.
        """
        if min(a.shape[2:]) < LEAST:
            raise ValueError(
                f"LPIPS needs images of at least {LEAST} x {LEAST}, got {a.shape[2]} x {a.shape[3]}"
            )
        values = (2 * torch.cat([a, b]) - 1 - self.get_buffer("shift")) / self.get_buffer(
            "deviation"
        )
        found, stage = a.new_zeros(len(a)), 0
        for step in TRUNKS[self.trunk]:
            if step.pool:
                values = max_pool2d(values, step.pool, 2)
            weight, bias = (
                self.get_buffer(f"weight{step.place}"),
                self.get_buffer(f"bias{step.place}"),
            )
            values = relu(conv2d(values, weight, bias, step.stride, step.padding))
            if step.compared:
                one, other = (
                    values / (values.square().sum(1, keepdim=True).sqrt() + EPSILON)
                ).chunk(2)
                weighted = (one - other).square() * self.get_buffer(f"linear{stage}")[:, None, None]
                found, stage = found + weighted.sum(1).mean((1, 2)), stage + 1
        return found

    @torch.no_grad()
    def of(self, a: Image, b: Image) -> float:
        """Distance of two images, (H, W, 3) uint8 of one size, sides at least 32.

        Raises:
            ValueError: if they are smaller, or of different sizes.
        """
        if a.shape != b.shape:
            raise ValueError(
                f"images of {a.shape[0]} x {a.shape[1]} and {b.shape[0]} x {b.shape[1]} cannot "
                "be compared"
            )
        device = self.get_buffer("shift").device
        one, other = (
            torch.from_numpy(image.copy()).to(device).permute(2, 0, 1)[None].float() / 255
            for image in (a, b)
        )
        return float(self(one, other)[0])


def read_lpips(files: Sequence[bytes]) -> Lpips:
    """LPIPS of one or two files of weights, on the CPU in float32; nothing in them is executed.

    Args:
        files: trunk and linear weights in any order, or one with both; safetensors, or what
            `torch.save` made.

    Raises:
        ValueError: if one is no file of weights, or together they are not LPIPS.
    """
    weights: dict[str, Tensor] = {}
    for data in files:
        weights |= read_state_dict(data)
    return Lpips(weights, tuple(hashlib.sha256(data).hexdigest() for data in files))


def _sorted(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[int, Tensor]]:
    """Convolutions by `weight` or `bias` and place, linear layers by stage; other tensors, as of a
    classifier, are left out.
    """
    convolutions, linear = {}, {}
    for name, tensor in weights.items():
        if found := re.fullmatch(r"(?:features|net\.slice\d)\.(\d+)\.(weight|bias)", name):
            convolutions[found[2] + found[1]] = tensor.float()
        elif found := re.fullmatch(r"(?:lin|lins\.)(\d)\.model\.\d\.weight", name):
            linear[int(found[1])] = tensor.float().flatten()
    return convolutions, linear


def linear_digest(linear: dict[int, Tensor]) -> str:
    """SHA-256 of linear weights as float32, layer after layer, whatever file they came in."""
    parts = [linear[stage].cpu().float().contiguous().numpy().tobytes() for stage in sorted(linear)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _look_at(linear: dict[int, Tensor]) -> None:
    old = OLD_LINEAR.get(linear_digest(linear))
    if old is not None:
        raise ValueError(
            f"the linear weights are those of LPIPS v0.0 for {old}, with other values; those of "
            "v0.1 lie in folder v0.1 of package lpips"
        )
    if len(linear) == SQUEEZE:
        raise ValueError("linear weights of SqueezeNet; those of AlexNet and VGG-16 are read")


def _trunk(convolutions: dict[str, Tensor]) -> Trunk:
    first = convolutions.get("weight0")
    if first is None:
        raise ValueError("LPIPS weights have no trunk: no tensor 'features.0.weight'")
    for trunk, side in SIDES.items():
        if first.shape[1:] == (3, side, side):
            return trunk
    raise ValueError(
        f"LPIPS weights: features.0.weight is {tuple(first.shape)}, of neither AlexNet nor VGG-16"
    )


def _checked(
    trunk: Trunk, convolutions: dict[str, Tensor], linear: dict[int, Tensor]
) -> dict[str, Tensor]:
    """All tensors of the trunk and the linear layers by the names of our buffers."""
    steps, channels, widths = TRUNKS[trunk], 3, []
    names = {f"{part}{step.place}" for step in steps for part in ("weight", "bias")}
    if set(convolutions) != names:
        odd = min(set(convolutions) ^ names)
        raise ValueError(
            f"LPIPS weights: {odd} is not as in {'AlexNet' if trunk == 'alex' else 'VGG-16'}"
        )
    for step in steps:
        weight = convolutions[f"weight{step.place}"]
        if (
            weight.dim() != 4
            or weight.shape[1] != channels
            or convolutions[f"bias{step.place}"].shape != weight.shape[:1]
        ):
            raise ValueError(
                f"LPIPS weights: features.{step.place} is {tuple(weight.shape)}, wanted (n, "
                f"{channels}, k, k)"
            )
        channels = weight.shape[0]
        widths += [channels] if step.compared else []
    for stage, width in enumerate(widths):
        found = linear.get(stage)
        if found is None or len(found) != width:
            if found is None:
                got = "not there"
            else:
                got = f"of {len(found)} channels, wanted {width}"
            raise ValueError(f"LPIPS weights: lin{stage}.model.1.weight is {got}")
    return convolutions | {f"linear{stage}": linear[stage] for stage in range(len(widths))}
