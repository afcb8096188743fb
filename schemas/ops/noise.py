"""Noise that is written out in the program as a law, its parameters and the key of a random
stream.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.ops.base import Counts, OpBase, StreamKey

Mode = Literal["colour", "grey", "correlated"]
"""`colour`: channels are independent; `grey`: the same value in all of them; `correlated`: as a
covariance says."""
Covariance = tuple[
    tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]
]
MOST_VARIANCE = 255.0**2
MOST_PHOTONS = 1e6
SLACK = 1e-6
"""How far below 0, relative to the largest variance, rounding may bring a minor of a covariance."""


class _Modal(OpBase):
    """Noise whose channels hang together in one of three ways."""

    mode: Mode = "colour"
    """How the channels hang together."""
    covariance: Covariance | None = None
    """Covariance of the channels for `correlated`, symmetric and positive semi-definite, in units
    of the noise squared."""
    key: StreamKey
    """Stream that the field is drawn from."""

    @model_validator(mode="after")
    def _covariance_given(self) -> Self:
        if (self.mode == "correlated") != (self.covariance is not None):
            raise ValueError("covariance belongs to mode correlated, and only to it")
        if self.covariance is not None and not _is_covariance(self.covariance):
            raise ValueError(
                "covariance must be symmetric and positive semi-definite, with variances up to "
                "255^2"
            )
        return self


def _is_covariance(m: Covariance) -> bool:
    """Whether all principal minors are at least 0, as a positive semi-definite matrix has them."""
    (a, x, y), (x2, b, z), (y2, z2, c) = m
    largest = max(a, b, c)
    pairs = min(a * b - x * x, a * c - y * y, b * c - z * z)
    whole = a * b * c + 2 * x * y * z - a * z * z - b * y * y - c * x * x
    symmetric = (x, y, z) == (x2, y2, z2) and 0 <= min(a, b, c) <= largest <= MOST_VARIANCE
    return symmetric and pairs >= -SLACK * largest**2 and whole >= -SLACK * largest**3


class GaussianNoise(_Modal):
    """Add normal noise. It does not clip."""

    op: Literal["gaussian_noise"] = "gaussian_noise"
    """Name of the op."""
    sigma: float = Field(ge=0, le=255)
    """Standard deviation, in intensity levels; 0 for `correlated`, where the covariance (in
    intensity levels squared) stands instead."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"Gaussian noise, {self.mode}" + (
            f", sigma {self.sigma:.1f}" if self.mode != "correlated" else ""
        )


class SpeckleNoise(_Modal):
    """Add normal noise multiplied by the image: I + I n. It does not clip."""

    op: Literal["speckle_noise"] = "speckle_noise"
    """Name of the op."""
    sigma: float = Field(ge=0, le=1)
    """Standard deviation of n, as a fraction of the image; for `correlated` the covariance of n
    stands instead and this is 0."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"speckle noise, {self.mode}" + (
            f", {100 * self.sigma:.1f} %" if self.mode != "correlated" else ""
        )


class PoissonNoise(OpBase):
    """Add the difference between a Poisson draw and its mean, which is the image in 8 bits. It does
    not clip.

    With I in [0, 1] and L, which is I in 8 bits: I + strength (Poisson(L peak) / peak - L). Grey: L
    is the luminance 0.299 R + 0.587 G + 0.114 B of the 8-bit image, again in 8 bits, and all
    channels get the same noise.
    """

    op: Literal["poisson_noise"] = "poisson_noise"
    """Name of the op."""
    peak: float | Literal["levels"] = "levels"
    """Photons at white; `levels` takes 2 ** ceil(log2(n)) for n distinct values in L, as
    Real-ESRGAN does."""
    strength: float = Field(default=1.0, ge=0, le=100)
    """Factor on the noise."""
    grey: bool = False
    """Whether all channels get the noise of the luminance."""
    key: StreamKey
    """Stream that the field is drawn from."""

    @model_validator(mode="after")
    def _some_photons(self) -> Self:
        if self.peak != "levels" and not 0 < self.peak <= MOST_PHOTONS:
            raise ValueError(
                f"peak must be more than 0 and at most {MOST_PHOTONS:.0f}, or 'levels'"
            )
        return self

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        if self.peak == "levels":
            of = ""
        else:
            of = f", {self.peak:.0f} photons at white"
        return f"Poisson noise{' (grey)' if self.grey else ''}{of}, strength {self.strength:.2f}"


class ShotReadNoise(OpBase):
    """Sensor noise: normal with variance shot * I + read^2 per sample (I >= 0, in intensity
    levels). It does not clip.
    """

    op: Literal["shot_read_noise"] = "shot_read_noise"
    """Name of the op."""
    shot: float = Field(ge=0, le=255)
    """Variance per intensity level of signal, in intensity levels."""
    read: float = Field(ge=0, le=255)
    """Standard deviation in the dark, in intensity levels."""
    key: StreamKey
    """Stream that the field is drawn from."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"sensor noise, shot {self.shot:.3g}, read {self.read:.2f}"


class BlockNoise(OpBase):
    """Normal noise whose sigma is drawn anew, uniformly, for each block of pixels (the IKC report's
    model). It does not clip.
    """

    op: Literal["block_noise"] = "block_noise"
    """Name of the op."""
    block: int = Field(default=8, ge=1, le=256)
    """Side of a block, in pixels."""
    sigma: tuple[float, float] = (0.0, 75.0)
    """Smallest and largest sigma of a block, in intensity levels, within [0, 255]; all channels of
    a block share it."""
    key: StreamKey
    """Stream that the sigmas, then the field, are drawn from."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not 0 <= self.sigma[0] <= self.sigma[1] <= 255:
            raise ValueError("sigma must rise from its least to its largest value within [0, 255]")
        return self

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"noise in blocks of {self.block}, sigma {self.sigma[0]:.0f} to {self.sigma[1]:.0f}"


NoiseOp = GaussianNoise | SpeckleNoise | PoissonNoise | ShotReadNoise | BlockNoise
