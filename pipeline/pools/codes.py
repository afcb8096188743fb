"""Representations of the degradations of real pairs, which SynNet puts on images."""

from __future__ import annotations

from pairmill.pipeline.pools.base import Making, PoolKind
from pairmill.pipeline.pools.redegnet import REDEGNET
from pairmill.pipeline.runner.stage import Sealed
from pairmill.pipeline.stages import pool_redegnet
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.redegnet import RedegnetManifest


class Codes(PoolKind[RedegnetManifest]):
    """Rows of (n,) float32, sealed with their SynNet by one stage."""

    name = "codes"
    stage = pool_redegnet.STAGE
    group = pool_redegnet.CODES
    fitted = True
    repeatable = False

    def make(self, making: Making) -> Sealed[RedegnetManifest]:
        """Found with SynNet."""
        return making.of(REDEGNET)

    def ref(self, manifest: RedegnetManifest) -> PoolRef:
        """See `PoolKind.ref`."""
        return PoolRef(
            kind=self.name, digest=manifest.codes, count=manifest.count, side=manifest.side
        )


CODES = Codes()
