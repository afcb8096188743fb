"""Settings of `models/archs/edsr.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.base import Grown
from pairmill.schemas.networks.base import DIV2K_MEAN, Count, Level, NetworkBase, Span


class EdsrConfig(NetworkBase, Grown):
    """EDSR (Lim et al. 2017). The defaults are the baseline (M); the large one (L): 256 features,
    32 blocks, residuals x 0.1.
    """

    added: ClassVar[tuple[str, ...]] = ("separable",)
    arch: Literal["edsr"] = "edsr"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("residual_scale", "range", "mean")
    """See `NetworkBase.untold`."""
    features: Count = 64
    """Channels between the layers."""
    blocks: Count = 16
    """Residual blocks of two convolutions."""
    residual_scale: Level = 1.0
    """Factor of what a block adds."""
    range: Span = 255.0
    """What the network counts white as: the image in [0, 1], less the mean, is multiplied by it,
    and the result divided."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""
    separable: bool = False
    """Whether the convolutions of the blocks are separable: each channel by itself, then all
    channels of each pixel; about an eighth of the weights."""
