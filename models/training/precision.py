"""Devices and precision: autocast, and the scaler of losses that float16 needs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How one training computes.

    Args:
        device: `cpu` or `cuda`.
        kind: `full`, `bf16` or `fp16`.

    Raises:
        ValueError: for fp16 on the CPU, whose range is too small without a scaler that the CPU has
            no use for.
    """

    def __init__(self, device: str, kind: str) -> None:
        if kind == "fp16" and device == "cpu":
            raise ValueError("fp16 needs a GPU; on the CPU take bf16 or full")
        self.device, self.kind = device, kind
        self.scaler = GradScaler(device, enabled=kind == "fp16")

    def context(self) -> AbstractContextManager[object]:
        """Where forward passes are computed."""
        if self.kind != "full":
            return torch.autocast(self.device, TYPES[self.kind])
        return nullcontext()

    def descend(self, loss: Tensor, optimiser: Optimizer, module: nn.Module, clip: float) -> None:
        """Gradients of a loss, clipped to a norm, and one step of the optimiser; the caller updates
        the scaler.
        """
        optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if clip:
            self.scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        self.scaler.step(optimiser)
