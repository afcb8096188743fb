"""Settings of `models/archs/ircnn.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.base import Grown
from pairmill.schemas.networks.base import SCALES, Count, NetworkBase


class IrcnnConfig(NetworkBase, Grown):
    """IRCNN (Zhang et al. 2017): dilated convolutions that find the noise; the denoiser of
    plug-and-play restoration at scale 1, over the bicubic upscaling at others.
    """

    added: ClassVar[tuple[str, ...]] = ("grey",)
    arch: Literal["ircnn"] = "ircnn"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (1, *SCALES)
    """Scales that it is built for; 1 is the published denoiser."""
    features: Count = 64
    """Channels between the convolutions."""
    grey: bool = False
    """Whether it sees one channel, as the published networks of grey images, and so cleans red,
    green and blue apart."""
