"""Settings of BSRGAN's two chains."""

from __future__ import annotations

import math
from typing import Literal, Self

from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.ranges import (
    PUBLISHED_DIRECTIONS,
    PUBLISHED_MODES,
    THREE_METHODS,
    Angles,
    Directions,
    Factors,
    Methods,
    Modes,
    Probability,
    Qualities,
    Sigmas,
    Sizes,
    Variances,
    WholeLevels,
)


class BsrganConfig(DegraderBase):
    """BSRGAN (Zhang et al. 2021): blur twice, downscale, noise and JPEG in random order, JPEG last.

    Where a default is none the published value depends on the scale s at hand: the recipe's, or 2
    after halving.
    """

    kind: Literal["bsrgan"] = "bsrgan"
    """Which degrader."""
    chain: Literal["bsrgan", "plus"] = "bsrgan"
    """`bsrgan`: the seven shuffled ops of the paper; `plus`: the thirteen ops of the later,
    stronger chain."""
    blur_size: Sizes = (7, 25)
    """Smallest and largest side of a blur kernel, in pixels, odd."""
    anisotropic: Probability = 0.5
    """Probability that a blur kernel is an ellipse."""
    variance: Variances | None = None
    """Variances along both axes of an anisotropic kernel, in pixels squared; none takes [0, 4 +
    s]."""
    angle: Angles | None = None
    """Direction of the first axis of an anisotropic kernel, in radians; none takes [0, pi]."""
    sigma: Sigmas | None = None
    """Width of an isotropic kernel, in pixels; none takes 0 to 2 + 0.2 s."""
    methods: Methods = THREE_METHODS
    """Weights of the interpolations of every resize."""
    noise: WholeLevels = (2, 25)
    """Level of Gaussian and speckle noise, in intensity levels, whole numbers; correlated noise
    always has the largest."""
    noise_modes: Modes = PUBLISHED_MODES
    """Weights of the ways in which the channels of Gaussian and speckle noise hang together."""
    jpeg_quality: Qualities = (30, 95)
    """Quality of every JPEG."""
    jpeg: Probability | None = None
    """Probability of the JPEG in the chain (the one at the end is always there); none takes 0.9 in
    bsrgan, 1 in plus."""
    camera: Probability = 0.0
    """Probability of sensor noise (back to raw, shot and read noise, developed) wherever the chain
    has a place for it; the published chains need a model that they do not bring (0.25 and 0.1 with
    one), so it is off."""

    in_order: Probability = 0.0
    """Chain bsrgan: probability that the ops come in the order in which a camera works (blurs,
    downscaling, noise, JPEG) instead of any; the published chain has no such order."""
    halve: Probability = 0.25
    """Chain bsrgan at scale 4: probability that the image is halved first and degraded by 2 from
    there."""
    halve_matlab: Probability = 0.5
    """Chain bsrgan: probability that this halving is MATLAB's bicubic instead of one of
    `methods`."""
    kernel_reduction: Probability = 0.25
    """Chain bsrgan: probability that the first downscaling is a Gaussian kernel and every s-th
    pixel, not a resize."""
    reduction: Factors | None = None
    """Chain bsrgan: how many times the first resize downscales; none takes [1, 2 s]. The second
    resize leads to the LR's size."""
    reduction_sigma: Sigmas | None = None
    """Chain bsrgan: width of the kernel of that Gaussian downscaling, in pixels; none takes [0.1,
    0.6 s]."""
    reduction_size: Sizes = (25, 25)
    """Chain bsrgan: side of that kernel, in pixels, odd."""

    sharpen: bool = True
    """Chain plus: start from the HR sharpened by an unsharp mask; the stored HR stays as it is."""
    shuffle: Probability = 0.5
    """Chain plus: probability that all thirteen ops are shuffled (0.1 in later training options);
    else only the noises are, among themselves."""
    directions: Directions = PUBLISHED_DIRECTIONS
    """Chain plus: weights of what a resize does."""
    up: Factors = (1, 2)
    """Chain plus: factor of a resize that upscales."""
    down: Factors | None = None
    """Chain plus: factor of a resize that downscales; none takes [0.5 / s, 1]."""
    poisson: Probability = 0.1
    """Chain plus: probability of each of the two Poisson noises."""
    photons: Factors = (100, 10_000)
    """Chain plus: photons at white of Poisson noise, log-uniform."""
    poisson_grey: Probability = 0.5
    """Chain plus: probability that Poisson noise is that of the luminance, the same in all
    channels."""
    speckle: Probability = 0.1
    """Chain plus: probability of each of the two speckle noises."""

    def filled(self, s: int) -> Self:
        """The same with the published value in place of every none, for the scale `s` at hand."""
        published = {
            "variance": (0.0, 4.0 + s),
            "angle": (0.0, math.pi),
            "sigma": (0.0, 2.0 + 0.2 * s),
            "jpeg": 0.9 if self.chain == "bsrgan" else 1.0,
            "reduction": (1.0, 2.0 * s),
            "reduction_sigma": (0.1, 0.6 * s),
            "down": (0.5 / s, 1.0),
        }
        missing = {name: value for name, value in published.items() if getattr(self, name) is None}
        return self.model_copy(update=missing)
