"""Optimisers, and their learning rates step by step."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from pairmill.models.training.schedule import share
from pairmill.schemas.training import OptimiserConfig

OPTIMISERS: dict[str, type[torch.optim.Adam]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def optimiser_of(config: OptimiserConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimiser of some parameters."""
    make = OPTIMISERS[config.kind]
    return make(
        parameters, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
    )


def set_rate(optimiser: Optimizer, config: OptimiserConfig, step: int, steps: int) -> float:
    """Give the optimiser the rate of a step (steps made before it, from 0) and return it."""
    rate = config.learning_rate * share(config.schedule, step, steps)
    for group in optimiser.param_groups:
        group["lr"] = rate
    return rate
