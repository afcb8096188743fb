"""Whether weights are those of a network, and in words why not."""

from __future__ import annotations

from pydantic import ValidationError

from pairmill.models.archs.keys import Tensors, to_ours
from pairmill.models.archs.outline import TooManyError, outline
from pairmill.models.archs.recognise import recognise, some
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import AnyNetworkConfig
from pairmill.schemas.networks.base import NetworkBase


def check_fit(
    tensors: Tensors, config: AnyNetworkConfig, scale: int, name: str, *, masks: bool
) -> None:
    """That a file has a network's weights, before the network takes memory: a small file may speak
    of any.

    Args:
        tensors: the weights.
        config, scale: of the network.
        name: of the file.
        masks: whether those of shifted windows must fit too; see `put_weights`.

    Raises:
        UserError: if it has not.
    """
    ours = to_ours(tensors)
    try:
        wanted = outline(config, scale, len(ours))
    except TooManyError as error:
        got = [f"{len(ours)} tensors; {error}"]
        raise misfit(tensors, config, scale, name, got) from error
    if not masks:
        ours, wanted = (
            {key: value for key, value in each.items() if not key.endswith("attn_mask")}
            for each in (ours, wanted)
        )
    found = differences(ours, wanted)
    if found:
        raise misfit(tensors, config, scale, name, found)


def differences(ours: Tensors, wanted: Tensors) -> list[str]:
    """What is missing, too many, and of another shape, the first of each."""
    missing = {key: value for key, value in wanted.items() if key not in ours}
    foreign = {key: value for key, value in ours.items() if key not in wanted}
    other = [key for key in wanted if key in ours and ours[key].shape != wanted[key].shape]
    shapes = ", ".join(
        f"{key} {tuple(ours[key].shape)}, not {tuple(wanted[key].shape)}" for key in other[:3]
    )
    if len(other) > 3:
        shapes += f" and {len(other) - 3} more"
    parts = {
        "missing": some(missing),
        "not in the network": some(foreign),
        "of another shape": shapes,
    }
    return [f"{word}: {text}" for word, text in parts.items() if text]


def misfit(
    tensors: Tensors, config: NetworkBase, scale: int, name: str, got: list[str]
) -> UserError:
    """The error that says so.

    Args:
        tensors, config, scale, name: see `check_fit`.
        got: what does not fit, as of `differences`.
    """
    return UserError(
        "The checkpoint does not fit the network.",
        where=name,
        got="; ".join(got),
        wanted=f"{config.words()}, scale {scale}",
        todo=f"use its own network: {_guess(tensors)}",
    )


def reason(error: ValueError) -> str:
    """What an error of `recognise` says."""
    if isinstance(error, ValidationError):
        return error.errors()[0]["msg"]
    return str(error)


def _guess(tensors: Tensors) -> str:
    try:
        config, scale = recognise(tensors)
    except ValueError as error:
        return reason(error)
    return f"{config.words()}, scale {scale}"
