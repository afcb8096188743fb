"""The stages, in the order of a build. `STAGES` is the table of all of them."""

from __future__ import annotations

from typing import Any

from pipeline.stage import Stage
from pipeline.stages import clean_up, estimate_kernels, ingest, mine_noise, pool_kernels, pool_noise, synthesize

STAGES: dict[str, Stage[Any, Any, Any, Any, Any]] = {
    stage.name: stage
    for stage in (
        ingest.STAGE,
        clean_up.STAGE,
        estimate_kernels.STAGE,
        pool_kernels.STAGE,
        mine_noise.STAGE,
        pool_noise.STAGE,
        synthesize.STAGE,
    )
}
