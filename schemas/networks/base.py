"""What the settings of all networks share."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from pairmill.schemas.base import Frozen

Count = Annotated[int, Field(ge=1, le=1024)]
Level = Annotated[float, Field(ge=0, le=1)]
Span = Annotated[float, Field(gt=0, le=65535)]
Side = Annotated[int, Field(ge=1, le=31)]
SCALES = (2, 3, 4, 8)
"""Scales that pairmill makes corpora and trains networks for; some networks have scale 1 too."""
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean red, green and blue of DIV2K in [0, 1], which published EDSR, RCAN and SwinIR take away from
their input."""


class NetworkBase(Frozen):
    """Settings of one network: what `pairmill.models.archs.build` needs besides the scale."""

    arch: str
    """Which network."""
    scales: ClassVar[tuple[int, ...]] = SCALES
    """Scales that it is built for."""

    def problem(self, scale: int) -> str | None:
        """Why it cannot be built for this scale; none if it can."""
        if scale in self.scales:
            return None
        return f"{self.arch} cannot be built for scale {scale}: it works for {_listed(self.scales)}"

    def words(self) -> str:
        """The network on one line, for tables: its name and what differs from the published
        settings.
        """
        plain = type(self).model_validate({})
        other = [f"{name} {_short(value)}" for name, value in self if value != getattr(plain, name)]
        return ", ".join([self.arch, *other])


def check_squeeze(features: int, squeeze: int) -> None:
    """That an attention which has `squeeze` times fewer channels in its middle has any.

    Raises:
        ValueError: if it has none.
    """
    if features < squeeze:
        raise ValueError(
            f"squeeze: {squeeze} leaves nothing of {features} features; at most {features}"
        )


class LumaOption(NetworkBase):
    """Settings of a network that was published for luma."""

    luma: bool = False
    """Whether the network upscales luma alone, as published; then the colours are upscaled by
    bicubic."""


class HeadsOption(NetworkBase):
    """Settings of a network that can have a head for each of several scales; what it is built for
    says which one is used.
    """

    heads: tuple[int, ...] = ()
    """Scales that it has layers for, rising; none: for the one that it is built for."""

    @field_validator("heads")
    @classmethod
    def _several(cls, heads: tuple[int, ...]) -> tuple[int, ...]:
        if len(heads) == 1 or list(heads) != sorted(set(heads) & set(SCALES)):
            raise ValueError(f"{list(heads)}: want none, or at least two of {SCALES}, rising")
        return heads

    def problem(self, scale: int) -> str | None:
        """See `NetworkBase`."""
        if scale in (self.heads or self.scales):
            return None
        works = _listed(self.heads or self.scales)
        return f"{self.arch} cannot be built for scale {scale}: it works for {works}"

    def head(self, scale: int) -> int:
        """Number of the head for a scale, from 0."""
        return self.heads.index(scale) if self.heads else 0


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, NetworkBase):
        return f"({value.words()})"
    return str(value)
