"""The state of a fit as safetensors bytes, which a killed fit continues from, and the header that
all our safetensors files say what they are in.

The header is sorted: equal values, equal bytes.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from pairmill.models.fitting.fit import LearnedFit
from pairmill.models.fitting.state import put_back, tensors_of

HEADER = "pairmill"
"""Name of the metadata in which our files say what they are."""


def header_of(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: eight bytes of length, then JSON (the format's
    specification).

    Raises:
        ValueError: if it is no such file.
    """
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= len(data) - 8:
        raise ValueError("not a safetensors file")
    return dict(json.loads(data[8 : 8 + length]).get("__metadata__", {}))


def state_bytes(fit: LearnedFit[Any]) -> bytes:
    """All that a fit needs to continue: weights, those of the best check, moments, curves, AUCs,
    and the samples seen.
    """
    tensors = tensors_of(fit.networks(), fit.moments())
    tensors["curves"] = torch.from_numpy(np.array(fit.curves).reshape(-1, len(fit.columns)))
    tensors["aucs"] = torch.tensor(fit.aucs, dtype=torch.float64)
    header = _identity(fit) | {"samples": str(fit.samples), "kept": str(fit.kept)}
    return save(tensors, {HEADER: json.dumps(header, sort_keys=True)})


def restore(fit: LearnedFit[Any], data: bytes) -> bool:
    """Bring a new fit to a stored state.

    Returns:
        Whether it was a state of this very fit; if not, or if the bytes are damaged, the fit is as
        it was.
    """
    try:
        header = json.loads(header_of(data)[HEADER])
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError):
        return False
    if {name: header.get(name) for name in ("config", "seed")} != _identity(fit):
        return False
    put_back(tensors, fit.networks(), fit.moments())
    fit.samples, fit.kept = int(header["samples"]), int(header["kept"])
    fit.curves, fit.aucs = list(tensors["curves"].numpy()), tensors["aucs"].tolist()
    return True


def _identity(fit: LearnedFit[Any]) -> dict[str, str]:
    """What a state must agree with for a fit to continue from it."""
    return {"config": fit.config.content_digest(), "seed": str(fit.seed)}
