"""Who learns beside an SR network and makes its LR: one module for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairmill.models.training.joint.cleaning import CincganPartner, MaedaPartner
from pairmill.models.training.joint.partner import Opening, Partner
from pairmill.models.training.joint.pdm import PdmPartner
from pairmill.models.training.joint.translation import BulatPartner, CyclesrPartner

PARTNERS: dict[str, Callable[[Any, Opening], Partner]] = {
    "pdm": PdmPartner,
    "bulat": BulatPartner,
    "cyclesr": CyclesrPartner,
    "maeda": MaedaPartner,
    "cincgan": CincganPartner,
}
"""Classes by `JointBase.kind`."""


def build(config: Any, opening: Opening) -> Partner:
    """The partner of a training, at step 0."""
    return PARTNERS[config.kind](config, opening)
