"""What the settings of networks share that were published for luma."""

from __future__ import annotations

from pairmill.schemas.networks.base import NetworkBase


class LumaBase(NetworkBase):
    """Settings of a network for three colours, or for luma as published."""

    luma: bool = False
    """Whether the network upscales luma alone, as published; then the colours are upscaled by
    bicubic."""
