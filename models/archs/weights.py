"""Checkpoints of networks as bytes: reading those of other programs, safely, and writing what other
programs read.
"""

from __future__ import annotations

import io
import pickle
import re
import warnings
from typing import Any, Literal

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save

from pairmill.models.archs import NETWORKS, build_empty
from pairmill.models.archs.for_others import (
    as_others_assume,
    assumed_of,
    in_range,
    names_for_others,
)
from pairmill.models.archs.formats import format_of
from pairmill.models.archs.kernel_code import Array
from pairmill.models.archs.keys import CONVENTIONS, Convention, Tensors, to_ours, to_theirs
from pairmill.models.archs.layers import Network
from pairmill.models.archs.misfit import check_fit, differences, misfit, reason
from pairmill.models.archs.published_srmd import with_components
from pairmill.models.archs.recognise import recognise, some
from pairmill.models.archs.shapes import UnknownNamesError, UnknownScaleError
from pairmill.models.archs.unwrap import flat, weights_of
from pairmill.models.fitting.checkpoint import HEADER, header_of
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import AnyNetworkConfig, NetworkSpec
from pairmill.schemas.networks.aware import KernelAwareBase
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.rcan import RcanConfig

Form = Literal["safetensors", "pth"]
PICKLES = (b"\x80", b"PK")
"""How pickles begin, plain ones and those that torch packs."""


def read_weights(data: bytes, name: str) -> Tensors:
    """Weights of a checkpoint, by the names that it has, on the CPU; floating ones in float32.

    Args:
        data: a safetensors file, or what `torch.save` made of tensors; nothing in it is executed.
        name: of the file, for errors.

    Raises:
        UserError: if it is neither, truncated, holds anything but plain values and tensors, no
            weights, or those of several networks.
    """
    return _tensors(_content(data, name)[0], name)


def read_entries(data: bytes, name: str) -> Tensors:
    """All tensors of a checkpoint by their dotted names, as `read_weights`, of however many
    networks.

    Raises:
        UserError: as `read_weights`, but for the number of networks.
    """
    return flat(_content(data, name)[0])


def read_weights_for(config: AnyNetworkConfig, data: bytes, name: str) -> Tensors:
    """Weights of a checkpoint by our names, with the range of a network that shall have them.

    Args:
        config: settings of that network.
        data, name: see `read_weights`.

    Raises:
        UserError: as `read_spec`.
    """
    tensors, spec = read_weights(data, name), read_spec(data, name)
    source = spec.network if spec else assumed_of(tensors, config)
    if source.arch != config.arch:
        return to_ours(tensors)
    return in_range(to_ours(tensors), source, config)


def read_spec(data: bytes, name: str) -> NetworkSpec | None:
    """What our header says that the checkpoint is for; none if it has none.

    Raises:
        UserError: as `read_weights`, or if the header is not one of ours.
    """
    return _spec(_content(data, name)[1], name)


def load_network(
    data: bytes,
    name: str,
    spec: NetworkSpec | None = None,
    scale: int | None = None,
    pca: Array | None = None,
) -> Network:
    """The network of a checkpoint with its weights, on the CPU.

    Args:
        data: see `read_weights`.
        name: of the file, for errors.
        spec: settings and scale; without it, those of the header, or else what names and shapes
            tell.
        scale: see `recognise`; where a header or `spec` says more, it does not matter.
        pca: components of kernels, for a published SRMD; see `published_srmd`.

    Raises:
        UserError: as `read_weights` and `with_components`, and if the weights are for no network of
            ours or for another one than `spec`.
    """
    content, header = _content(data, name)
    tensors, given = _tensors(content, name), spec is not None
    spec = spec or _spec(header, name)
    config, of = (spec.network, spec.scale) if spec else _recognised(tensors, content, name, scale)
    if isinstance(config, KernelAwareBase):
        tensors = with_components(to_ours(tensors), config, of, name, pca)
    elif pca is not None:
        raise UserError(
            "this network is not told kernels",
            where=name,
            got=f"{config.words()}, and --pca",
            todo="leave --pca out",
        )
    check_fit(tensors, config, of, name, masks=not given)
    network = build_empty(config, of)
    put_weights(network, tensors, name)
    return network


