"""Deep image prior: settings of super-resolution from one image alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pairmill.schemas.base import Frozen

DipKind = Literal["dip", "double-dip", "dip-fkp"]
"""`dip`: the kernel is known (Ulyanov et al., CVPR 2018); `double-dip`: a second network makes it
(Ren et al., CVPR 2020); `dip-fkp`: a flow makes it from a code (Liang et al., CVPR 2021)."""


class DipConfig(Frozen):
    """How a network is fitted to one image. Published widths are 128 and 16; the default is for a
    CPU.
    """

    iterations: int = Field(default=1000, ge=1, le=100_000)
    """Steps of Adam."""
    channels: int = Field(default=16, ge=1, le=1024)
    """Of the network, at all five scales."""
    skip: int = Field(default=8, ge=1, le=1024)
    """Channels that pass each scale by."""
    noise_channels: int = Field(default=8, ge=1, le=1024)
    """Of the fixed noise that the network sees."""
    jitter: float = Field(default=0.0, ge=0, le=1)
    """Standard deviation of what is added to that noise anew at each step; the noise itself is
    uniform in [0, 0.1]. DIP alone is published with 0.03."""
    learning_rate: float = Field(default=5e-3, gt=0, le=1)
    """Step size of the network."""
    kernel_rate: float = Field(default=0.5, gt=0, le=10)
    """Step size of the code of a flow; that of the kernel network of `double-dip` is 1e-4."""
    structural: int = Field(default=80, ge=0)
    """First steps, whose loss is 1 - SSIM; later ones have the mean squared error."""
    frozen: int = Field(default=75, ge=0)
    """First steps, in which the kernel stays as it is."""
    average: float = Field(default=0.99, ge=0, lt=1)
    """Memory of the exponential average of outputs, which is the result."""
    noise: float | None = Field(default=None, ge=0, le=100)
    """Standard deviation of the photograph's noise, in intensity levels: the fit stops when what is
    left falls below it, before it learns the noise. None is measured in the flattest parts; 0 never
    stops."""
