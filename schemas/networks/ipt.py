"""Settings of `models/archs/ipt.py`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from pairmill.schemas.networks.base import DIV2K_MEAN, Count, Level, NetworkBase, Span


class IptConfig(NetworkBase):
    """IPT (Chen et al. 2021): a transformer over patches of fixed size, for published weights; it
    was trained on ImageNet, and hardly learns from less.
    """

    arch: Literal["ipt"] = "ipt"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("heads", "range", "mean")
    """See `NetworkBase.untold`."""
    scales: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 8)
    """Scales that it is built for; 1 is for weights that clean."""
    features: Count = 64
    """Channels of the convolutions."""
    patch: Count = 48
    """Side in LR pixels of the patches that it sees; larger images are cut into patches that
    overlap by a half."""
    token: Count = 3
    """Side in pixels of what becomes one vector."""
    heads: Count = 12
    """Heads of the attention; checkpoints do not say."""
    layers: Count = 12
    """Layers of the encoder, and as many of the decoder."""
    range: Span = 255.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last."""

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self.features * self.token**2

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.patch % (2 * self.token):
            raise ValueError(
                f"patch: {self.patch} must be an even multiple of the token, {self.token}"
            )
        if self.width % self.heads:
            raise ValueError(
                f"heads: {self.heads} cannot share the {self.width} numbers of a vector"
            )
        return self
