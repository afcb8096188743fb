"""One small network of each kind, checkpoints of some, and images for them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pairmill.models.archs import build
from pairmill.models.archs.layers import MultiScale, Network
from pairmill.models.archs.weights import write_weights
from pairmill.schemas.network import AnyNetworkConfig, CleanedConfig, NetworkSpec
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

SWIN = SwinIrConfig(features=12, depths=(2, 1), heads=(2, 3), window=4, patch=8)
SFTMD = SftmdConfig(features=8, blocks=1, modulation=4, code=3)
SMALL: dict[str, AnyNetworkConfig] = {
    "srresnet": SrResNetConfig(features=8, blocks=2),
    "edsr": EdsrConfig(features=8, blocks=2),
    "rcan": RcanConfig(features=8, groups=2, blocks=2, squeeze=2),
    "rrdbnet": RrdbNetConfig(features=24, blocks=1),
    "swinir": SWIN,
    "swinir-direct": SWIN.with_(upsampler="pixelshuffledirect"),
    "swinir-nearest": SWIN.with_(upsampler="nearest+conv", residual="3conv"),
    "compact": CompactConfig(features=8, blocks=2),
    "srcnn": SrcnnConfig(features=(16, 16), sides=(9, 5, 5)),
    "espcn": EspcnConfig(features=(32, 16)),
    "lapsrn": LapSrnConfig(features=8, depth=2),
    "lapsrn-shared": LapSrnConfig(features=8, depth=2, shared=True),
    "dbpn": DbpnConfig(start_features=16, features=8, stages=3),
    "ircnn": IrcnnConfig(features=16),
    "usrnet": UsrNetConfig(features=12, blocks=1, iterations=2),
    "kxnet": KxNetConfig(stages=2, maps=4, kernel_size=5),
    "sftmd": SFTMD,
    "ikc": IkcConfig(network=SFTMD, features=6, iterations=2, corrections=2),
    "srmd": SrmdConfig(features=24, depth=4, code=5),
    "srmdnf": SrmdConfig(features=24, depth=4, code=5, noise=False),
    "edsr-separable": EdsrConfig(features=12, blocks=2, separable=True),
    "dwsr": DwsrConfig(features=16, depth=2),
    "mwcnn": MwcnnConfig(features=(8, 12), dilations=(2,), lowest=(2,)),
    "mwcnn-bands": MwcnnConfig(features=(12, 16), dilations=(1,), lowest=(1,), bands=True),
    "san": SanConfig(features=8, groups=2, blocks=1, squeeze=2, inner=2),
    "rnan": RnanConfig(features=8, groups=1, inner=4),
    "csnln": CsnlnConfig(features=6, recurrences=2),
    "meta": MetaConfig(features=12, blocks=1, layers=2, growth=12, hidden=16),
    "ipt": IptConfig(features=4, patch=12, layers=1),
    "lapsrn-recursive": LapSrnConfig(features=8, depth=2, shared=True, recursions=2, side=3),
    "drcn": DrcnConfig(features=12, recursions=2),
    "drrn": DrrnConfig(features=12, units=2),
    "memnet": MemNetConfig(features=12, blocks=2, recursions=2),
    "prosr": ProSrConfig(features=8, growth=4, layers=2, blocks=(1, 3, 1)),
    "prosr-heads": ProSrConfig(features=8, growth=4, layers=2, blocks=(1, 3, 1), heads=(2, 4)),
    "dsrn": DsrnConfig(features=16, embedded=8),
    "cnf": CnfConfig(features=16, depths=(3, 4)),
    "fsrcnn": FsrcnnConfig(features=12, shrunk=6, depth=1),
    "carn": CarnConfig(features=8),
    "carn-m": CarnConfig(features=12, mobile=True, groups=2),
    "rdn": RdnConfig(features=16, blocks=2, layers=2, growth=12),
    "srfbn": SrfbnConfig(features=4, groups=2),
    "vdsr": VdsrConfig(features=24, depth=4),
    "msrn": MsrnConfig(features=8, blocks=2),
    "mdsr": MdsrConfig(features=8, blocks=1),
    "idn": IdnConfig(features=16, kept=4, blocks=1),
    "srdensenet": SrDenseNetConfig(features=8, blocks=2, layers=2, growth=8, fused=16),
    "cleaned": CleanedConfig(features=8, blocks=2, network=CompactConfig(features=8, blocks=2)),
}
"""A new network is one line here."""
NO_SCALE = {
    "srcnn",
    "lapsrn-recursive",
    "drcn",
    "drrn",
    "memnet",
    "cnf",
    "vdsr",
    "dwsr",
    "mwcnn",
    "mwcnn-bands",
    "meta",
}
"""Networks among them whose weights are the same at every scale."""
UNRECOGNISED: tuple[str, ...] = ("usrnet", "kxnet", "sftmd", "ikc")
"""Networks among them whose checkpoints have to say what they are: `recognise` does not know
them."""


def network_of(name: str, scale: int = 2, seed: int = 1) -> Network:
    """A small network with initial weights, for use."""
    return build(SMALL[name], scale, seed).eval()


def views(network: Network) -> list[Network]:
    """The network for each of its scales."""
    if isinstance(network, MultiScale):
        return [network.at(scale) for scale in network.config.heads_at(network.scale)]
    return [network]


def pictures(count: int, height: int = 37, width: int = 31, seed: int = 0) -> torch.Tensor:
    """(count, 3, height, width) float32 in [0, 1]: noise, so that nothing is like its neighbour."""
    return torch.from_numpy(
        np.random.default_rng([2026, seed]).random((count, 3, height, width), dtype=np.float32)
    )


def checkpoint(path: Path, scale: int = 2, seed: int = 0, features: int = 4) -> str:
    """A network that was trained on nothing."""
    network = build(CompactConfig(features=features, blocks=1), scale, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_weights(network.state_dict()))
    return str(path)


TOLD = SrmdConfig(features=8, depth=3, code=4, residual=True)
"""Of a small network that is told kernels and noise."""


def told_checkpoint(path: Path, config: SrmdConfig = TOLD) -> str:
    """A network that is told kernels, for scale 2, which was trained on nothing."""
    network = build(config, 2, 1)
    path.write_bytes(write_weights(network.state_dict(), spec=NetworkSpec(network=config, scale=2)))
    return str(path)


def pth(content: object) -> bytes:
    """What `torch.save` makes of it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def prefixed(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Weights with a word before their names."""
    return {f"{prefix}{key}": value for key, value in tensors.items()}


def same(found: Network, wanted: Network, scale: int) -> None:
    """Both give the same image."""
    with torch.no_grad():
        torch.testing.assert_close(found(pictures(1)), wanted(pictures(1)), rtol=0, atol=1e-6)
    assert found.scale == scale
