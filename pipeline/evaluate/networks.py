"""Checkpoints as things that upscale images; bicubic upscaling is one more."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.imresize import imresize_up
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.errors import StoreError, UserError
from pairmill.schemas.evaluation import InferenceConfig, NetworkView

if TYPE_CHECKING:
    from pairmill.models.archs.aware import Degradation
    from pairmill.models.archs.layers import Network

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
BICUBIC = "bicubic"


@dataclass(frozen=True, eq=False)
class Told:
    """What a network that takes the degradation is told of all images."""

    kernel: Array | None = None
    """(K, K), sum 1, as `Degradation.kernel`; none for the network's usual one."""
    noise: float = 0.0
    """Standard deviation of the noise, in intensity levels."""
    words: str = "the usual kernel"
    """Where the kernel comes from."""

    def key(self) -> str:
        """Digest of the values."""
        kernel = None if self.kernel is None else self.kernel.tolist()
        return digest_of([kernel, self.noise])


@dataclass
class Upscaler:
    """What upscales images: a network with its weights, or nothing but bicubic interpolation."""

    view: NetworkView
    network: Network | None = None
    """None is bicubic."""
    told: Told | None = None
    """What the network is told; none lets it assume."""
    seconds: float = field(default=0.0)
    """Time that was spent."""
    pixels: int = field(default=0)
    """HR pixels that were made."""

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.view.name

    def strips(
        self, lr: Image, config: InferenceConfig, advanced: Callable[[float], None] = lambda _: None
    ) -> Iterator[Image]:
        """Rows of the upscaled image, from the top, some at a time."""
        if self.network is None:
            yield imresize_up(lr, self.view.scale)
            return
        from pairmill.models.inference.tiled import strips

        yield from strips(
            self.network,
            lr,
            tile=config.tile or None,
            overlap=config.overlap,
            ensemble=config.ensemble,
            device=config.device,
            precision=config.precision,
            told=self._degradation(lr),
            advanced=advanced,
        )

    def _degradation(self, lr: Image) -> Degradation | None:
        if self.told is None:
            return None
        import torch

        from pairmill.models.archs.aware import Degradation, KernelAware

        assert isinstance(self.network, KernelAware)
        kernel = self.network.code.usual
        if self.told.kernel is not None:
            kernel = torch.from_numpy(self.told.kernel).float()
        noise = torch.full((1, 1, *lr.shape[:2]), self.told.noise / 255)
        return Degradation(kernel[None], noise)

    def telling(self, told: Told) -> Upscaler:
        """The same network, told something.

        Raises:
            UserError: if it takes no kernel, or not one as wide.
        """
        from pairmill.models.archs.aware import KernelAware

        if not isinstance(self.network, KernelAware):
            raise UserError(
                "this network is not told kernels",
                where=self.view.file,
                got=f"{self.view.arch}, and {told.words}, noise {told.noise:g}",
                wanted="a network such as srmd",
                todo="leave --kernel and --noise out",
            )
        if told.kernel is not None:
            import torch

            from pairmill.models.archs.kernel_code import fitted

            fitted(torch.from_numpy(told.kernel)[None], self.network.code.side)
        view = self.view.with_(
            arch=f"{self.view.arch}; told {told.words}, noise {told.noise:g}",
            sha256=digest_of([self.view.sha256, told.key()]),
        )
        return Upscaler(view, self.network, told)

    def __call__(self, lr: Image, config: InferenceConfig) -> Image:
        """The upscaled image, (scale H, scale W, 3); the time it takes is counted."""
        start = time.perf_counter()
        out = np.concatenate(list(self.strips(lr, config)))
        self.spent(time.perf_counter() - start, lr)
        return out

    def spent(self, seconds: float, lr: Image) -> None:
        """Count the time that an image took."""
        self.seconds += seconds
        self.pixels += lr.shape[0] * lr.shape[1] * self.view.scale**2

    def seen(self) -> NetworkView:
        """The view, with the time that was spent."""
        return self.view.with_(seconds=self.seconds, megapixels=self.pixels / 1e6)

    def settings(self) -> tuple[tuple[str, str], ...]:
        """See `pairmill.pipeline.evaluate.upscaling.Upscaling`: all is said by the view."""
        return ()


def bicubic(scale: int) -> Upscaler:
    """MATLAB's bicubic upscaling of 8-bit images: the control."""
    return Upscaler(NetworkView(name=BICUBIC, arch="bicubic, MATLAB's imresize", scale=scale))


def load(
    checkpoint: str,
    mixed: tuple[str, float] | None = None,
    scale: int | None = None,
    pca: Array | None = None,
) -> Upscaler:
    """A network from a checkpoint file.

    Args:
        checkpoint: Path or URL; of ours, or of any kind that `pairmill.models.archs.weights`
            recognises.
        mixed: Another checkpoint of the same network and the share of its weights.
        scale: Which of its scales a network of several is used for, if it has it; none is the
            largest. Of a file that does not tell its scale, what it is.
        pca: Components of kernels for a published SRMD; see `models.archs.published_srmd`.

    Raises:
        UserError: if a file is not there, is no checkpoint, is of an unknown network, or the two do
            not fit.
    """
    network, digest = _read(checkpoint, scale, pca)
    name = name_of(checkpoint)
    if mixed is not None:
        from pairmill.models.archs.for_others import in_range
        from pairmill.models.inference.interpolate import interpolate

        other, alpha = mixed
        second, second_digest = _read(other, scale, pca)
        tensors = in_range(second.state_dict(), second.config, network.config)
        try:
            network.load_state_dict(interpolate(network.state_dict(), tensors, alpha))
        except UserError as error:
            where = ", ".join(filter(None, (f"{checkpoint} and {other}", error.where)))
            raise UserError(
                error.what, where=where, got=error.got, wanted=error.wanted, todo=error.todo
            ) from error
        name, digest = (
            f"{name}+{alpha:g}·{name_of(other)}",
            digest_of([digest, second_digest, alpha]),
        )
    network = _at(network, scale)
    view = NetworkView(
        name=name,
        arch=network.config.words(),
        file=checkpoint,
        sha256=digest,
        scale=network.scale,
        parameters=sum(weight.numel() for weight in network.parameters()),
        **training_of(checkpoint),
    )
    return Upscaler(view, network.eval())