def put_weights(network: Network, tensors: Tensors, name: str) -> None:
    """Give a network weights by any of the names in `pairmill.models.archs.keys`.

    Raises:
        UserError: if there are more, fewer or others than it has, or some are not finite; then
            nothing has changed.
    """
    ours, wanted = to_ours(tensors), network.state_dict()
    for key, value in wanted.items():
        if key.endswith("attn_mask") and key in ours:
            # Follows from the size of patches, which may differ.
            ours[key] = value
    found = differences(ours, wanted)
    if found:
        raise misfit(tensors, network.config, network.scale, name, found)
    broken = [key for key, value in ours.items() if not torch.isfinite(value).all()]
    if broken:
        got = f"{broken[0]} and {len(broken) - 1} more"
        raise UserError("The checkpoint has weights that are not finite.", where=name, got=got)
    network.load_state_dict(ours)


def write_weights(
    tensors: Tensors,
    form: Form = "safetensors",
    convention: str = "ours",
    spec: NetworkSpec | None = None,
    entry: str = "params",
) -> bytes:
    """A checkpoint with nothing in it but weights: equal weights, equal bytes.

    Args:
        tensors: a network's state dict.
        form: `safetensors`, or `pth`, which holds them under `entry`, as BasicSR and Real-ESRGAN
            have them.
        convention: `ours` (BasicSR's names), or a key of `keys.CONVENTIONS`; see
            `write_for_others`.
        spec: what they are for; goes into the header, and `load_network` need not guess.
        entry: `params`, or `params_ema` for EMAs.

    Raises:
        ValueError: if the convention is for another network, or cannot say what the settings are.
    """
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    if convention != "ours":
        plain = _by_their_names(plain, convention, spec)
    if spec is None:
        header = {}
    else:
        header = {HEADER: spec.canonical_json()}
    if form == "safetensors":
        return save(plain, header or None)
    buffer = io.BytesIO()
    torch.save({entry: plain, **header}, buffer)
    return buffer.getvalue()


def write_for_others(tensors: Tensors, spec: NetworkSpec, form: Form = "safetensors") -> bytes:
    """A checkpoint as `write_weights`, by the names and with the range that other tools take for
    granted; the header says the range.
    """
    config = as_others_assume(spec.network)
    same = in_range(tensors, spec.network, config)
    return write_weights(same, form, names_for_others(config), spec.with_(network=config))


def _by_their_names(tensors: Tensors, convention: str, spec: NetworkSpec | None) -> Tensors:
    if convention not in CONVENTIONS:
        raise ValueError(
            f"unknown convention {convention!r}; known are ours, {', '.join(CONVENTIONS)}"
        )
    theirs = CONVENTIONS[convention]
    config, scale = (spec.network, spec.scale) if spec else recognise(tensors)
    if config.arch != theirs.arch:
        raise ValueError(
            f"convention {convention} is for {theirs.arch}, these weights are for {config.arch}"
        )
    if theirs.scales and scale not in theirs.scales:
        raise ValueError(f"convention {convention} is not for scale {scale}")
    if not _sayable(config, theirs):
        raise ValueError(
            f"convention {convention} cannot say the range or residual scale of {config.words()}"
        )
    renamed = to_theirs(tensors, convention)
    if not theirs.means:
        return renamed
    bias = (theirs.range or 1.0) * torch.tensor(getattr(config, "mean", (0.0, 0.0, 0.0)))
    same = torch.eye(3)[:, :, None, None]
    return renamed | dict(zip(theirs.mean_keys(), (same, -bias, same.clone(), bias), strict=True))


def _tensors(content: dict[Any, Any], name: str) -> Tensors:
    tensors = weights_of(content, name)
    if not tensors:
        got = f"{type(content).__name__} with {', '.join(map(str, list(content)[:5])) or 'nothing'}"
        wanted = "dense tensors of real numbers, by name"
        raise UserError(
            "The checkpoint holds no weights of a network.", where=name, got=got, wanted=wanted
        )
    return {
        key: value.detach().float() if value.is_floating_point() else value
        for key, value in tensors.items()
    }


