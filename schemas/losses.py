"""Losses that a network is trained by: what each compares, and how much it counts."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders.ranges import NotNegative, some_weight

Distance = Literal["l1", "l2", "norm"]
"""Mean absolute difference; mean squared difference; root of the sum of squares, divided by their
number (as the papers write the content and the cycle loss: it falls with the size of the patch)."""
VggLayer = Literal[
    "conv1_1",
    "conv1_2",
    "conv2_1",
    "conv2_2",
    "conv3_1",
    "conv3_2",
    "conv3_3",
    "conv3_4",
    "conv4_1",
    "conv4_2",
    "conv4_3",
    "conv4_4",
    "conv5_1",
    "conv5_2",
    "conv5_3",
    "conv5_4",
]
LAST_LAYER: dict[VggLayer, float] = {"conv5_4": 1.0}
VggLayers = Annotated[dict[VggLayer, NotNegative], AfterValidator(some_weight)]


def _odd(side: int) -> int:
    if side and side % 2 == 0:
        raise ValueError(f"a mean filter has an odd side, or is off with 0; got {side}")
    return side


FilterSide = Annotated[int, Field(ge=0, le=65), AfterValidator(_odd)]
"""Side of a mean filter, in pixels; 0 for none."""


class LossBase(Frozen):
    """One term of the sum that is minimised."""

    loss: str
    """Which loss."""
    weight: float = Field(default=1.0, ge=0)
    """Factor of this term; 0 turns it off."""


class PixelBase(LossBase):
    """A term that compares pixels."""

    low_pass: FilterSide = 0
    """Side of a mean filter that SR and HR go through before, odd, in pixels; 0 for none. FSSR: 9.
    """


class L1Config(PixelBase):
    """Mean absolute difference of SR and HR."""

    loss: Literal["l1"] = "l1"
    """Name of the loss."""


class L2Config(PixelBase):
    """Mean squared difference of SR and HR."""

    loss: Literal["l2"] = "l2"
    """Name of the loss."""


class CharbonnierConfig(PixelBase):
    """Mean of sqrt(d^2 + epsilon^2), d the difference of SR and HR: L1 that is smooth at 0
    (Charbonnier et al. 1994).
    """

    loss: Literal["charbonnier"] = "charbonnier"
    """Name of the loss."""
    epsilon: float = Field(default=1e-6, gt=0, le=1)
    """Difference below which it is smooth; images lie in [0, 1]."""


class ContentConfig(LossBase):
    """Distance of VGG-19's features of SR and HR, before ReLU (Johnson et al. 2016; ESRGAN)."""

    loss: Literal["content"] = "content"
    """Name of the loss."""
    vgg_weights: str
    """File of torchvision's VGG-19, .pth or .safetensors; a relative path counts from the
    recipe."""
    layers: VggLayers = Field(default_factory=lambda: dict(LAST_LAYER))
    """Layers that are compared, and their weights; without, `conv5_4` as ESRGAN. Real-ESRGAN:
    conv1_2 and conv2_2 at 0.1, conv3_4, conv4_4 and conv5_4 at 1.
    """
    distance: Distance = "l1"
    """How features are compared."""


class StyleConfig(LossBase):
    """Distance of the Gram matrices of VGG-19's features (Gatys et al. 2016)."""

    loss: Literal["style"] = "style"
    """Name of the loss."""
    vgg_weights: str
    """File of torchvision's VGG-19, .pth or .safetensors; a relative path counts from the
    recipe."""
    layers: VggLayers = Field(default_factory=lambda: dict(LAST_LAYER))
    """Layers that are compared, and their weights."""
    distance: Distance = "l1"
    """How Gram matrices are compared."""


class GanConfig(LossBase):
    """The discriminator's judgement; needs a discriminator. The weight counts for the network, not
    for the discriminator.
    """

    loss: Literal["gan"] = "gan"
    """Name of the loss."""
    form: Literal["vanilla", "lsgan", "hinge", "wgan", "wgan_softplus", "relativistic"] = "vanilla"
    """`vanilla`: cross-entropy (Goodfellow et al. 2014); `lsgan`: squared distance to 1 and 0 (Mao
    et al. 2017); `hinge` (Miyato et al. 2018); `wgan`: means (Arjovsky et al. 2017);
    `wgan_softplus`: the same, bounded (StyleGAN2); `relativistic`: is the real one more real than
    the fake ones are on average (Jolicoeur-Martineau 2019; ESRGAN, RealSR).
    """
    high_pass: FilterSide = 0
    """Side of a mean filter, odd, in pixels: the discriminator sees what it leaves; 0 for all of
    the image. FSSR: 9."""


class TvConfig(LossBase):
    """Total variation of SR: how much neighbours differ (Rudin et al. 1992)."""

    loss: Literal["tv"] = "tv"
    """Name of the loss."""
    form: Literal["anisotropic", "isotropic"] = "anisotropic"
    """`anisotropic`: mean |dx| + mean |dy|; `isotropic`: mean of sqrt(dx^2 + dy^2)."""


class CycleConfig(LossBase):
    """SR, downscaled again by MATLAB's bicubic, against the LR that it came from."""

    loss: Literal["cycle"] = "cycle"
    """Name of the loss."""
    distance: Distance = "l1"
    """How the two LR images are compared."""


AnyLoss = (
    L1Config
    | L2Config
    | CharbonnierConfig
    | ContentConfig
    | StyleConfig
    | GanConfig
    | TvConfig
    | CycleConfig
)
LossConfig = Annotated[AnyLoss, Field(discriminator="loss")]
LOSS_CONFIGS: dict[str, type[LossBase]] = {
    config.model_fields["loss"].default: config for config in get_args(AnyLoss)
}
"""Settings by loss."""
