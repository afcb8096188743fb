"""A method with its settings and its kernel, as a thing that upscales files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pairmill.models.device import resolve_device
from pairmill.pipeline.evaluate.upscaling import Image
from pairmill.pipeline.evaluate.zero_shot.kernels import KernelSource
from pairmill.pipeline.evaluate.zero_shot.method import Method
from pairmill.pipeline.images.decode import ImageRejected
from pairmill.schemas.base import digest_of
from pairmill.schemas.evaluation import InferenceConfig, NetworkView
from pairmill.schemas.image import ImageReason
from pairmill.schemas.zero_shot import ZeroShotConfig


class ZeroShot:
    """See `Upscaling`."""

    def __init__(
        self, method: Method[Any], config: ZeroShotConfig, source: KernelSource | None
    ) -> None:
        """Take a method, its settings, and where kernels come from; none if it finds them."""
        self.method, self.config, self.source = method, config, source
        self.seconds, self.pixels = 0.0, 0
        made_of = [
            method.version,
            config.model_dump(mode="json"),
            source.digest if source else "",
        ]
        self.view = NetworkView(
            name=config.method,
            arch=method.words(config),
            sha256=digest_of(made_of),
            scale=config.scale,
            parameters=method.parameters(config),
        )

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.view.name

    def strips(
        self, lr: Image, config: InferenceConfig, advanced: Callable[[float], None] = lambda _: None
    ) -> Iterator[Image]:
        """The whole image at once.

        Raises:
            ImageRejected: if it is too small, or shows no kernel.
        """
        problem = self.method.problem(lr.shape[0], lr.shape[1], self.config)
        if problem:
            raise ImageRejected(ImageReason.TOO_SMALL, problem)
        kernel = self.source.of(lr) if self.source else None
        device = resolve_device(config.device)
        yield self.method.upscale(lr, kernel, self.config, device=device, advanced=advanced)

    def spent(self, seconds: float, lr: Image) -> None:
        """See `Upscaling`."""
        self.seconds += seconds
        self.pixels += lr.shape[0] * lr.shape[1] * self.view.scale**2

    def seen(self) -> NetworkView:
        """See `Upscaling`."""
        return self.view.with_(seconds=self.seconds, megapixels=self.pixels / 1e6)

    def settings(self) -> tuple[tuple[str, str], ...]:
        """See `Upscaling`."""
        kernel = self.source.words if self.source else "found with the image"
        return (
            ("method", self.view.arch),
            ("kernel", kernel),
            ("noise", f"{self.config.noise:g} intensity levels"),
            ("seed", str(self.config.seed)),
            *self.method.settings(self.config),
        )
