"""Settings of the discriminators: one model each; `DiscriminatorConfig` is the union of all, and
the only list of them.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from pairmill.schemas.base import Frozen

Features = Annotated[int, Field(ge=1, le=512)]


class DiscriminatorBase(Frozen):
    """Settings of one discriminator."""

    kind: str
    """Which discriminator."""

    def problem(self, side: int) -> str | None:
        """Why it cannot judge HR patches of side x side pixels; none if it can."""
        raise NotImplementedError


class Vgg128Config(DiscriminatorBase):
    """One judgement per image of a fixed size: five pairs of convolutions, two linear layers
    (SRGAN; ESRGAN).
    """

    kind: Literal["vgg128"] = "vgg128"
    """Name of the discriminator."""
    features: Features = 64
    """Channels of the first convolutions; the others have 2, 4, 8 and 8 times as many."""
    side: Literal[128, 256] = 128
    """Side of the images, in HR pixels; 256 adds a sixth pair of convolutions."""

    def problem(self, side: int) -> str | None:
        """See `DiscriminatorBase.problem`."""
        if side == self.side:
            return None
        return (
            f"discriminator vgg128 judges images of {self.side} x {self.side} only, not of "
            f"{side} x {side}"
        )


class PatchConfig(DiscriminatorBase):
    """One judgement per place, each of 70 x 70 pixels by default: PatchGAN (Isola et al. 2017), as
    RealSR trains with.
    """

    kind: Literal["patch"] = "patch"
    """Name of the discriminator."""
    features: Features = 64
    """Channels of the first convolution; doubled by each further one, up to 8 times."""
    halvings: int = Field(default=3, ge=1, le=5)
    """Convolutions of stride 2; a judgement sees 16, 34, 70, 142 or 286 pixels."""
    norm: Literal["batch", "instance", "spectral", "none"] = "batch"
    """`batch` as RealSR, `spectral` as KAIR, `instance`: over each image for itself."""
    padding: Literal[1, 2] = 1
    """Zeros around each layer's input: 1 as RealSR, 2 as KAIR."""

    @property
    def field(self) -> int:
        """Side of what one judgement sees, in HR pixels."""
        return (9 << self.halvings) - 2

    def places(self, side: int) -> int:
        """Judgements along a side of `side` pixels."""
        for stride in (2,) * self.halvings + (1, 1):
            side = (side + 2 * self.padding - 4) // stride + 1
        return side

    def problem(self, side: int) -> str | None:
        """See `DiscriminatorBase.problem`."""
        if self.places(side) >= 1:
            return None
        least = next(length for length in range(1, 1 << 10) if self.places(length) >= 1)
        return (
            f"discriminator patch, {self.halvings} halvings, needs images of at least "
            f"{least} x {least}, not {side} x {side}"
        )


class UnetConfig(DiscriminatorBase):
    """One judgement per pixel: a U-Net of spectrally normalised convolutions (Real-ESRGAN)."""

    kind: Literal["unet"] = "unet"
    """Name of the discriminator."""
    features: Features = 64
    """Channels at full size; 2, 4 and 8 times as many at a half, a quarter and an eighth of it."""
    skip: bool = True
    """Whether the features of the way down are added on the way up."""

    def problem(self, side: int) -> str | None:
        """See `DiscriminatorBase.problem`."""
        if side % 8 == 0:
            return None
        return f"discriminator unet needs sides that are multiples of 8, got {side}"


AnyDiscriminator = Vgg128Config | PatchConfig | UnetConfig
DiscriminatorConfig = Annotated[AnyDiscriminator, Field(discriminator="kind")]
DISCRIMINATOR_CONFIGS: dict[str, type[DiscriminatorBase]] = {
    config.model_fields["kind"].default: config for config in get_args(AnyDiscriminator)
}
"""Settings by kind."""
