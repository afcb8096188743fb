"""Ranges, probabilities and weights that the settings of several degraders are made of."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from pairmill.schemas.ops.blur import Sigma

N = TypeVar("N", int, float)
K = TypeVar("K", bound=str)


def ordered(bounds: tuple[N, N]) -> tuple[N, N]:
    """Check that a range is [least, largest]."""
    if bounds[0] > bounds[1]:
        raise ValueError(f"a range is [least, largest], got [{bounds[0]}, {bounds[1]}]")
    return bounds


def some_weight(weights: dict[K, float]) -> dict[K, float]:
    """Check that something can be drawn."""
    if not any(weights.values()):
        raise ValueError("at least one weight must be above 0")
    return weights


def odd(bounds: tuple[int, int]) -> tuple[int, int]:
    """Check that both ends are odd."""
    if bounds[0] % 2 == 0 or bounds[1] % 2 == 0:
        raise ValueError(f"sizes are odd, got [{bounds[0]}, {bounds[1]}]")
    return bounds


Probability = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0)]
"""A weight, relative to the others next to it."""

Sigmas = Annotated[tuple[Sigma, Sigma], AfterValidator(ordered)]
"""Widths of a kernel, in pixels."""
Variances = Annotated[tuple[NotNegative, NotNegative], AfterValidator(ordered)]
"""Variances of a kernel, in pixels squared."""
Levels = Annotated[
    tuple[Annotated[float, Field(ge=0, le=255)], Annotated[float, Field(ge=0, le=255)]],
    AfterValidator(ordered),
]
"""Standard deviations of noise, in intensity levels."""
_Whole = Annotated[int, Field(ge=0, le=255)]
WholeLevels = Annotated[tuple[_Whole, _Whole], AfterValidator(ordered)]
"""Standard deviations of noise, in intensity levels, of which whole numbers are drawn."""
NotNegatives = Annotated[tuple[NotNegative, NotNegative], AfterValidator(ordered)]
Factors = Annotated[tuple[Positive, Positive], AfterValidator(ordered)]
"""Factors on the sides of an image, or photons."""
Betas = Annotated[
    tuple[Annotated[float, Field(gt=0, le=20)], Annotated[float, Field(gt=0, le=20)]],
    AfterValidator(ordered),
]
"""Exponents of a kernel shape."""
_Size = Annotated[int, Field(ge=1, le=65)]
Sizes = Annotated[tuple[_Size, _Size], AfterValidator(ordered), AfterValidator(odd)]
"""Sides of a kernel, in pixels; odd ones are drawn."""
_Angle = Annotated[float, Field(ge=-6.283186, le=6.283186)]
Angles = Annotated[tuple[_Angle, _Angle], AfterValidator(ordered)]
"""Directions of a kernel's first axis, in radians."""
_Cutoff = Annotated[float, Field(gt=0, le=3.1416)]
Cutoffs = Annotated[tuple[_Cutoff, _Cutoff], AfterValidator(ordered)]
"""Cut-off frequencies, in radians per pixel."""
_Quality = Annotated[int, Field(ge=1, le=100)]
Qualities = Annotated[tuple[_Quality, _Quality], AfterValidator(ordered)]
"""Qualities on libjpeg's scale; integers are drawn."""

Modes = Annotated[dict[Literal["colour", "grey", "correlated"], Share], AfterValidator(some_weight)]
"""Weights of the ways in which the channels of noise hang together."""
Methods = Annotated[
    dict[Literal["bilinear", "bicubic", "area", "matlab_bicubic", "nearest"], Share],
    AfterValidator(some_weight),
]
"""Weights of the interpolations."""
Directions = Annotated[dict[Literal["up", "down", "keep"], Share], AfterValidator(some_weight)]
"""Weights of upscaling, downscaling, and leaving the size."""
Shapes = Annotated[
    dict[
        Literal[
            "isotropic",
            "anisotropic",
            "generalised_isotropic",
            "generalised_anisotropic",
            "plateau_isotropic",
            "plateau_anisotropic",
        ],
        Share,
    ],
    AfterValidator(some_weight),
]
"""Weights of the shapes of kernels."""

THREE_METHODS: Methods = {"bilinear": 1.0, "bicubic": 1.0, "area": 1.0}
"""OpenCV's and torch's interpolations, as often each."""
PUBLISHED_MODES: Modes = {"colour": 0.4, "grey": 0.4, "correlated": 0.2}
"""BSRGAN's."""
PUBLISHED_DIRECTIONS: Directions = {"up": 0.2, "down": 0.7, "keep": 0.1}
"""BSRGAN's, and Real-ESRGAN's first."""
SECOND_DIRECTIONS: Directions = {"up": 0.3, "down": 0.4, "keep": 0.3}
"""Real-ESRGAN's second."""
PUBLISHED_SHAPES: Shapes = {
    "isotropic": 0.45,
    "anisotropic": 0.25,
    "generalised_isotropic": 0.12,
    "generalised_anisotropic": 0.03,
    "plateau_isotropic": 0.12,
    "plateau_anisotropic": 0.03,
}
"""Real-ESRGAN's."""
EPSILON = 1e-4
"""Smallest variance of a kernel, in pixels squared: below it a covariance is singular, and the
kernel is a pulse anyway."""
