"""Settings of `models/archs/swinir.py`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.networks.base import Count, NetworkBase, Span


class SwinIrConfig(NetworkBase):
    """SwinIR (Liang et al. 2021). The defaults are the classical network (M); the light one has
    depths and heads (6, 6, 6, 6), 60 features and the upsampler `pixelshuffledirect`; real-world
    ones have `nearest+conv`.
    """

    arch: Literal["swinir"] = "swinir"
    """Name of the network."""
    untold: ClassVar[tuple[str, ...]] = ("range",)
    """See `NetworkBase.untold`."""
    features: Count = 180
    """Channels between the layers; a multiple of every number of heads."""
    depths: tuple[Count, ...] = Field(default=(6, 6, 6, 6, 6, 6), min_length=1, max_length=32)
    """Transformer blocks of each group; every second one looks at shifted windows."""
    heads: tuple[Count, ...] = Field(default=(6, 6, 6, 6, 6, 6), min_length=1, max_length=32)
    """Attention heads of each group's blocks."""
    window: int = Field(default=8, ge=2, le=64)
    """Side of a window of attention, in LR pixels. Images are mirrored to fill the last ones."""
    mlp_ratio: float = Field(default=2.0, gt=0, le=16)
    """Width of the layer between a block's two linear layers, in features."""
    upsampler: Literal["pixelshuffle", "pixelshuffledirect", "nearest+conv"] = "pixelshuffle"
    """How the image gets large: in steps with features, at once (light), or by repeated pixels
    and convolutions (real-world; scales 2 and 4)."""
    residual: Literal["1conv", "3conv"] = "1conv"
    """What ends a group: one convolution, or three with a quarter of the features in between
    (SwinIR-L)."""
    patch: int = Field(default=64, ge=3, le=1024)
    """Side in LR pixels that the masks of shifted windows in the checkpoint are for, a multiple of
    the window and larger: that of the training patches. Other sizes work too; their masks are made
    when they come."""
    range: Span = 1.0
    """What the network counts white as."""

    def problem(self, scale: int) -> str | None:
        """See `NetworkBase.problem`."""
        if self.upsampler == "nearest+conv" and scale not in (2, 4):
            return (
                f"swinir with upsampler nearest+conv cannot be built for scale {scale}: it "
                "works for 2 and 4"
            )
        return super().problem(scale)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.depths) != len(self.heads):
            raise ValueError(
                f"heads: {len(self.heads)} numbers for the {len(self.depths)} groups of depths; "
                "one each is wanted"
            )
        odd = [count for count in self.heads if self.features % count]
        if odd:
            raise ValueError(
                f"features: {self.features} cannot be shared by {odd[0]} heads; a multiple is "
                "wanted"
            )
        if self.patch <= self.window or self.patch % self.window:
            raise ValueError(
                f"patch: {self.patch} must be a multiple of the window, {self.window}, and larger"
            )
        return self
