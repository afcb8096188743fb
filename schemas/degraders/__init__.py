"""Settings of the degraders: one module each; `DegraderConfig` is the union of all, and the only list of them."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from schemas.degraders.base import DegraderBase
from schemas.degraders.bicubic import BicubicConfig
from schemas.degraders.block_noise import BlockNoiseConfig
from schemas.degraders.bsrgan import BsrganConfig
from schemas.degraders.codec import CodecConfig
from schemas.degraders.custom import CustomConfig
from schemas.degraders.ikc import IkcConfig
from schemas.degraders.kmsr import KmsrConfig
from schemas.degraders.pdm import PdmConfig
from schemas.degraders.realesrgan import RealEsrganConfig
from schemas.degraders.realsr import RealSrConfig
from schemas.degraders.redegnet import RedegnetConfig
from schemas.degraders.srmd import SrmdConfig

AnyConfig = (
    BicubicConfig
    | RealSrConfig
    | BsrganConfig
    | RealEsrganConfig
    | IkcConfig
    | SrmdConfig
    | BlockNoiseConfig
    | CodecConfig
    | CustomConfig
    | PdmConfig
    | KmsrConfig
    | RedegnetConfig
)
DegraderConfig = Annotated[AnyConfig, Field(discriminator="kind")]
CONFIGS: dict[str, type[DegraderBase]] = {config.model_fields["kind"].default: config for config in get_args(AnyConfig)}
"""Settings by kind."""
