"""What a build finds out before its first stage: once, and again only where somebody was faster."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pairmill.flows.cli.build import build_corpus
from pairmill.flows.cli.options import with_prefect
from pairmill.pipeline.build.plan import find_corpus, plan_build, renewed
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.recipe import Recipe
from tests.support.make import Tiny

WATCHED = {"load_recipe", "plan_build", "pinned_pools", "split_keys", "read_log", "read_credits"}


def test_a_finished_corpus_is_found(tiny: Tiny) -> None:
    storage = Storage(str(tiny.workspace))
    found = find_corpus(plan_build(tiny.recipe, "/", storage), storage)
    assert found is not None
    assert found.version == tiny.manifest.version
    other = plan_build(tiny.recipe.with_(seed=tiny.recipe.seed + 1), "/", storage)
    assert find_corpus(other, storage) is None


def test_a_plan_knows_the_splits_of_the_version_before(tiny: Tiny) -> None:
    plan = plan_build(tiny.recipe, "/", Storage(str(tiny.workspace)))
    assert plan.newest == tiny.manifest.version
    assert len(plan.earlier) == tiny.manifest.counts["images"]


def test_a_version_sealed_since_renews_the_plan(tiny: Tiny, tmp_path: Path) -> None:
    """Another process was faster between the plan and the lock."""
    storage = Storage(str(tiny.workspace))
    plan = plan_build(tiny.recipe, "/", storage)
    assert renewed(plan, storage) is plan
    early = plan_build(tiny.recipe, "/", Storage(str(tmp_path)))
    assert (early.newest, early.earlier) == ("", {})
    assert renewed(early, storage) == plan
    careless = replace(early, recipe=tiny.recipe.with_(curation=None))
    assert renewed(careless, storage) is careless


def test_a_small_run_has_a_name_and_a_history_of_its_own(tiny: Tiny) -> None:
    plan = plan_build(tiny.recipe, "/", Storage(str(tiny.workspace)), limit=1)
    assert (plan.recipe.name, plan.limit) == (f"{tiny.recipe.name}-limit1", 1)
    assert plan.earlier == {}


def test_pools_from_nowhere_are_told(tiny: Tiny) -> None:
    recipe = Recipe.model_validate(tiny.recipe.model_dump() | {"pools_from": "nowhere"})
    with pytest.raises(UserError):
        plan_build(recipe, "/", Storage(str(tiny.workspace)))


def test_from_the_command_to_the_first_stage_all_is_found_out_once(
    photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.yaml").write_text(
        f"name: m\nscale: 2\nimages: {{real: ['{photographs}/real']}}\ntiles: {{size: 48}}\n"
        "realism: {enabled: false}\ncuration: {}\ndegraders: [{kind: bicubic}]\n"
    )
    counts, order = Counter[str](), list[str]()

    def count(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_name
        if event == "call" and "run_stage" not in order and name in WATCHED | {"run_stage"}:
            counts[name] += 1
            order.append(name)

    token = with_prefect.set(False)
    sys.setprofile(count)
    try:
        build_corpus(str(tmp_path / "r.yaml"), str(tmp_path / "w"), "local", 1, "cpu", None)
    finally:
        sys.setprofile(None)
        with_prefect.reset(token)
    assert counts.pop("read_log") == 2  # once for the plan, once under the lock
    assert counts.pop("read_credits") == 2  # images are listed again, as they may have changed
    assert counts.pop("run_stage") == 1
    assert set(counts.values()) == {1}, counts
    assert set(counts) == WATCHED - {"read_log", "read_credits"}
