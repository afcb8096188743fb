"""A fitted degradation as safetensors bytes: the checkpoint that is drawn from.

Its settings stand in the header, so that the file is complete in itself.
"""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pairmill.models.fitting.checkpoint import HEADER, header_of
from pairmill.models.keyed import keyed
from pairmill.models.pdm.degradation import Degradation
from pairmill.schemas.pdm import PdmCheckpoint


def checkpoint_bytes(degradation: Degradation) -> bytes:
    """The weights of a degradation, float32, and its `PdmCheckpoint`."""
    config = PdmCheckpoint(
        scale=degradation.scale,
        kernel=degradation.config.kernel,
        noise=degradation.config.noise,
        start=degradation.start,
    )
    tensors = {
        name: _kept(tensor.detach().cpu().contiguous())
        for name, tensor in degradation.state_dict().items()
    }
    return save(tensors, {HEADER: config.canonical_json()})


def _kept(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def read_checkpoint(data: bytes) -> Degradation:
    """The degradation of a checkpoint, on the CPU, in float32.

    Raises:
        ValueError: if the bytes are not a checkpoint of PDM.
    """
    try:
        config = PdmCheckpoint.model_validate_json(header_of(data)[HEADER])
        degradation = Degradation(
            config.as_config(), config.scale, keyed(0, "weights"), config.start
        )
        degradation.load_state_dict(load(data))
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"not a checkpoint of PDM: {error}") from error
    return degradation.requires_grad_(requires_grad=False)
