"""Settings of the degraders: one module each; `DegraderConfig` is the union of all."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.degraders.bicubic import BicubicConfig
from schemas.degraders.realsr import RealSrConfig

DegraderConfig = Annotated[BicubicConfig | RealSrConfig, Field(discriminator="kind")]
