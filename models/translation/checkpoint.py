"""A fitted translator as safetensors bytes: the checkpoint that is drawn from.

Its settings stand in the header, so that the file is complete in itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from safetensors import SafetensorError
from safetensors.torch import load, save

from pairmill.models.fitting.checkpoint import HEADER, header_of
from pairmill.models.keyed import keyed
from pairmill.models.translation.generator import Generator
from pairmill.schemas.translation import TranslationCheckpoint


@dataclass(frozen=True, eq=False)
class Translator:
    """What a program draws from."""

    card: TranslationCheckpoint
    """What the checkpoint says of itself."""
    network: Generator
    """On the CPU, float32."""


def checkpoint_bytes(card: TranslationCheckpoint, network: Generator) -> bytes:
    """The weights of a translator, float32, and its card."""
    tensors = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    return save(tensors, {HEADER: card.canonical_json()})


def read_checkpoint(data: bytes) -> Translator:
    """The translator of a checkpoint.

    Raises:
        ValueError: if the bytes are not the checkpoint of a translator.
    """
    try:
        card = TranslationCheckpoint.model_validate_json(header_of(data)[HEADER])
        network = Generator(card.generator, card.scale if card.from_hr else 1, keyed(0, "weights"))
        network.load_state_dict(load(data))
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"not a checkpoint of a translator: {error}") from error
    return Translator(card, network.eval().requires_grad_(requires_grad=False))
