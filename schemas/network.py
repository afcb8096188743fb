"""Settings of the super-resolution networks: `NetworkConfig` is the union of all, and the only list
of them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, TypeAdapter, model_validator

from pairmill.schemas.base import Frozen
from pairmill.schemas.networks.base import Count, HeadsBase, NetworkBase
from pairmill.schemas.networks.carn import CarnConfig
from pairmill.schemas.networks.cnf import CnfConfig
from pairmill.schemas.networks.compact import CompactConfig
from pairmill.schemas.networks.csnln import CsnlnConfig
from pairmill.schemas.networks.dbpn import DbpnConfig
from pairmill.schemas.networks.drcn import DrcnConfig
from pairmill.schemas.networks.drrn import DrrnConfig
from pairmill.schemas.networks.dsrn import DsrnConfig
from pairmill.schemas.networks.dwsr import DwsrConfig
from pairmill.schemas.networks.edsr import EdsrConfig
from pairmill.schemas.networks.espcn import EspcnConfig
from pairmill.schemas.networks.fsrcnn import FsrcnnConfig
from pairmill.schemas.networks.idn import IdnConfig
from pairmill.schemas.networks.ikc import IkcConfig
from pairmill.schemas.networks.ipt import IptConfig
from pairmill.schemas.networks.ircnn import IrcnnConfig
from pairmill.schemas.networks.kxnet import KxNetConfig
from pairmill.schemas.networks.lapsrn import LapSrnConfig
from pairmill.schemas.networks.mdsr import MdsrConfig
from pairmill.schemas.networks.memnet import MemNetConfig
from pairmill.schemas.networks.meta import MetaConfig
from pairmill.schemas.networks.msrn import MsrnConfig
from pairmill.schemas.networks.mwcnn import MwcnnConfig
from pairmill.schemas.networks.prosr import ProSrConfig
from pairmill.schemas.networks.rcan import RcanConfig
from pairmill.schemas.networks.rdn import RdnConfig
from pairmill.schemas.networks.rnan import RnanConfig
from pairmill.schemas.networks.rrdbnet import RrdbNetConfig
from pairmill.schemas.networks.san import SanConfig
from pairmill.schemas.networks.sftmd import SftmdConfig
from pairmill.schemas.networks.srcnn import SrcnnConfig
from pairmill.schemas.networks.srdensenet import SrDenseNetConfig
from pairmill.schemas.networks.srfbn import SrfbnConfig
from pairmill.schemas.networks.srmd import SrmdConfig
from pairmill.schemas.networks.srresnet import SrResNetConfig
from pairmill.schemas.networks.swinir import SwinIrConfig
from pairmill.schemas.networks.usrnet import UsrNetConfig
from pairmill.schemas.networks.vdsr import VdsrConfig

PlainNetworkConfig = (
    SrResNetConfig
    | EdsrConfig
    | RcanConfig
    | RrdbNetConfig
    | SwinIrConfig
    | CompactConfig
    | SrcnnConfig
    | EspcnConfig
    | LapSrnConfig
    | DbpnConfig
    | IrcnnConfig
    | UsrNetConfig
    | KxNetConfig
    | SftmdConfig
    | IkcConfig
    | SrmdConfig
    | MetaConfig
    | IptConfig
    | DwsrConfig
    | MwcnnConfig
    | SanConfig
    | RnanConfig
    | CsnlnConfig
    | DrcnConfig
    | DrrnConfig
    | MemNetConfig
    | ProSrConfig
    | DsrnConfig
    | CnfConfig
    | FsrcnnConfig
    | CarnConfig
    | RdnConfig
    | SrfbnConfig
    | VdsrConfig
    | MsrnConfig
    | MdsrConfig
    | IdnConfig
    | SrDenseNetConfig
)


class CleanedConfig(NetworkBase):
    """A network that cleans LR, then one that upscales it, as Maeda and CinCGAN use them: what they
    learn is one network for real LR.
    """

    arch: Literal["cleaned"] = "cleaned"
    """Name of the network."""
    features: Count = 32
    """Channels between the layers that clean."""
    blocks: Count = 4
    """Residual blocks of two convolutions that clean."""
    network: Annotated[PlainNetworkConfig, Field(discriminator="arch")] = EdsrConfig()
    """The network that upscales, of one scale; nobody knows the kernels of what is cleaned."""

    @model_validator(mode="after")
    def _plain(self) -> Self:
        inner = self.network
        if inner.labelled:
            raise ValueError(
                f"{inner.arch} learns from how each LR was made, which nobody knows of what "
                f"`cleaned` hands on; train {inner.arch} by itself"
            )
        if isinstance(inner, HeadsBase) and inner.heads:
            raise ValueError(
                f"`cleaned` has one scale, got heads: {list(inner.heads)}; leave heads out"
            )
        return self

    def problem(self, scale: int) -> str | None:
        """See `NetworkBase`."""
        problem = self.network.problem(scale)
        return problem and f"{self.arch} {problem}"


AnyNetworkConfig = PlainNetworkConfig | CleanedConfig
NetworkConfig = Annotated[AnyNetworkConfig, Field(discriminator="arch")]
NETWORK_CONFIG: TypeAdapter[AnyNetworkConfig] = TypeAdapter(NetworkConfig)
"""Validates settings of any network, from a mapping or from JSON."""
NETWORK_CONFIGS: dict[str, type[AnyNetworkConfig]] = {
    each.model_fields["arch"].default: each for each in get_args(AnyNetworkConfig)
}
"""Settings by name of the network."""


class NetworkSpec(Frozen):
    """What a checkpoint is for; its header holds this."""

    network: NetworkConfig
    """Settings of the network."""
    scale: int = Field(ge=1, le=16)
    """HR pixels per LR pixel along each axis."""

    @model_validator(mode="after")
    def _built(self) -> Self:
        problem = self.network.problem(self.scale)
        if problem is not None:
            raise ValueError(problem)
        return self
