"""The networks of translators: those that degrade or clean, and those that judge."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Frozen


class GeneratorConfig(Frozen):
    """A network of residual blocks that adds what it has learned to the clean LR."""

    features: int = Field(default=16, ge=4, le=256)
    """Channels between the layers."""
    blocks: int = Field(default=2, ge=0, le=32)
    """Residual blocks of two 3 x 3 convolutions each."""
    noise: Literal["none", "channel", "vector", "grain"] = "grain"
    """Random numbers it gets: none, so that one HR has one LR; `channel`, some for every LR pixel,
    beside its image; `vector`, some for the whole image; `grain`, some for every LR pixel, filtered
    by 3 x 3 weights, times the strength that noise has on this image, added to LR."""
    numbers: int = Field(default=3, ge=1, le=256)
    """How many, per LR pixel or per image; standard normal."""
    start: Literal["identity", "random"] = "identity"
    """`identity`: the last layer starts at 0, so that the fit starts from the clean LR."""


STRIDES: tuple[Literal[1, 2], ...] = (1, 2, 2)


class DiscriminatorConfig(Frozen):
    """Convolutions that judge every place of an LR image (a patch discriminator)."""

    features: tuple[int, ...] = Field(default=(16, 32, 32), min_length=1, max_length=8)
    """Channels after each convolution but the last, which gives one judgement per place."""
    side: Literal[3, 4, 5] = 3
    """Side of the filters."""
    last: Literal[1, 3, 4, 5] = 3
    """Side of the last one."""
    strides: tuple[Literal[1, 2], ...] = STRIDES
    """Stride of each, from the first on; 1 where there are more."""
    norm: Literal["none", "instance", "batch"] = "none"
    """Normalisation after each but the first and the last; it hides how strong noise is."""
    residual: Literal["none", "beside", "only"] = "only"
    """Whether it sees what a mean filter takes away: not, beside the image, or nothing else, as
    DSGAN. With few images it otherwise knows the real ones by their colours, and LR drift there."""
    filter: Literal["average", "gaussian"] = "average"
    """The mean filter; `gaussian` has a standard deviation of a sixth of its side."""
    filter_side: Literal[3, 5, 7, 9] = 3
    """Side of the mean filter, in LR pixels."""
    gain: float = Field(default=6.0, gt=0)
    """Factor on what the mean filter takes away."""
    whole: bool = True
    """Whether the mean of its features over the crop is judged too: noise and blur are alike all
    over it."""
    penalty: float = Field(default=1e-3, ge=0)
    """Weight of the penalty on its slope at real images (as R1, Mescheder et al. 2018, but the mean
    over samples of the slope of all judgements together); not for `wgan_gp`."""
    gradient_penalty: float = Field(default=10.0, gt=0)
    """Weight of the penalty of `wgan_gp` on slopes other than 1 (Gulrajani et al. 2017)."""

    @model_validator(mode="after")
    def _strides_of_something(self) -> Self:
        """The default may be longer: whoever gives `features` alone means as many of it."""
        if len(self.strides) > len(self.features) and self.strides != STRIDES:
            raise ValueError(
                f"discriminator.strides are {len(self.strides)}, more than the"
                f" {len(self.features)} convolutions of discriminator.features; leave some out"
            )
        return self

    def places(self, side: int) -> int:
        """Judgements along an image of `side` pixels; 0 or less where it is too small."""
        for number, _ in enumerate(self.features):
            stride = self.strides[number] if number < len(self.strides) else 1
            side = _convolved(side, self.side, stride)
            if side < 1 or (self.norm == "instance" and number and side < 2):
                return 0
        return _convolved(side, self.last, 1)


def _convolved(side: int, kernel: int, stride: int) -> int:
    return (side + 2 * ((kernel - 1) // 2) - kernel) // stride + 1
