"""The super-resolution networks: a table of them, and `build`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairmill.models.archs.carn import Carn
from pairmill.models.archs.cleaned import Cleaned
from pairmill.models.archs.cnf import Cnf
from pairmill.models.archs.compact import Compact
from pairmill.models.archs.csnln import Csnln
from pairmill.models.archs.dbpn import Dbpn
from pairmill.models.archs.drcn import Drcn
from pairmill.models.archs.drrn import Drrn
from pairmill.models.archs.dsrn import Dsrn
from pairmill.models.archs.dwsr import Dwsr
from pairmill.models.archs.edsr import Edsr
from pairmill.models.archs.espcn import Espcn
from pairmill.models.archs.fsrcnn import Fsrcnn
from pairmill.models.archs.idn import Idn
from pairmill.models.archs.ikc import Ikc
from pairmill.models.archs.ipt import Ipt
from pairmill.models.archs.ircnn import Ircnn
from pairmill.models.archs.kxnet import KxNet
from pairmill.models.archs.lapsrn import LapSrn
from pairmill.models.archs.layers import Network, draw_weights
from pairmill.models.archs.mdsr import Mdsr
from pairmill.models.archs.memnet import MemNet
from pairmill.models.archs.meta import Meta
from pairmill.models.archs.msrn import Msrn
from pairmill.models.archs.mwcnn import Mwcnn
from pairmill.models.archs.prosr import ProSr
from pairmill.models.archs.rcan import Rcan
from pairmill.models.archs.rdn import Rdn
from pairmill.models.archs.rnan import Rnan
from pairmill.models.archs.rrdbnet import RrdbNet
from pairmill.models.archs.san import San
from pairmill.models.archs.sftmd import Sftmd
from pairmill.models.archs.srcnn import Srcnn
from pairmill.models.archs.srdensenet import SrDenseNet
from pairmill.models.archs.srfbn import Srfbn
from pairmill.models.archs.srmd import Srmd
from pairmill.models.archs.srresnet import SrResNet
from pairmill.models.archs.swinir import SwinIr
from pairmill.models.archs.usrnet import UsrNet
from pairmill.models.archs.vdsr import Vdsr
from pairmill.models.keyed import keyed
from pairmill.schemas.network import AnyNetworkConfig

NETWORKS: dict[str, Callable[[Any, int], Network]] = {
    "srresnet": SrResNet,
    "edsr": Edsr,
    "rcan": Rcan,
    "rrdbnet": RrdbNet,
    "swinir": SwinIr,
    "compact": Compact,
    "srcnn": Srcnn,
    "espcn": Espcn,
    "lapsrn": LapSrn,
    "dbpn": Dbpn,
    "ircnn": Ircnn,
    "usrnet": UsrNet,
    "kxnet": KxNet,
    "sftmd": Sftmd,
    "ikc": lambda config, scale: Ikc(config, scale, Sftmd(config.network, scale)),
    "srmd": Srmd,
    "meta": Meta,
    "ipt": Ipt,
    "dwsr": Dwsr,
    "mwcnn": Mwcnn,
    "san": San,
    "rnan": Rnan,
    "csnln": Csnln,
    "drcn": Drcn,
    "drrn": Drrn,
    "memnet": MemNet,
    "prosr": ProSr,
    "dsrn": Dsrn,
    "cnf": Cnf,
    "fsrcnn": Fsrcnn,
    "carn": Carn,
    "rdn": Rdn,
    "srfbn": Srfbn,
    "vdsr": Vdsr,
    "msrn": Msrn,
    "mdsr": Mdsr,
    "idn": Idn,
    "srdensenet": SrDenseNet,
    "cleaned": lambda config, scale: Cleaned(config, scale, build_empty(config.network, scale)),
}
"""Networks by the `arch` of their settings; each is made of its settings and a scale."""


def build(config: AnyNetworkConfig, scale: int, seed: int = 0) -> Network:
    """A network with initial weights, on the CPU, in float32, for training.

    Args:
        config: its settings.
        scale: HR pixels per LR pixel along each axis.
        seed: of the weights: the same seed makes the same weights, whatever has been drawn before;
            no global generator moves.

    Raises:
        ValueError: if the network cannot be built for this scale, with those that it can be built
            for.
    """
    network = build_empty(config, scale)
    draw_weights(network, keyed(seed, "weights"))
    return network


def build_empty(config: AnyNetworkConfig, scale: int) -> Network:
    """A network whose weights have no values yet, to be loaded from a checkpoint.

    Raises:
        ValueError: as `build`.
    """
    problem = config.problem(scale)
    if problem is not None:
        raise ValueError(problem)
    return NETWORKS[config.arch](config, scale)
