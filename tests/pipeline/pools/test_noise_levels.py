"""What the gains of noise patches are reckoned from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairmill.pipeline.pools.compression import COMPRESSION
from pairmill.pipeline.pools.noise_levels import NoiseLevelGains
from pairmill.pipeline.stages import pool_noise_levels
from tests.support.make import tiny_recipe


class _Making:
    """Stands for `Making`: what stages are given is kept, nothing is made."""

    def __init__(self, compressed: tuple[str, ...] | None) -> None:
        self.recipe = tiny_recipe(Path("photographs"))
        self.compressed = compressed
        self.images = SimpleNamespace(with_role=lambda _: ())
        self.groups = SimpleNamespace(groups=())
        self.given: dict[str, Any] = {}

    def of(self, _: object) -> Any:
        return SimpleNamespace(manifest=None, key="noise")

    def needed(self, kind: object) -> Any:
        assert kind is COMPRESSION
        if self.compressed is None:
            return None
        rows = tuple(SimpleNamespace(image=image) for image in self.compressed)
        return SimpleNamespace(manifest=SimpleNamespace(rows=lambda: rows))

    def run(self, stage: Any, inputs: Any, _: object) -> Any:
        self.given[stage.name] = inputs
        return SimpleNamespace(manifest=SimpleNamespace(images=()))


@pytest.mark.parametrize("compressed", [None, (), ("one", "other")])
def test_the_stage_knows_whose_noise_was_restored(compressed: tuple[str, ...] | None) -> None:
    """Else the blue of a blue sky would be laid on grey a fifth too strong."""
    making: Any = _Making(compressed)
    NoiseLevelGains().make(making)
    assert tuple(making.given[pool_noise_levels.STAGE.name].restored) == (compressed or ())
