"""Networks and fits as safetensors bytes, complete in themselves: what is drawn from, fine-tuned,
and gone on with.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from pairmill.models.fitting.state import put_back, tensors_of, under
from pairmill.models.fitting.streams import keyed
from pairmill.models.pdm.checkpoint import HEADER, header_of
from pairmill.models.redegnet.fit import Fit
from pairmill.models.redegnet.networks import SynNet
from pairmill.schemas.redegnet import CURVES, RedegnetCheckpoint, RedegnetNetConfig


def networks_bytes(net: RedegnetNetConfig, modules: dict[str, nn.Module]) -> bytes:
    """Weights of some networks, float32, and their `RedegnetCheckpoint`."""
    header = RedegnetCheckpoint(net=net, parts=tuple(modules))
    tensors = {
        name: value.float() if value.is_floating_point() else value
        for name, value in tensors_of(modules, {}).items()
    }
    return save(tensors, {HEADER: header.canonical_json()})


def read_checkpoint(data: bytes) -> SynNet:
    """SynNet of a checkpoint, on the CPU, in float32, ready to be drawn from.

    Raises:
        ValueError: if the bytes hold no SynNet.
    """
    try:
        header = RedegnetCheckpoint.model_validate_json(header_of(data)[HEADER])
        network = SynNet(header.net, keyed(0, "weights"))
        network.load_state_dict(under(load(data), "syn"))
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise ValueError(f"not a checkpoint of ReDegNet: {error}") from error
    return network.eval().requires_grad_(requires_grad=False)


def start_from(fit: Fit, data: bytes) -> None:
    """Give a new fit the weights of an earlier one's networks, for fine-tuning; moments and counts
    begin anew.

    Raises:
        ValueError: if they are other networks, with what both are.
    """
    try:
        header = RedegnetCheckpoint.model_validate_json(header_of(data)[HEADER])
        tensors = load(data)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"not networks of ReDegNet: {error}") from error
    if set(header.parts) != set(fit.modules()):
        raise ValueError(
            f"has only {', '.join(header.parts)}; give `networks.safetensors` of a fit, which "
            "has all"
        )
    if header.net.with_(skip_start=0) != fit.config.net.with_(skip_start=0):
        raise ValueError(
            f"its networks are {header.net.canonical_json()}, the recipe's "
            f"{fit.config.net.canonical_json()}"
        )
    put_back(tensors, fit.modules(), {})


def state_bytes(fit: Fit) -> bytes:
    """All that a fit needs to go on: weights, those of the best check, moments, curves, AUCs, and
    the samples seen.
    """
    tensors = tensors_of(_networks(fit), fit.optimisers)
    tensors["aucs"] = torch.tensor(fit.aucs, dtype=torch.float64)
    tensors["curves"] = torch.from_numpy(np.array(fit.curves).reshape(-1, len(CURVES)))
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
    if header.get("config") != fit.config.content_digest() or header.get("seed") != str(fit.seed):
        return False
    put_back(tensors, _networks(fit), fit.optimisers)
    fit.samples, fit.kept = int(header["samples"]), int(header["kept"])
    fit.curves, fit.aucs = list(tensors["curves"].numpy()), tensors["aucs"].tolist()
    return True


def _networks(fit: Fit) -> dict[str, nn.Module]:
    return {**fit.modules(), **{f"best-{name}": module for name, module in fit.best.items()}}
