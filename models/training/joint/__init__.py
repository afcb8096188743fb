"""Who learns beside an SR network and makes its LR: one module for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairmill.models.training.joint.partner import Opening, Partner
from pairmill.models.training.joint.pdm import PdmPartner
from pairmill.models.training.joint.translation import TranslationPartner

PARTNERS: dict[str, Callable[[Any, Opening], Partner]] = {
    "pdm": PdmPartner,
    "bulat": TranslationPartner,
    "cyclesr": TranslationPartner,
}
"""Classes by `JointBase.kind`."""


def build(config: Any, opening: Opening) -> Partner:
    """The partner of a training, at step 0."""
    return PARTNERS[config.kind](config, opening)
