"""Networks and fits as safetensors bytes: a checkpoint that is drawn from, and the state that a
killed fit goes on from.

Both hold their settings in the header, so that a file is complete in itself. The header is sorted:
equal values, equal bytes.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from pairmill.models.fitting.state import put_back, tensors_of
from pairmill.models.fitting.streams import keyed
from pairmill.models.pdm.degradation import Degradation
from pairmill.models.pdm.fit import Fit
from pairmill.schemas.pdm import CURVES, PdmCheckpoint

HEADER = "pairmill"


def checkpoint_bytes(degradation: Degradation) -> bytes:
    """The weights of a degradation, float32, and its `PdmCheckpoint`."""
    config = PdmCheckpoint(
        scale=degradation.scale, kernel=degradation.config.kernel, noise=degradation.config.noise
    )
    tensors = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in degradation.state_dict().items()
    }
    return save(tensors, {HEADER: config.canonical_json()})


def read_checkpoint(data: bytes) -> Degradation:
    """The degradation of a checkpoint, on the CPU, in float32.

    Raises:
        ValueError: if the bytes are not a checkpoint of PDM.
    """
    try:
        config = PdmCheckpoint.model_validate_json(header_of(data)[HEADER])
        degradation = Degradation(config.as_config(), config.scale, keyed(0, "weights"))
        degradation.load_state_dict(load(data))
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"not a checkpoint of PDM: {error}") from error
    return degradation.requires_grad_(requires_grad=False)


def header_of(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: eight bytes of length, then JSON (the format's
    specification).

    Raises:
        ValueError: if there is none.
    """
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= len(data) - 8:
        raise ValueError("not a safetensors file")
    return dict(json.loads(data[8 : 8 + length]).get("__metadata__", {}))


def state_bytes(fit: Fit) -> bytes:
    """All that a fit needs to go on: weights, running means, the best check, Adam's moments,
    curves, AUCs, the samples seen.
    """
    tensors = tensors_of(_modules(fit), _optimisers(fit))
    tensors["curves"] = torch.from_numpy(np.array(fit.curves).reshape(-1, len(CURVES)))
    tensors["aucs"] = torch.tensor(fit.aucs, dtype=torch.float64)
    header = {
        "samples": str(fit.samples),
        "kept": str(fit.kept),
        "config": fit.config.content_digest(),
        "seed": str(fit.seed),
    }
    return save(tensors, {HEADER: json.dumps(header, sort_keys=True)})


def restore(fit: Fit, data: bytes) -> bool:
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
    if header["config"] != fit.config.content_digest() or header["seed"] != str(fit.seed):
        return False
    put_back(tensors, _modules(fit), _optimisers(fit))
    fit.samples, fit.kept = int(header["samples"]), int(header["kept"])
    fit.curves, fit.aucs = list(tensors["curves"].numpy()), tensors["aucs"].tolist()
    return True


def _modules(fit: Fit) -> dict[str, nn.Module]:
    return {
        "degradation": fit.degradation,
        "critic": fit.critic,
        "mean": fit.mean,
        "best": fit.best,
    }


def _optimisers(fit: Fit) -> dict[str, torch.optim.Optimizer]:
    return dict(zip(("adam-degradation", "adam-critic"), fit.optimisers, strict=True))