def _spec(header: str | None, name: str) -> NetworkSpec | None:
    try:
        if header is None:
            return None
        return NetworkSpec.model_validate_json(header)
    except ValidationError as error:
        what = f"The header {HEADER} of the checkpoint is not one of this version."
        raise UserError(
            what, where=name, got=str(error.errors()[0]["msg"]), todo="give network and scale"
        ) from error


def _sayable(config: AnyNetworkConfig, theirs: Convention) -> bool:
    """Whether their names can hold it: they have one range, RCAN has one residual scale, and EDSR
    whole convolutions.
    """
    if isinstance(config, RcanConfig) and config.residual_scale != 1:
        return False
    if isinstance(config, EdsrConfig) and config.separable:
        return False
    return theirs.range in (None, getattr(config, "range", theirs.range))


def _content(data: bytes, name: str) -> tuple[dict[Any, Any], str | None]:
    """What a file holds, and our header."""
    try:
        # In order of the names: the library gives them in another one each time.
        return dict(sorted(load(data).items())), header_of(data).get(HEADER)
    except SafetensorError as error:
        if data[8:9] == b"{":
            wanted = "a whole safetensors file"
            raise UserError(
                "The checkpoint is damaged.", where=name, got=str(error), wanted=wanted
            ) from error
    content = _unpickled(data, name)
    if not isinstance(content, dict):
        raise UserError(
            "The checkpoint holds no weights.",
            where=name,
            got=type(content).__name__,
            wanted="tensors by name",
        )
    header = content.get(HEADER)
    return content, header if isinstance(header, str) else None


def _unpickled(data: bytes, name: str) -> object:
    other = format_of(data)
    if other is not None:
        raise UserError(
            "The file is not a checkpoint of weights.",
            where=name,
            got=other,
            wanted="a safetensors file, or a state dict saved by torch (.pth)",
            todo="take the network's .pth or .safetensors; of a program that you trust, save the "
            "state dict alone where it comes from",
        )
    try:
        with warnings.catch_warnings():
            # Old and new pickles warn; they are read or refused all the same.
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        if asked is None and not data.startswith(PICKLES):
            raise _no_checkpoint(data, name, "neither safetensors nor a pickle") from error
        got = "a pickle that is damaged, or of a form that weights have not"
        if asked:
            got = f"it asks for {asked[1]}"
        raise UserError(
            "The checkpoint holds more than tensors and is refused: loading it could run code.",
            where=name,
            got=got,
            wanted="a safetensors file, or a state dict of plain tensors",
            todo="where you trust it, load it with the program it comes from and save its state "
            "dict alone",
        ) from error
    except (
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        OSError,
    ) as error:
        why = [*str(error).splitlines(), type(error).__name__][0].partition(". ")[0]
        raise _no_checkpoint(data, name, why) from error


def _no_checkpoint(data: bytes, name: str, why: str) -> UserError:
    return UserError(
        "The checkpoint cannot be read: it is truncated, damaged, or not a checkpoint.",
        where=name,
        got=f"{len(data)} bytes; {why}",
        wanted="a safetensors file, or a state dict saved by torch",
        todo="copy or download it again",
    )


def _recognised(
    tensors: Tensors, content: dict[Any, Any], name: str, scale: int | None
) -> tuple[Any, int]:
    try:
        return recognise(tensors, scale)
    except ValueError as error:
        wanted = f"one of {', '.join(NETWORKS)}"
        todo = "`pairmill train` writes what a checkpoint is for into it"
        got = reason(error)
        if isinstance(error, UnknownScaleError):
            wanted, todo = "a scale", "give it, such as `--scale 4`"
        if isinstance(error, UnknownNamesError):
            # By the file's own names, from which words may have been taken off.
            got = f"no network of ours has these weights: {some(flat(content))}"
        what = "The network of the checkpoint is not recognised."
        raise UserError(what, where=name, got=got, wanted=wanted, todo=todo) from error
