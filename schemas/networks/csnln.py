"""Settings of `models/archs/csnln.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pairmill.schemas.networks.base import DIV2K_MEAN, Level, NetworkBase, Span


class CsnlnConfig(NetworkBase):
    """CSNLN (Mei et al. 2020): one cell, many times, that looks for each place of the image in the
    same image at a smaller size, and takes the larger one from there.
    """

    arch: Literal["csnln"] = "csnln"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range", "mean")
    """See `NetworkBase.untold`."""
    scales: ClassVar[tuple[int, ...]] = (2, 3, 4)
    """Scales that it is built for."""
    features: Annotated[int, Field(ge=2, le=1024, multiple_of=2)] = 128
    """Channels between the layers."""
    recurrences: Annotated[int, Field(ge=2, le=64)] = 12
    """How often the cell is used; all that it finds is taken together."""
    range: Span = 1.0
    """What the network counts white as."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""
