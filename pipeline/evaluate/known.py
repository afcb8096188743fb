"""What files of weights are, which networks there are, and files in another form."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pairmill.pipeline.evaluate.files import name_of, read_file, training_of
from pairmill.pipeline.extras import extra
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.network_file import KnownNetwork, NetworkFile
from pairmill.schemas.networks.base import SCALES

if TYPE_CHECKING:
    from pairmill.models.archs.kernel_code import Array
    from pairmill.models.archs.layers import Network

Form = Literal["safetensors", "pth", "onnx"]
FORMS: tuple[Form, ...] = get_args(Form)
"""Forms that networks are written in."""
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".param")
"""Files in a folder that are looked at; of ncnn's two, the one with the layers."""
NO_COMPONENTS = "what it means by a kernel is not in the file: use it with --pca"
ANY_SCALE = "its weights are the same at every scale: use it with --scale"
SENTENCE = re.compile(r"(?<!et al)[.](?:\s+(?=[A-Z])|$)")
"""The end of a sentence."""
TODO = "`pairmill train` writes checkpoints"


def files_named(places: Sequence[str]) -> list[str]:
    """The files that paths and folders name, once each, those of a folder in order.

    Raises:
        UserError: if a folder has none.
    """
    return list(dict.fromkeys(file for place in places for file in _below(place)))


def _below(place: str) -> Iterator[str]:
    folder = Path(place).expanduser()
    if "://" in place or not folder.is_dir():
        yield place
        return
    found = sorted(str(file) for file in folder.rglob("*") if file.suffix in SUFFIXES)
    if not found:
        raise UserError(
            "no files of weights are there", where=place, wanted=f"files {', '.join(SUFFIXES)}"
        )
    yield from found


def look(file: str) -> NetworkFile:
    """What a file is; why it is no network of ours, if it is none.

    Raises:
        UserError: if it cannot be read.
    """
    from pairmill.models.archs.for_others import unread_by_others
    from pairmill.models.archs.keys import convention_of
    from pairmill.models.archs.ncnn import NOTE, read_checkpoint
    from pairmill.models.archs.weights import read_spec, read_weights
    from pairmill.models.fitting.checkpoint import header_of

    own = read_file(file, "file of weights", TODO)
    digest = hashlib.sha256(own).hexdigest()
    try:
        data = read_checkpoint(lambda place: read_file(place, "file of weights", TODO), file)
        digest = hashlib.sha256(data).hexdigest()
        network, lacking = _loaded(data, file)
        names = convention_of(read_weights(data, file)) or "ours"
        spec = read_spec(data, file)
        form = _form(own, data)
        note = header_of(data).get(NOTE, "") if form == "ncnn" else ""
        taken = "" if spec else network.config.assumed()
        assumed = f"assumed, since no weights show it: {taken}" if taken else ""
        notes = [each for each in (note, lacking, assumed) if each]
    except UserError as error:
        reason = error.what.removesuffix(".") + (f": {error.got}" if error.got else "")
        return NetworkFile(file=file, reason=reason, sha256=digest)
    return NetworkFile(
        file=file,
        form=form,
        note="; ".join(notes),
        names=names,
        network=network.config.words(),
        scale=0 if lacking == ANY_SCALE else network.scale,
        parameters=sum(weight.numel() for weight in network.parameters()),
        told=spec is not None,
        training=training_of(file).get("training", ""),
        others=unread_by_others(network.config) or "",
        sha256=digest,
    )


def _loaded(data: bytes, file: str) -> tuple[Network, str]:
    """The network of a checkpoint, and what it lacks, in words."""
    from pairmill.models.archs.published_srmd import UNKNOWN, LacksComponentsError
    from pairmill.models.archs.shapes import UnknownScaleError
    from pairmill.models.archs.weights import load_network

    try:
        return load_network(data, file), ""
    except LacksComponentsError:
        return load_network(data, file, pca=UNKNOWN), NO_COMPONENTS
    except UserError as error:
        if not isinstance(error.__cause__, UnknownScaleError):
            raise
        config = error.__cause__.config
        some = next(scale for scale in SCALES if config.problem(scale) is None)
        return load_network(data, file, scale=some), ANY_SCALE


def _form(own: bytes, data: bytes) -> str:
    if own != data:
        return "ncnn"
    return "safetensors" if own[8:9] == b"{" else "torch"


def all_known() -> list[KnownNetwork]:
    """Every network that recipes may name, in order of the name."""
    import torch

    from pairmill.models.archs import build_empty

    found = []
    for arch, kind in sorted(NETWORK_CONFIGS.items()):
        config = kind.model_validate({})
        scales = [scale for scale in range(1, 17) if config.problem(scale) is None]
        with torch.device("meta"):
            network = build_empty(config, 4 if 4 in scales else max(scales))
        found.append(
            KnownNetwork(
                arch=arch,
                about=SENTENCE.split(inspect.cleandoc(kind.__doc__ or ""))[0].replace("\n", " "),
                scales=tuple(scales),
                parameters=sum(weight.numel() for weight in network.parameters()),
            )
        )
    return found


def write_as(
    file: str, form: Form, out: Storage, scale: int | None = None, pca: Array | None = None
) -> tuple[str, float]:
    """Write a network in another form, under its name.

    Args:
        file: path or URL of a checkpoint; never overwritten.
        form: `safetensors` and `pth` have names and range that other tools take for granted;
            `onnx` is a program, which is compared with the network.
        out: folder that it goes into.
        scale: which scale of a network that has several, or whose file does not tell.
        pca: components of kernels, for a published SRMD: they are sealed with it.

    Returns:
        Its place, and how far the program is from the network at most, where white is 1.

    Raises:
        UserError: if the file is no network, the network cannot be written so, or the file itself
            lies where it would be written.
        MissingLibraryError: if extra `onnx` is not installed.
    """
    from pairmill.models.archs.layers import MultiScale
    from pairmill.models.archs.ncnn import read_checkpoint
    from pairmill.models.archs.weights import load_network, write_for_others
    from pairmill.schemas.network import NetworkSpec

    data = read_checkpoint(lambda place: read_file(place, "file of weights", TODO), file)
    network, far = load_network(data, file, scale=scale, pca=pca), 0.0
    if isinstance(network, MultiScale) and scale in network.config.heads_at(network.scale):
        network = network.at(scale or network.scale)
    name = f"{name_of(file)}.{form}".replace("/", "-")
    if Path(out.path(name)).absolute() == Path(file).expanduser().absolute():
        raise UserError(
            "a file of weights is not overwritten",
            where=file,
            todo="name another folder with --out",
        )
    if form == "onnx":
        made, far = _program(network, file)
    else:
        spec = NetworkSpec.model_validate({"network": network.config, "scale": network.scale})
        made = write_for_others(network.state_dict(), spec, form)
    out.write(name, made)
    return out.path(name), far


def _program(network: Network, file: str) -> tuple[bytes, float]:
    """A network as an ONNX program, and how far it is from the network."""
    from pairmill.models.archs.deployed import ALLOWED, difference, write_onnx

    try:
        with extra("onnx", "ONNX", file):
            program = write_onnx(network)
            far = difference(program, network)
    except ValueError as error:
        raise UserError(
            "the network cannot be written as an ONNX program", where=file, got=str(error)
        ) from error
    if not far <= ALLOWED:
        raise UserError(
            "the ONNX program gives another image than the network, and is not written",
            where=file,
            got=f"a difference of {far:.2g}, where white is 1",
            wanted=f"at most {ALLOWED:g}",
            todo="report it, with the versions of torch, onnxscript and onnxruntime",
        )
    return program, far
