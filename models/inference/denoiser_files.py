"""Denoisers of several levels of noise in files: KAIR's, ours, and one network alone."""

from __future__ import annotations

import re
from collections import defaultdict

from pairmill.models.archs.ircnn import Ircnn
from pairmill.models.archs.keys import Tensors
from pairmill.models.archs.weights import load_network, read_entries, write_weights
from pairmill.models.inference.dpir import Denoisers
from pairmill.schemas.errors import UserError

NUMBERED = re.compile(r"(?:.*\.)?(level)?(\d+)\.(model\.\d+\.(?:weight|bias))")
"""Names of weights of one of several networks: `7.model.0.weight` in KAIR's `ircnn_color.pth`,
`level16.model.0.weight` in ours."""
APART = 2
"""KAIR's network n is for noise up to 2 (n + 1) / 255."""
WANTED = "ircnn of scale 1: KAIR's ircnn_color.pth or ircnn_gray.pth, or FILE:LEVEL for each level"


def read_denoisers(data: bytes, name: str, level: float | None = None) -> dict[float, Ircnn]:
    """Denoisers of a checkpoint, by level of noise in units of 1 / 255.

    Args:
        data: of a file that holds one network for each of several levels, or one network.
        name: of the file, for errors.
        level: of one network, which the file does not tell; none for a file of several.

    Raises:
        UserError: if it is no checkpoint, or not of networks that take noise away; if the level of
            one network is not told, or that of several is.
    """
    groups = _by_level(read_entries(data, name))
    if len(groups) > 1 and level is None:
        return {of: _denoiser(write_weights(each), name) for of, each in groups.items()}
    if len(groups) > 1:
        raise UserError(
            "the file has denoisers of several levels",
            where=name,
            got=f"{name}:{level:g}, and levels {', '.join(f'{one:g}' for one in sorted(groups))}",
            todo="leave the level out",
        )
    network = _denoiser(data, name)
    if level is None:
        raise UserError(
            "the file does not tell what level of noise its denoiser is for",
            where=name,
            got="one network",
            wanted=f"its level, in intensity levels: {name}:15; and a file for each level",
        )
    return {level: network}


def write_denoisers(denoisers: Denoisers) -> bytes:
    """A safetensors file of all levels, whole numbers, as `read_denoisers` reads it."""
    return write_weights(
        {
            f"level{level:g}.{name}": value
            for level, network in denoisers.networks.items()
            for name, value in network.state_dict().items()
        }
    )


def _by_level(entries: Tensors) -> dict[float, Tensors]:
    groups = defaultdict[float, Tensors](dict)
    for name, value in entries.items():
        found = NUMBERED.fullmatch(name)
        if found:
            number = int(found[2])
            groups[float(number if found[1] else APART * (number + 1))][found[3]] = value
    return groups


def _denoiser(data: bytes, name: str) -> Ircnn:
    network = load_network(data, name)
    if not isinstance(network, Ircnn) or network.scale != 1:
        raise UserError(
            "the checkpoint is no denoiser",
            where=name,
            got=f"{network.config.words()}, scale {network.scale}",
            wanted=WANTED,
        )
    return network
