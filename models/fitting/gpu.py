"""Where the networks of a fit are, and how precisely a GPU computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


def placed(network: N, device: str) -> N:
    """A network on its device, channels last on a GPU."""
    layout = torch.contiguous_format if device == "cpu" else torch.channels_last
    return network.to(device).to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def moved(images: Tensor, device: str) -> Tensor:
    """(B, C, h, w) where the networks are, as they want it."""
    if device == "cpu":
        return images
    there = images.pin_memory().to(device, non_blocking=True)
    return there.contiguous(memory_format=torch.channels_last)


def mixed(device: str) -> AbstractContextManager[object]:
    """Mixed precision on a GPU."""
    if device == "cpu":
        return nullcontext()
    return torch.autocast("cuda", torch.bfloat16)
