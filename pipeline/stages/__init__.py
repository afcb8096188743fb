"""The stages, in the order of a build. `STAGES` is the table of all of them."""

from __future__ import annotations

from typing import Any

from pipeline.stage import Stage
from pipeline.stages import (
    clean_up,
    estimate_kernels,
    fit_pdm,
    ingest,
    mine_compression,
    mine_noise,
    pool_compression,
    pool_kernels,
    pool_noise,
    pool_pdm,
    synthesize,
)

STAGES: dict[str, Stage[Any, Any, Any, Any, Any]] = {
    stage.name: stage
    for stage in (
        ingest.STAGE,
        clean_up.STAGE,
        estimate_kernels.STAGE,
        pool_kernels.STAGE,
        mine_compression.STAGE,
        pool_compression.STAGE,
        mine_noise.STAGE,
        pool_noise.STAGE,
        fit_pdm.STAGE,
        pool_pdm.STAGE,
        synthesize.STAGE,
    )
}
