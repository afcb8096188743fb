"""What the settings of all networks share."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

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
    labelled: ClassVar[bool] = False
    """Whether it learns from how each LR was made."""
    taught: ClassVar[bool] = False
    """Whether it learns so by a loss of its own, and is told nothing but the LR afterwards."""

    untold: ClassVar[tuple[str, ...]] = ()
    """Settings that change the result and that no weights show: of a file without a header they are
    taken as published, or as its names say."""

    def assumed(self) -> str:
        """The settings that weights do not show, on one line, such as `units 25`; empty if they
        show all.
        """
        return ", ".join(f"{name} {_short(getattr(self, name))}" for name in self.untold)

    def problem(self, scale: int) -> str | None:
        """Why it cannot be built for this scale; none if it can."""
        if scale in self.scales:
            return None
        return f"{self.arch} cannot be built for scale {scale}: it works for {_listed(self.scales)}"

    def heads_at(self, scale: int) -> tuple[int, ...]:
        """All scales, rising, of the network that is built for this one; mostly it alone."""
        return (scale,)

    def active(self, scale: int, share: float) -> tuple[int, ...]:  # noqa: ARG002
        """Scales that training draws from.

        Args:
            scale: that the network is built for.
            share: of the steps that are made, in [0, 1).
        """
        return self.heads_at(scale)

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


class HeadsBase(NetworkBase):
    """Settings of a network that may have several scales: one body, and layers of each scale."""

    heads: tuple[Annotated[int, Field(ge=2, le=8)], ...] = ()
    """Scales of one network, rising, each trained on a corpus of its own; empty for one scale,
    that of the corpus."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.heads) != sorted(set(self.heads)) or len(self.heads) == 1:
            raise ValueError(f"heads: several scales that rise, or none, got {list(self.heads)}")
        if strange := set(self.heads) - set(self.scales):
            raise ValueError(
                f"heads: {self.arch} works for {_listed(self.scales)}, got {min(strange)}"
            )
        return self

    def heads_at(self, scale: int) -> tuple[int, ...]:
        """See `NetworkBase`."""
        return self.heads or (scale,)

    def problem(self, scale: int) -> str | None:
        """See `NetworkBase`."""
        works = self.heads or self.scales
        if scale in works:
            return None
        return f"{self.arch} cannot be built for scale {scale}: it works for {_listed(works)}"


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
