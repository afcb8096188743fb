"""The list of the methods."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pairmill.pipeline.evaluate.zero_shot.method import Method
from pairmill.schemas.dip import DipKind
from pairmill.schemas.errors import UserError
from pairmill.schemas.zero_shot import ZERO_SHOT


def _zssr() -> Method[Any]:
    from pairmill.pipeline.evaluate.zero_shot.zssr import Zssr

    return Zssr()


def _dip(kind: DipKind) -> Method[Any]:
    from pairmill.pipeline.evaluate.zero_shot.dip import Dip

    return Dip(kind)


def _dpir() -> Method[Any]:
    from pairmill.pipeline.evaluate.zero_shot.dpir import Dpir

    return Dpir()


METHODS: dict[str, Callable[[], Method[Any]]] = {
    "zssr": _zssr,
    "dip": partial(_dip, "dip"),
    "double-dip": partial(_dip, "double-dip"),
    "dip-fkp": partial(_dip, "dip-fkp"),
    "dpir": _dpir,
}
"""By what `--method` says; modules with torch are imported when they are asked for."""


def method_of(name: str) -> Method[Any]:
    """The method of this name.

    Raises:
        UserError: if there is none.
    """
    if name not in METHODS:
        raise UserError(
            "there is no such method",
            where="--method",
            got=name,
            wanted=", ".join(ZERO_SHOT),
            todo="name one of these, or a network with --checkpoint",
        )
    return METHODS[name]()
