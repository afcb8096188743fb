"""The weights of one network within all that a trainer keeps in a checkpoint."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pairmill.models.archs.keys import Tensors, to_ours
from pairmill.models.archs.outline import outline
from pairmill.models.archs.recognise import CODE, is_named, recognise
from pairmill.models.archs.shapes import UnknownScaleError
from pairmill.schemas.errors import UserError

WRAPPERS = (
    "model_state_dict",
    "state_dict",
    "params_ema",
    "params-ema",
    "params",
    "model",
    "net",
    "generator",
)
"""Entries of a checkpoint that hold the weights; the first that is there is taken, where no network
of ours is found."""
PREFIXES = ("module.", "_orig_mod.", "netG.", "generator.", "model.", "net.")
"""What wrappers put before all names: distributed training, compiling, and some trainers; taken off
where no network of ours is found."""
ANY = 2
"""A scale that all networks have whose weights do not tell theirs."""
DEEPEST = 8
"""Entries within entries that are looked into."""
WORDS = 2 * DEEPEST
"""Words before a network's names that are taken off, those of entries among them."""
EMA = re.compile(r"(?<![a-z])(ema|swa)(?![a-z])|averag")
"""In the names of an average of the weights."""


def weights_of(content: Mapping[Any, Any], name: str) -> Tensors:
    """Weights of the network in a checkpoint, by the names that it has itself.

    Every group of names that begin alike is looked into, however deep, until one is a network of
    ours and nothing else: so trainers' own words before the names, in any order, and
    discriminators, losses and counters beside it do not matter. Of a network and its average (EMA)
    the average is taken. If there is none of ours, all that lies within `WRAPPERS`, without
    `PREFIXES`.

    Args:
        content: names to tensors, or to more of the same; everything else is left out.
        name: of the file, for errors.

    Raises:
        UserError: if there are several networks.
    """
    networks = _networks(flat(content), "", WORDS)
    averages = [prefix for prefix in networks if EMA.search(prefix.lower())]
    if len(averages) == 1:
        return networks[averages[0]]
    if not networks:
        return flat(_by_known_names(content))
    first, *others = networks.values()
    if all(_equal(first, other) for other in others):
        return first
    raise UserError(
        "The checkpoint holds several networks.",
        where=name,
        got="; ".join(
            f"{prefix or 'no prefix'} ({_words(networks[prefix])})" for prefix in networks
        ),
        wanted="one network, or one and its average (EMA)",
        todo="save the state dict of one of them alone",
    )


def flat(content: Mapping[Any, Any]) -> Tensors:
    """Tensors that a network can take, by dotted names; an entry that is in several places is taken
    from the first: what holds itself many times over is no larger than its file.
    """
    return _within(content, DEEPEST, set())


def _within(content: Mapping[Any, Any], depth: int, seen: set[int]) -> Tensors:
    found: Tensors = {}
    seen.add(id(content))
    for key, value in content.items():
        if isinstance(value, Tensor) and _is_plain(value):
            found[str(key)] = value
        elif isinstance(value, Mapping) and depth and id(value) not in seen:
            inner = _within(value, depth - 1, seen)
            found |= {f"{key}.{rest}": each for rest, each in inner.items()}
    return found


def _is_plain(value: Tensor) -> bool:
    """Whether it has numbers that a network can take: not sparse, not complex, not one of torch's
    tensors without content, nor one number that stands for many.
    """
    if value.layout != torch.strided or value.is_meta or value.is_complex():
        return False
    return value.nbytes <= value.untyped_storage().nbytes()


def _networks(tensors: Tensors, prefix: str, words: int) -> dict[str, Tensors]:
    """All groups of names that are a network, by what stands before their names."""
    if is_network(tensors):
        return {prefix.removesuffix("."): tensors}
    groups: dict[str, Tensors] = defaultdict(dict)
    for key, value in tensors.items() if words else ():
        head, dot, rest = key.partition(".")
        if dot:
            groups[head][rest] = value
    return {
        inner: found
        for head, group in groups.items()
        for inner, found in _networks(group, f"{prefix}{head}.", words - 1).items()
    }


def is_network(tensors: Tensors) -> bool:
    """Whether these are all weights of a network of ours, and nothing else, by any names that are
    known.
    """
    try:
        # Where the weights do not tell the scale, they are the same at each.
        wanted = outline(*recognise(tensors, ANY), len(tensors))
    except ValueError:
        return False
    ours = to_ours(tensors)
    if not any(key.startswith(CODE) for key in ours):
        # Published files lack the kernel's code; see `published_srmd`.
        wanted = {key: value for key, value in wanted.items() if not key.startswith(CODE)}
    return _shapes(ours) == _shapes(wanted)


def _shapes(tensors: Tensors) -> dict[str, torch.Size | None]:
    """Masks of shifted windows follow from the size of patches, which may differ."""
    return {
        key: None if key.endswith("attn_mask") else value.shape for key, value in tensors.items()
    }


def _equal(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def _words(tensors: Tensors) -> str:
    """The network, and its scale where the weights tell it."""
    try:
        config, scale = recognise(tensors)
    except UnknownScaleError as error:
        return error.config.words()
    return f"{config.words()}, scale {scale}"


def _by_known_names(content: Mapping[Any, Any]) -> Mapping[str, Any]:
    inner: Mapping[Any, Any] = next(
        (content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content
    )
    values = [value for value in inner.values() if isinstance(value, Mapping)]
    if len(inner) == 1 and values:
        inner = values[0]
    names = {str(key): value for key, value in inner.items()}
    while not is_named(names) and (common := _common(names)):
        names = {key.removeprefix(common): value for key, value in names.items()}
    return names


def _common(names: Mapping[str, Any]) -> str | None:
    """One of `PREFIXES` that all names have."""
    return next(
        (each for each in PREFIXES if names and all(key.startswith(each) for key in names)), None
    )
