"""Processes that train together: alone, or with the others of torch.distributed by accelerate,
which needs extra `train`.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from pairmill.pipeline.extras import extra


class SingleProcess:
    """One process."""

    first, count = True, 1

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module as it is."""
        return module

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Values, averaged over the processes; all must ask."""
        return values

    def agree(self, text: str) -> str:
        """What the first process says; all must ask."""
        return text


class Distributed(SingleProcess):
    """Several processes, started by `torchrun` or `accelerate launch`: gradients are averaged at
    each step.

    Args:
        device: `cpu` or `cuda`.
        partial: whether a step may leave out some of the weights.

    Raises:
        MissingLibraryError: if accelerate is not installed.
    """

    def __init__(self, device: str, *, partial: bool = False) -> None:
        with extra("train", "training with several processes"):
            from accelerate import Accelerator, DistributedDataParallelKwargs
        # Buffers are saved by the first process alone.
        apart = DistributedDataParallelKwargs(
            broadcast_buffers=False, find_unused_parameters=partial
        )
        self.accelerator = Accelerator(cpu=device == "cpu", kwargs_handlers=[apart])
        self.first, self.count = self.accelerator.is_main_process, self.accelerator.num_processes
        self.device = str(self.accelerator.device)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module, whose gradients become means over the processes."""
        wrapped: Any = self.accelerator.prepare(module)
        return wrapped  # type: ignore[no-any-return]

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """See `SingleProcess.mean`."""
        names = sorted(values)
        sums = torch.tensor(
            [values[name] for name in names], dtype=torch.float64, device=self.device
        )
        found: Any = self.accelerator.reduce(sums, reduction="mean")
        return dict(zip(names, found.tolist(), strict=True))

    def agree(self, text: str) -> str:
        """See `SingleProcess.agree`."""
        from accelerate.utils import broadcast_object_list

        return str(broadcast_object_list([text])[0])


def ranks(device: str, *, partial: bool = False) -> SingleProcess:
    """One process, or one of those that a launcher has started; see `Distributed`."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return Distributed(device, partial=partial)
    return SingleProcess(device)
