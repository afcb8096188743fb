"""What the settings of degraders have in common that draw from a translator.

How it is fitted stands in the recipe's section of the same name.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.degraders.base import DegraderBase


class TranslatedBase(DegraderBase):
    """Settings of a degrader that draws from a translator."""

    accept_failed: bool = False
    """Whether to draw from a fit that failed its gates."""

    learns_from: ClassVar[Literal["real"]] = "real"

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        return (self.kind,)
