"""Settings of the degraders: one module each; `DegraderConfig` is the union of all, and the only
list of them.
"""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from pairmill.schemas.degraders.aligned import AlignedConfig
from pairmill.schemas.degraders.base import DegraderBase
from pairmill.schemas.degraders.bicubic import BicubicConfig
from pairmill.schemas.degraders.block_noise import BlockNoiseConfig
from pairmill.schemas.degraders.bsrgan import BsrganConfig
from pairmill.schemas.degraders.bulat import BulatConfig
from pairmill.schemas.degraders.cincgan import CincganConfig
from pairmill.schemas.degraders.codec import CodecConfig
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.degraders.cyclesr import CyclesrConfig
from pairmill.schemas.degraders.dsgan import DsganConfig
from pairmill.schemas.degraders.ikc import IkcConfig
from pairmill.schemas.degraders.kmsr import KmsrConfig
from pairmill.schemas.degraders.maeda import MaedaConfig
from pairmill.schemas.degraders.pdm import PdmConfig
from pairmill.schemas.degraders.realesrgan import RealEsrganConfig
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.degraders.redegnet import RedegnetConfig
from pairmill.schemas.degraders.srmd import SrmdConfig

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
    | AlignedConfig
    | DsganConfig
    | BulatConfig
    | CincganConfig
    | CyclesrConfig
    | MaedaConfig
)
DegraderConfig = Annotated[AnyConfig, Field(discriminator="kind")]
CONFIGS: dict[str, type[DegraderBase]] = {
    config.model_fields["kind"].default: config for config in get_args(AnyConfig)
}
"""Settings by kind."""