def load_all(
    checkpoints: list[str],
    scale: int | None,
    told: Told | None = None,
    pca: Array | None = None,
) -> list[Upscaler]:
    """Bicubic, then the networks, of one scale, under names that differ.

    Args:
        checkpoints: Files, or `bicubic`.
        scale: The scale that the images have; none takes that of the networks.
        told: What those are told that take kernels.
        pca: See `load`; for those that lack components.

    Raises:
        UserError: as `load`, if the scales differ, or if nothing says which it is.
    """
    networks = [
        _telling(_loaded(checkpoint, scale, pca), told)
        for checkpoint in dict.fromkeys(checkpoints)
        if checkpoint != BICUBIC
    ]
    scales = {one.view.scale for one in networks}
    if scale:
        scales.add(scale)
    if len(scales) > 1:
        got = ", ".join(f"{one.view.file} x{one.view.scale}" for one in networks)
        if scale:
            got += f"; images x{scale}"
        raise UserError(
            "scales differ",
            got=got,
            wanted="one scale for all networks and images",
            todo="evaluate one scale at a time",
        )
    if not scales:
        raise UserError(
            "the scale is unknown",
            got="bicubic and HR alone",
            wanted="a scale",
            todo="give it, such as `--scale 4`",
        )
    counts: dict[str, int] = {}
    for one in networks:
        counts[one.name] = counts.get(one.name, 0) + 1
        if counts[one.name] > 1 or one.name == BICUBIC:
            one.view = one.view.with_(name=f"{one.name}-{counts[one.name] + (one.name == BICUBIC)}")
    return [bicubic(scales.pop()), *networks]


def _read(checkpoint: str, scale: int | None, pca: Array | None) -> tuple[Network, str]:
    """The network with its weights, and the digest of the file."""
    from pairmill.models.archs.ncnn import read_checkpoint
    from pairmill.models.archs.weights import load_network

    data = read_checkpoint(
        lambda place: read_file(place, "checkpoint", "`pairmill train` writes checkpoints"),
        checkpoint,
    )
    digest = hashlib.sha256(data).hexdigest()
    if pca is not None:
        digest = digest_of([digest, pca.tolist()])
    return load_network(data, checkpoint, scale=scale, pca=pca), digest


def _loaded(checkpoint: str, scale: int | None, pca: Array | None) -> Upscaler:
    """The network; with the components if it cannot do without."""
    try:
        return load(checkpoint, scale=scale)
    except UserError:
        if pca is None:
            raise
        return load(checkpoint, scale=scale, pca=pca)


def _telling(one: Upscaler, told: Told | None) -> Upscaler:
    """The network, told what is known if it takes that."""
    from pairmill.models.archs.aware import KernelAware

    if told is None or not isinstance(one.network, KernelAware):
        return one
    return one.telling(told)


def _at(network: Network, scale: int | None) -> Network:
    """The network for a scale, where it has that among others."""
    from pairmill.models.archs.layers import MultiScale

    if scale in network.config.heads_at(network.scale) and isinstance(network, MultiScale):
        return network.at(scale)
    return network


def read_file(place: str, what: str, todo: str) -> bytes:
    """The bytes of a file at a path or URL.

    Raises:
        UserError: if it is not there or cannot be read.
    """
    storage, name = _beside(place)
    try:
        if name and storage.exists(name):
            return storage.read(name)
    except StoreError as error:
        raise UserError(
            f"the {what} cannot be read", where=place, got=error.got or error.what
        ) from error
    raise UserError(
        f"there is no such {what}", where=place, wanted="the path or URL of a file", todo=todo
    )


def _beside(checkpoint: str) -> tuple[Storage, str]:
    """The folder of a checkpoint, and its name there."""
    folder, slash, name = checkpoint.rpartition("/")
    return Storage(folder or slash or "."), name


def name_of(checkpoint: str) -> str:
    """A name for tables: the file's, and where a training run wrote it, the run's."""
    parts = checkpoint.split("/")
    if len(parts) > 2 and parts[-2] == "checkpoints":
        return f"{parts[-3]}/{_stem(checkpoint)}"
    return _stem(checkpoint)


def _stem(checkpoint: str) -> str:
    return checkpoint.rpartition("/")[2].rpartition(".")[0] or checkpoint.rpartition("/")[2]


def training_of(checkpoint: str) -> dict[str, str]:
    """What the JSON next to a checkpoint of ours says of its training, as fields of a view."""
    storage, name = _beside(checkpoint)
    beside = f"{_stem(name)}.json"
    said: Any = {}
    if storage.exists(beside):
        with suppress(ValueError):
            said = json.loads(storage.read(beside))
    if not isinstance(said, dict):
        return {}
    corpus, step, digest = said.get("corpus"), said.get("step"), said.get("digest")
    if isinstance(corpus, dict):
        corpus = corpus.get("reference") or corpus.get("name")
    words = []
    if corpus:
        words.append(f"corpus {corpus}")
    if isinstance(step, int):
        words.append(f"step {step:,}")
    return {
        "training": ", ".join(words),
        "corpus": str(corpus or ""),
        "corpus_digest": str(digest or "") if corpus else "",
    }
