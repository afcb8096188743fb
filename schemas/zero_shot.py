"""Settings of methods that upscale an image with nothing but that image, and what they cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Frozen
from pairmill.schemas.dip import DipConfig


class ZeroShotBase(Frozen):
    """What all these methods are told."""

    scale: Literal[2, 3, 4] = 2
    """HR side over LR side."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """What is random follows from it."""
    noise: float = Field(default=0.0, ge=0, le=50)
    """Standard deviation of the noise that the images have, in intensity levels."""


class ZssrConfig(ZeroShotBase):
    """ZSSR (Shocher et al. 2018): a network learns to undo the downscaling of the image itself."""

    method: Literal["zssr"] = "zssr"
    """Which method."""
    features: int = Field(default=64, ge=1, le=256)
    """Channels between convolutions."""
    layers: int = Field(default=8, ge=2, le=32)
    """Convolutions of 3 x 3."""
    crop: int = Field(default=48, ge=16, le=512)
    """Side of what a step learns from, in pixels of the image."""
    rate: float = Field(default=1e-3, gt=0, le=0.1)
    """Initial step size of Adam; it falls by 10 whenever the error falls no more."""
    max_steps: int = Field(default=3000, ge=1, le=100_000)
    """Most steps, if the step size has not fallen enough before."""
    reach: int = Field(default=5, ge=0, le=12)
    """Pixels of the image on each side that the linear start sees; with 0 there is none."""


class DipBase(ZeroShotBase):
    """What deep image priors are told; noise 0 is measured in the flattest parts of an image."""

    fit: DipConfig = DipConfig()
    """How the network is fitted; its `noise` is that of above."""


class DipUpscale(DipBase):
    """DIP (Ulyanov et al. 2018): the structure of a network is what is known of images."""

    method: Literal["dip"] = "dip"
    """Which method."""


class DoubleDipUpscale(DipBase):
    """Double-DIP (Ren et al. 2020): a second network makes the kernel."""

    method: Literal["double-dip"] = "double-dip"
    """Which method."""


class DipFkpUpscale(DipBase):
    """DIP-FKP (Liang et al. 2021): a flow that knows Gaussians makes the kernel."""

    method: Literal["dip-fkp"] = "dip-fkp"
    """Which method."""
    flow: str = ""
    """SHA-256 of the checkpoint of the flow."""


class DpirUpscale(ZeroShotBase):
    """DPIR (Zhang et al. 2021): steps towards what explains the image under the kernel, exact, and
    between them denoisers that know what images are like.
    """

    method: Literal["dpir"] = "dpir"
    """Which method."""
    steps: int = Field(default=24, ge=1, le=1000)
    """Pairs of a data step and a denoiser."""
    denoisers: str = ""
    """SHA-256 of the checkpoints of the denoisers."""


ZeroShotConfig = ZssrConfig | DipUpscale | DoubleDipUpscale | DipFkpUpscale | DpirUpscale
ZERO_SHOT: dict[str, type[ZeroShotConfig]] = {
    "zssr": ZssrConfig,
    "dip": DipUpscale,
    "double-dip": DoubleDipUpscale,
    "dip-fkp": DipFkpUpscale,
    "dpir": DpirUpscale,
}
"""Settings by method: what `--method` may say."""


class ZeroShotCost(Frozen):
    """What a run will take, stated before it starts."""

    least_seconds: float
    """If every image is done as early as it can be."""
    most_seconds: float
    """If every image takes as long as it may."""
    memory: int
    """Largest amount of memory besides the program's own, in bytes, about."""
