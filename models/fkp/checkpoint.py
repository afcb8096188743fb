"""A fitted flow as safetensors bytes; its settings stand in the header."""

from __future__ import annotations

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load, save

from pairmill.models.fitting.checkpoint import HEADER, header_of
from pairmill.models.fkp.flow import Flow
from pairmill.models.fkp.gaussians import side
from pairmill.models.fkp.prior import KernelPrior
from pairmill.models.keyed import keyed
from pairmill.schemas.fkp import FlowCheckpoint


def checkpoint_bytes(prior: KernelPrior) -> bytes:
    """The weights of a flow, float32, and its `FlowCheckpoint`."""
    flow = prior.flow
    config = FlowCheckpoint.model_validate(
        {"scale": prior.scale, "couplings": len(flow.couplings), "hidden": flow.hidden}
    )
    tensors = {name: tensor.cpu().contiguous() for name, tensor in flow.state_dict().items()}
    return save(tensors, {HEADER: config.canonical_json()})


def read_checkpoint(data: bytes | np.ndarray[tuple[int], np.dtype[np.uint8]]) -> KernelPrior:
    """The prior of a checkpoint, on the CPU.

    Raises:
        ValueError: if the bytes are not a checkpoint of FKP.
    """
    data = bytes(data)
    try:
        config = FlowCheckpoint.model_validate_json(header_of(data)[HEADER])
        cells = side(config.scale) ** 2
        flow = Flow(cells, config.couplings, config.hidden, keyed(0, "weights"))
        flow.load_state_dict(load(data))
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"not a checkpoint of FKP: {error}") from error
    return KernelPrior(flow.eval().requires_grad_(requires_grad=False), config.scale)
