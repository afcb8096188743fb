"""Settings of Real-ESRGAN's second-order degradation."""

from __future__ import annotations

import math
from typing import Literal

from pairmill.schemas.base import Frozen
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.ranges import (
    PUBLISHED_DIRECTIONS,
    PUBLISHED_SHAPES,
    SECOND_DIRECTIONS,
    THREE_METHODS,
    Angles,
    Betas,
    Cutoffs,
    Directions,
    Factors,
    Levels,
    Methods,
    NotNegatives,
    Probability,
    Qualities,
    Shapes,
    Sigmas,
    Sizes,
)


class FirstOrder(Frozen):
    """Blur, resize, noise, JPEG: the first order, with its published defaults."""

    blur: Probability = 1.0
    """Probability of the blur."""
    blur_size: Sizes = (7, 21)
    """Smallest and largest side of the kernel, in pixels, odd."""
    sinc: Probability = 0.1
    """Probability that the kernel is a sinc filter."""
    sinc_cutoff: Cutoffs = (1.047198, 3.141593)
    """Cut-off of a sinc filter of less than 13 pixels, in radians per pixel: [pi / 3, pi]."""
    sinc_cutoff_large: Cutoffs = (0.628319, 3.141593)
    """Cut-off of a sinc filter of 13 pixels or more: [pi / 5, pi]."""
    shapes: Shapes = PUBLISHED_SHAPES
    """Weights of the other shapes."""
    sigma: Sigmas = (0.2, 3.0)
    """Width of the kernel along each axis, in pixels."""
    angle: Angles = (-math.pi, math.pi)
    """Direction of the first axis of an anisotropic kernel, in radians."""
    beta_pointed: Betas = (0.5, 1.0)
    """Exponent of one half of the generalised Gaussians."""
    beta_flat: Betas = (1.0, 4.0)
    """Exponent of the other half."""
    beta_plateau: Betas = (1.0, 2.0)
    """Exponent of one half of the plateaus; that of the other is the least."""
    directions: Directions = PUBLISHED_DIRECTIONS
    """Weights of what the resize does."""
    up: Factors = (1.0, 1.5)
    """Factor of a resize that upscales, relative to the HR."""
    down: Factors = (0.15, 1.0)
    """Factor of a resize that downscales, relative to the HR."""
    gaussian: Probability = 0.5
    """Probability that the noise is Gaussian; else it is Poisson's."""
    gaussian_sigma: Levels = (1.0, 30.0)
    """Standard deviation of Gaussian noise, in intensity levels."""
    poisson_strength: NotNegatives = (0.05, 3.0)
    """Factor on Poisson noise."""
    grey: Probability = 0.4
    """Probability that the noise is the same in all channels."""
    jpeg_quality: Qualities = (30, 95)
    """Quality of the JPEG."""


class SecondOrder(FirstOrder):
    """Blur, resize, noise, JPEG: the second order, with its published defaults."""

    blur: Probability = 0.8
    """Probability of the blur."""
    sigma: Sigmas = (0.2, 1.5)
    """Width of the kernel along each axis, in pixels."""
    directions: Directions = SECOND_DIRECTIONS
    """Weights of what the resize does."""
    up: Factors = (1.0, 1.2)
    """Factor of a resize that upscales, relative to the LR."""
    down: Factors = (0.3, 1.0)
    """Factor of a resize that downscales, relative to the LR."""
    gaussian_sigma: Levels = (1.0, 25.0)
    """Standard deviation of Gaussian noise, in intensity levels."""
    poisson_strength: NotNegatives = (0.05, 2.5)
    """Factor on Poisson noise."""


class RealEsrganConfig(DegraderBase):
    """Real-ESRGAN (Wang et al. 2021): twice blur, resize, noise and JPEG, with a sinc filter at the
    end.

    Everything is drawn per sample; the published loader draws resizes, noise distributions and the
    last order once per batch.
    """

    kind: Literal["realesrgan"] = "realesrgan"
    """Which degrader."""
    sharpen: bool = True
    """Start from the HR sharpened by an unsharp mask, as the published target is; the stored HR
    stays as it is."""
    first: FirstOrder = FirstOrder()
    """The first order."""
    second: SecondOrder = SecondOrder()
    """The second order."""
    methods: Methods = THREE_METHODS
    """Weights of the interpolations of every resize."""
    final_sinc: Probability = 0.8
    """Probability of the sinc filter at the end."""
    final_sinc_size: Sizes = (7, 21)
    """Smallest and largest side of that filter, in pixels, odd."""
    final_sinc_cutoff: Cutoffs = (1.047198, 3.141593)
    """Cut-off of that filter, in radians per pixel: [pi / 3, pi]."""
    jpeg_last: Probability = 0.5
    """Probability that the last JPEG comes after the resize to LR and the sinc filter, not before
    them."""
