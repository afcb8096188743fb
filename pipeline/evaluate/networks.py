"""Checkpoints as things that upscale images; bicubic upscaling is one more."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.imresize import imresize_up
from pairmill.pipeline.evaluate.files import name_of, read_file, training_of
from pairmill.pipeline.evaluate.kernel_files import for_scale
from pairmill.pipeline.labels.kernel import of_bicubic
from pairmill.schemas.base import digest_of
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import InferenceConfig, NetworkView

if TYPE_CHECKING:
    from pairmill.models.archs.aware import Degradation
    from pairmill.models.archs.layers import Network

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
BICUBIC: Literal["bicubic"] = "bicubic"


@dataclass(frozen=True, eq=False)
class Told:
    """What a network that takes the degradation is told of all images."""

    kernel: Array | Literal["bicubic"] | None = None
    """(K, K), sum 1, as `Degradation.kernel`; none for the network's usual one, or `BICUBIC` for
    that of MATLAB's bicubic downscaling at its scale."""
    noise: float = 0.0
    """Standard deviation of the noise, in intensity levels."""
    words: str = "the usual kernel"
    """Where the kernel comes from."""
    where: str = ""
    """The option and the file that say so."""

    def key(self) -> str:
        """Digest of the values."""
        kernel = self.kernel.tolist() if isinstance(self.kernel, np.ndarray) else self.kernel
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
        self,
        lr: Image,
        config: InferenceConfig,
        advanced: Callable[[float], None] = lambda _: None,
        known: Degradation | None = None,
    ) -> Iterator[Image]:
        """Rows of the upscaled image, from the top, some at a time; `known` is told of this one."""
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
            told=self._degradation(lr) if known is None else known,
            advanced=advanced,
        )

    def _degradation(self, lr: Image) -> Degradation | None:
        if self.told is None:
            return None
        import torch

        from pairmill.models.archs.aware import Degradation, KernelAware

        assert isinstance(self.network, KernelAware)
        kernel = self.network.code.usual
        if isinstance(self.told.kernel, np.ndarray):
            kernel = torch.from_numpy(self.told.kernel).float()
        noise = torch.full((1, 1, *lr.shape[:2]), self.told.noise / 255)
        return Degradation(kernel[None], noise)

    def telling(self, told: Told) -> Upscaler:
        """The same network, told something; of a kernel for x2 one for its scale is made.

        Raises:
            UserError: if it takes no kernel or no noise, not one as wide, or none of another scale.
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
        if told.noise and not self.network.noise:
            raise UserError(
                "this network is not told the noise",
                where=self.view.file,
                got=f"{self.view.arch}, and --noise {told.noise:g}",
                wanted="a network such as srmd with `noise: true`",
                todo="leave --noise out",
            )
        if told.kernel is not None:
            import torch

            from pairmill.models.archs.kernel_code import fitted

            if isinstance(told.kernel, np.ndarray):
                kernel = for_scale(told.kernel, self.view.scale, told.where)
            else:
                kernel, _ = of_bicubic(self.view.scale, 6 * self.view.scale + 1)
            fitted(torch.from_numpy(kernel)[None], self.network.code.side)
            told = replace(told, kernel=kernel)
        view = self.view.with_(
            arch=f"{self.view.arch}; told {told.words}, noise {told.noise:g}",
            sha256=digest_of([self.view.sha256, told.key()]),
        )
        return Upscaler(view, self.network, told)

    def __call__(
        self, lr: Image, config: InferenceConfig, known: Degradation | None = None
    ) -> Image:
        """The upscaled image, (scale H, scale W, 3); the time it takes is counted."""
        start = time.perf_counter()
        out = np.concatenate(list(self.strips(lr, config, known=known)))
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
        UserError: as `load`, if the scales differ, if nothing says which it is, or if no network
            takes what is told.
    """
    networks = [
        _telling(_loaded(checkpoint, scale, pca), told)
        for checkpoint in dict.fromkeys(checkpoints)
        if checkpoint != BICUBIC
    ]
    _check_told(networks, told)
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
    """The network, told of what is known what it takes."""
    from pairmill.models.archs.aware import KernelAware

    if told is None or not isinstance(one.network, KernelAware):
        return one
    if not one.network.noise:
        told = replace(told, noise=0.0)
    return one.telling(told) if told.kernel is not None or told.noise else one


def _check_told(networks: list[Upscaler], told: Told | None) -> None:
    """Make sure that what is told, is told somebody.

    Raises:
        UserError: if no network takes it.
    """
    if told is None or any(one.told is not None for one in networks):
        return
    raise UserError(
        "no network here is told kernels or noise"
        if told.kernel is not None
        else "no network here is told the noise",
        where=told.where or f"--noise {told.noise:g}",
        got=", ".join(one.view.arch for one in networks) or BICUBIC,
        wanted="a network such as srmd",
        todo="leave --kernel and --noise out",
    )


def not_told(networks: list[Upscaler], told: Told | None) -> Iterator[str]:
    """A sentence per network that was not told all that others were."""
    for one in networks:
        if told is None or one.network is None:
            continue
        lacks = []
        if told.kernel is not None and (one.told is None or one.told.kernel is None):
            lacks.append(told.words)
        if told.noise and (one.told is None or not one.told.noise):
            lacks.append("the noise")
        if lacks:
            yield f"{one.name} was not told {' and '.join(lacks)}, which it does not take."


def _at(network: Network, scale: int | None) -> Network:
    """The network for a scale, where it has that among others."""
    from pairmill.models.archs.layers import MultiScale

    if scale in network.config.heads_at(network.scale) and isinstance(network, MultiScale):
        return network.at(scale)
    return network
