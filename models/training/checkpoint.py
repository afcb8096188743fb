"""All that a training needs to continue, as bytes, and back."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pairmill.models.fitting.checkpoint import HEADER, header_of
from pairmill.models.fitting.state import put_back, tensors_of
from pairmill.models.training.training import Training


def state_bytes(training: Training, notes: dict[str, Any]) -> bytes:
    """Weights, means, moments, the scaler of losses and the step; equal values give equal bytes.

    Args:
        training: the training.
        notes: what else to keep, as JSON: where the loader is, scores so far.
    """
    tensors = tensors_of(training.modules(), _optimisers(training))
    header = {
        "step": training.step,
        "scaler": training.precision.scaler.state_dict(),
        "notes": notes,
    }
    return save(_apart(tensors), {HEADER: json.dumps(header, sort_keys=True)})


def restore(training: Training, data: bytes) -> dict[str, Any]:
    """Bring a new training to a stored state.

    Returns:
        The notes that were kept.

    Raises:
        ValueError: if the bytes are damaged, or are the state of another network.
    """
    try:
        header = json.loads(header_of(data)[HEADER])
        put_back(load(data), training.modules(), _optimisers(training))
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"not a state of this training: {str(error).splitlines()[0]}") from error
    training.step = int(header["step"])
    if header["scaler"]:
        training.precision.scaler.load_state_dict(header["scaler"])
    return dict(header["notes"])


def _optimisers(training: Training) -> dict[str, torch.optim.Optimizer]:
    return {f"optimiser-{name}": optimiser for name, optimiser in training.optimisers.items()}


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """No two share memory, as safetensors wants it; shared weights are stored twice."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.numel() and tensor.data_ptr() in seen:
            tensors[name] = tensor.clone()
        seen.add(tensors[name].data_ptr())
    return tensors
