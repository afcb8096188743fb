"""Mixtures: shares per split, the same kind twice, and what the samples and the statistics call
them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.stage import Context, Profile
from pairmill.pipeline.stages.synthesize import ShardPayload, _Maker
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.shard import SynthesizeConfig
from tests.support.make import build, photograph, save

TWICE: list[dict[str, Any]] = [
    {"kind": "bicubic", "name": "control", "weight": {"val": 1}},
    {
        "kind": "custom",
        "name": "soft",
        "weight": {"train": 3, "val": 1},
        "ops": [{"op": "bicubic_down", "scale": 2}],
    },
    {
        "kind": "custom",
        "name": "small",
        "weight": {"train": 1},
        "ops": [{"op": "bicubic_down", "scale": [1, 4]}],
    },
]


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate(
        {"name": "m", "images": {"clean": ["x"]}, "tiles": {"size": 32}, "degraders": TWICE}
        | changes
    )


def maker(made: Recipe, split: str, workspace: Path) -> _Maker:
    config = SynthesizeConfig(
        seed=made.seed,
        scale=made.scale,
        tile=made.tiles.size,
        samples_per_tile=1,
        degraders=made.degraders,
        pools=(),
    )
    shard = ShardPayload(split=split, number=0, images=(), pools=())
    return _Maker(
        config, Context(Profile(str(workspace)), "synthesize", Storage(str(workspace))), shard
    )


def chosen(made: Recipe, split: str, workspace: Path, count: int = 4000) -> Counter[str]:
    one = maker(made, split, workspace)
    return Counter(
        one.mixture.choose(float(stream(1, number).random()))[0] for number in range(count)
    )


def test_each_split_has_its_own_shares(tmp_path: Path) -> None:
    train, val = (chosen(recipe(), split, tmp_path) for split in ("train", "val"))
    assert set(train) == {"soft", "small"}
    assert abs(train["soft"] / 4000 - 0.75) < 0.03  # 4.5 standard errors
    assert set(val) == {"control", "soft"}
    assert abs(val["soft"] / 4000 - 0.5) < 0.036


def test_one_weight_is_for_all_splits_and_chooses_as_before(tmp_path: Path) -> None:
    """Weights 3 and 1 divide [0, 1) at 3/4, whatever the split: corpora made before keep their
    bytes."""
    plain = recipe(
        degraders=[{"kind": "custom", "weight": 3, "ops": [{"op": "clip"}]}, {"kind": "bicubic"}]
    )
    for split in ("train", "val", "test"):
        one = maker(plain, split, tmp_path)
        assert [
            one.mixture.choose(value)[0] for value in (0.0, 0.7499999, 0.75, 0.9999999999999999)
        ] == [
            "custom",
            "custom",
            "bicubic",
            "bicubic",
        ]
        np.testing.assert_array_equal(one.mixture.bounds, [0.75, 1])


def test_samples_and_statistics_hold_the_labels(tmp_path: Path) -> None:
    for number in range(6):
        save(photograph(number, 96, 96), tmp_path / "hr" / f"{number}.png")
    made = recipe(
        images={"clean": [f"{tmp_path}/hr"]}, splits={"train": 0.5, "val": 0.5}, samples_per_tile=3
    )
    manifest = build(made, tmp_path / "work")
    assert set(manifest.identity.degraders) == {"control", "soft", "small"}
    assert sum(manifest.identity.degraders.values()) == sum(manifest.identity.samples.values()) > 40


def refused(message: str, **changes: Any) -> None:
    with pytest.raises(ValueError, match=message):
        recipe(**changes)


def test_what_cannot_be_mixed() -> None:
    refused(
        "custom stands twice; give each a `name:`",
        degraders=[TWICE[1] | {"name": None}, TWICE[2] | {"name": None}],
    )
    refused("soft stands twice", degraders=[TWICE[1], TWICE[1]])
    refused("bicubic stands twice", degraders=[{"kind": "bicubic"}, TWICE[1] | {"name": "bicubic"}])
    refused("none has a weight above 0 in split val, which gets images", degraders=[TWICE[2]])
    refused(
        "at least one split needs a weight above 0",
        degraders=[{"kind": "bicubic", "weight": {"val": 0}}],
    )
    assert recipe(degraders=[TWICE[2]], splits={"train": 1, "val": 0}).degraders[0].label == "small"
