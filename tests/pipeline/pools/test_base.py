"""Pools of one recipe, made together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed, Stage
from pairmill.pipeline.stages import ingest
from pairmill.schemas.recipe import Recipe
from tests.support.make import LENIENT, photograph, save


def test_what_several_kinds_ask_for_is_run_once(tmp_path: Path) -> None:
    """Kernels and the compression pool both want to know how images were compressed."""
    asked: list[str] = []

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        asked.append(stage.name)
        profile = Profile(str(tmp_path / "workspace"))
        return run_stage(stage, inputs, config, profile, SerialExecutor(), ProgressListener())

    for seed in range(2):
        save(photograph(seed, 96, 80), tmp_path / "real" / f"{seed}.png")
    recipe = Recipe.model_validate(
        {"name": "a", "images": {"real": f"{tmp_path}/real"}, "kernel_quality": LENIENT}
    )
    images = run(ingest.STAGE, ingest.find(recipe.images, "/").files, recipe.ingest).manifest
    making = Making(recipe=recipe, images=images, base="/", run=run)
    making.of(KERNELS)
    making.of(COMPRESSION)
    assert asked.count("mine_compression") == 1
    assert asked.count("pool_kernels") == 1
