"""All stages, in the order of a build. `STAGES` is the table of them."""

from __future__ import annotations

from typing import Any

from pairmill.pipeline.runner.stage import Stage
from pairmill.pipeline.stages import (
    align_pairs,
    choose_noise,
    clean_up,
    cluster_photographs,
    compare,
    describe_scenes,
    estimate_cameras,
    estimate_kernels,
    fingerprint,
    fit_pdm,
    fit_redegnet,
    fit_translation,
    generate_kernels,
    ingest,
    ingest_benchmarks,
    ingest_pairs,
    materialise,
    measure_hr,
    measure_photographs,
    mine_compression,
    mine_noise,
    pool_aligned,
    pool_compression,
    pool_kernels,
    pool_noise,
    pool_noise_levels,
    pool_pdm,
    pool_redegnet,
    pool_translation,
    synthesize,
    try_chains,
)

STAGES: dict[str, Stage[Any, Any, Any, Any, Any]] = {
    stage.name: stage
    for stage in (
        ingest.STAGE,
        ingest_benchmarks.STAGE,
        fingerprint.STAGE,
        compare.STAGE,
        measure_hr.STAGE,
        clean_up.STAGE,
        measure_photographs.STAGE,
        cluster_photographs.STAGE,
        describe_scenes.STAGE,
        estimate_cameras.STAGE,
        estimate_kernels.STAGE,
        pool_kernels.STAGE,
        generate_kernels.STAGE,
        mine_compression.STAGE,
        pool_compression.STAGE,
        mine_noise.STAGE,
        pool_noise.STAGE,
        pool_noise_levels.STAGE,
        choose_noise.STAGE,
        fit_pdm.STAGE,
        pool_pdm.STAGE,
        fit_translation.STAGE,
        pool_translation.STAGE,
        ingest_pairs.STAGE,
        fit_redegnet.STAGE,
        pool_redegnet.STAGE,
        align_pairs.STAGE,
        pool_aligned.STAGE,
        synthesize.STAGE,
        materialise.STAGE,
        try_chains.STAGE,
    )
}
