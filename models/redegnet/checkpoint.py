"""Networks as safetensors bytes, complete in themselves: what is drawn from and fine-tuned."""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from pairmill.models.fitting.checkpoint import HEADER, header_of
from pairmill.models.fitting.state import put_back, tensors_of, under
from pairmill.models.keyed import keyed
from pairmill.models.redegnet.fit import Fit
from pairmill.models.redegnet.networks import SynNet
from pairmill.schemas.redegnet import RedegnetCheckpoint, RedegnetNetConfig


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
    start afresh.

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
