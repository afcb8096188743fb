"""Noise that is written out in the program as a law, its parameters and the key of a random stream."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.ops.base import Counts, OpBase, StreamKey

Mode = Literal["colour", "grey", "correlated"]
"""`colour`: channels are independent; `grey`: the same value in all of them; `correlated`: as a covariance says."""
Covariance = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


class _Modal(OpBase):
    """Noise whose channels hang together in one of three ways."""

    mode: Mode = "colour"
    """How the channels hang together."""
    covariance: Covariance | None = None
    """Covariance of the channels for `correlated`, symmetric and positive semi-definite, in units of the noise squared."""
    key: StreamKey
    """Stream that the field is drawn from."""

    @model_validator(mode="after")
    def _covariance_given(self) -> Self:
        if (self.mode == "correlated") != (self.covariance is not None):
            raise ValueError("covariance belongs to mode correlated, and only to it")
        return self


class GaussianNoise(_Modal):
    """Add normal noise. It does not clip."""

    op: Literal["gaussian_noise"] = "gaussian_noise"
    """Name of the op."""
    sigma: float = Field(ge=0, le=255)
    """Standard deviation, in grey levels; 0 for `correlated`, where the covariance (in grey levels squared) stands instead."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"Gaussian noise, {self.mode}" + (f", sigma {self.sigma:.1f}" if self.mode != "correlated" else "")


class SpeckleNoise(_Modal):
    """Add normal noise multiplied by the image: I + I n. It does not clip."""

    op: Literal["speckle_noise"] = "speckle_noise"
    """Name of the op."""
    sigma: float = Field(ge=0, le=1)
    """Standard deviation of n, as a fraction of the image; for `correlated` the covariance of n stands instead and this is 0."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"speckle noise, {self.mode}" + (f", {100 * self.sigma:.1f} %" if self.mode != "correlated" else "")


class PoissonNoise(OpBase):
    """Round the image to 8 bits, replace each value by a Poisson draw of that mean, and add the difference. It does not clip.

    With I in [0, 1]: I + strength (Poisson(I peak) / peak - I). Grey: the noise of the luminance in all channels.
    """

    op: Literal["poisson_noise"] = "poisson_noise"
    """Name of the op."""
    peak: float | Literal["levels"] = "levels"
    """Photons at white; `levels` takes 2 ** ceil(log2(n)) for n distinct values in the image, as Real-ESRGAN does."""
    strength: float = Field(default=1.0, ge=0)
    """Factor on the noise."""
    grey: bool = False
    """Whether all channels get the noise of the luminance."""
    key: StreamKey
    """Stream that the field is drawn from."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        of = "" if self.peak == "levels" else f", {self.peak:.0f} photons at white"
        return f"Poisson noise{' (grey)' if self.grey else ''}{of}, strength {self.strength:.2f}"


class ShotReadNoise(OpBase):
    """Sensor noise: normal with variance shot * I + read^2 per sample (I >= 0, in grey levels). It does not clip."""

    op: Literal["shot_read_noise"] = "shot_read_noise"
    """Name of the op."""
    shot: float = Field(ge=0)
    """Variance per grey level of signal, in grey levels."""
    read: float = Field(ge=0)
    """Standard deviation in the dark, in grey levels."""
    key: StreamKey
    """Stream that the field is drawn from."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"sensor noise, shot {self.shot:.3g}, read {self.read:.2f}"


class BlockNoise(OpBase):
    """Normal noise whose sigma is drawn anew, uniformly, for each block of pixels (the IKC report's model). It does not clip."""

    op: Literal["block_noise"] = "block_noise"
    """Name of the op."""
    block: int = Field(default=8, ge=1, le=256)
    """Side of a block, in pixels."""
    sigma: tuple[float, float] = (0.0, 75.0)
    """Least and largest sigma of a block, in grey levels."""
    key: StreamKey
    """Stream that the sigmas, then the field, are drawn from."""

    def words(self, counts: Counts) -> str:  # noqa: ARG002
        """See `OpBase.words`."""
        return f"noise in blocks of {self.block}, sigma {self.sigma[0]:.0f} to {self.sigma[1]:.0f}"


NoiseOp = GaussianNoise | SpeckleNoise | PoissonNoise | ShotReadNoise | BlockNoise
