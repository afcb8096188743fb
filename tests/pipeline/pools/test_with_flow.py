"""Kernels with a flow as their prior, from recipe to report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pairmill.models.functional.kernels import offset
from pairmill.pipeline.assets import read_pool
from pairmill.pipeline.pools.kernels import KERNELS
from pairmill.pipeline.stages.fit_fkp import read_prior
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.pool import FkpConfig
from tests.support.make import FLOW, Tiny, build, making_of, tiny_recipe

SMALL = {"channels": 2, "skip": 1, "noise_channels": 2, "iterations": 3}
ALL = {"restarts": 1, "flow": FLOW}
REALSR = [{"kind": "realsr"}]


def test_kernels_by_a_deep_image_prior(photographs: Path, tmp_path: Path) -> None:
    settings = {"method": "dip_fkp", "dip": SMALL, "window": 48, **ALL}
    recipe = tiny_recipe(photographs, kernels=settings, degraders=REALSR, scale=4)
    sealed = KERNELS.make(making_of(recipe, tmp_path))
    pool = sealed.manifest
    assert (pool.estimated_by, pool.scale, pool.side) == ("estimate_fkp", 4, 33)
    group = layout.pool_group(KERNELS.stage.name, sealed.key)
    for kernel in read_pool(Storage(str(tmp_path)), group, "kernels"):
        assert kernel.sum() == 1
        assert np.abs(offset(kernel, 4)).max() < 0.05
    again = KERNELS.make(making_of(recipe, tmp_path))
    assert (again.manifest, again.computed) == (pool, 0)


def test_a_report_shows_kernels_by_kernelgan_fkp(photographs: Path, tmp_path: Path) -> None:
    settings = {"method": "kernelgan_fkp", "iterations": 10, "steps": 1, **ALL}
    recipe = tiny_recipe(photographs, kernels=settings, degraders=REALSR)
    manifest = build(recipe, tmp_path)
    folder = tmp_path / layout.version_folder(recipe.name, manifest.version)
    assert list(folder.rglob("restarts-*.png"))


def test_a_changed_flow_is_not_used(tiny_copy: Tiny) -> None:
    config = tiny_copy.inputs["estimate_fkp"][1]
    assert isinstance(config, FkpConfig)
    path = tiny_copy.workspace / layout.unit_folder("fit_fkp", config.flow.key)
    file = path / "checkpoint.safetensors"
    assert read_prior(tiny_copy.storage, config.flow).scale == 2
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError, match="a checkpoint has changed"):
        read_prior(tiny_copy.storage, config.flow)
