"""What weights a network has, before any memory is given to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from pairmill.models.archs import build_empty
from pairmill.models.archs.keys import Tensors
from pairmill.schemas.network import AnyNetworkConfig

MAKERS = (torch.empty, torch.zeros, torch.ones)
"""What layers make their weights with."""
BESIDES = 2
"""Tensors that a network may make for each of its weights: some are no part of a checkpoint."""
LEAST = 4096
"""Tensors that any network may make: of one that does not fit it can still be told how."""


class TooManyError(ValueError):
    """Settings of a network that has far more layers than the file has weights."""


class _Counted(TorchFunctionMode):
    """Within it no more than some tensors can be made."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most

    def __torch_function__(  # type: ignore[no-untyped-def]
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ):
        self.left -= func in MAKERS
        if self.left < 0:
            raise TooManyError("settings of a network with far more layers than there are weights")
        return func(*args, **(kwargs or {}))


def outline(config: AnyNetworkConfig, scale: int, weights: int) -> Tensors:
    """Names and shapes of a network's weights: tensors without content.

    What a file says of its network may be anything: nothing is allocated, and no more layers are
    made than a file with so many weights can have.

    Args:
        config: settings of the network.
        scale: HR pixels per LR pixel.
        weights: tensors in the file.

    Raises:
        TooManyError: if the network has far more.
        ValueError: as `build_empty`.
    """
    with torch.device("meta"), _Counted(BESIDES * weights + LEAST):
        return build_empty(config, scale).state_dict()
