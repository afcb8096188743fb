"""Settings of real pairs as a degrader."""

from __future__ import annotations

from typing import ClassVar, Literal

from pairmill.schemas.degraders.base import DegraderBase


class AlignedConfig(DegraderBase):
    """Real pairs: HR and LR are photographs of one scene, registered; see `images.aligned`."""

    kind: Literal["aligned"] = "aligned"
    """Which degrader."""

    learns_from: ClassVar[Literal["aligned"]] = "aligned"
    own_hr: ClassVar[bool] = True

    @property
    def draws_from(self) -> tuple[str, ...]:
        """See `DegraderBase.draws_from`."""
        return ("aligned",)
