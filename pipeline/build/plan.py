"""What a build knows before its first stage, found out once; and whether it is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pairmill.pipeline.build.build import NotFinishedError, finder, limited, make
from pairmill.pipeline.build.pinned_pools import pinned_pools
from pairmill.pipeline.build.previous_splits import newest_version, split_keys
from pairmill.pipeline.build.publish import sealed_version
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.corpora.log import read_log
from pairmill.pipeline.pools.base import Pools
from pairmill.pipeline.runner.stage import Run
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.recipe import Recipe


@dataclass(frozen=True)
class BuildPlan:
    """A recipe, and what the workspace says to it; the images are listed by the stages."""

    recipe: Recipe
    """Under the name of the corpus, which distinguishes a small run from a whole one."""
    base: str
    """Folder that relative image patterns start at."""
    limit: int | None
    """Maximum number of images per role; none means all."""
    pinned: Pools | None
    """Pools to draw from instead of estimating."""
    newest: str
    """Version that the corpus had; empty if it had none or its splits do not matter."""
    earlier: Mapping[str, str]
    """Images of that version, and whose draw each fell into its split by."""


def plan_build(recipe: Recipe, base: str, storage: Storage, limit: int | None = None) -> BuildPlan:
    """Find out what a build of a recipe needs; computes nothing.

    Raises:
        UserError: if `pools_from` names no version that fits.
    """
    named = limited(recipe, limit)
    newest = _newest_that_matters(named, storage)
    earlier = split_keys(storage, named, named.name, newest)
    return BuildPlan(named, base, limit, pinned_pools(storage, recipe), newest, earlier)


def renewed(plan: BuildPlan, storage: Storage) -> BuildPlan:
    """The plan, with the splits of the version that somebody else has sealed since.

    Call it under the lock of the build, which keeps others from doing so again.
    """
    newest = _newest_that_matters(plan.recipe, storage)
    if newest == plan.newest:
        return plan
    earlier = split_keys(storage, plan.recipe, plan.recipe.name, newest)
    return replace(plan, newest=newest, earlier=earlier)


def make_planned(plan: BuildPlan, run: Run) -> BuildResult:
    """All stages of a plan up to the finished shards; see `make`."""
    return make(plan.recipe, plan.base, run, plan.limit, plan.pinned, plan.earlier)


def find_corpus(plan: BuildPlan, storage: Storage) -> CorpusManifest | None:
    """The sealed version of a plan if every stage is finished and it is the newest of its log;
    computes nothing.

    Raises:
        UserError: if the images cannot be found.
    """
    try:
        made = make_planned(plan, finder(storage))
    except NotFinishedError:
        return None
    manifest = sealed_version(storage, made)
    log = read_log(storage, made.recipe.name)
    return manifest if manifest and log and log[-1].version == manifest.version else None


def _newest_that_matters(recipe: Recipe, storage: Storage) -> str:
    return newest_version(storage, recipe.name) if recipe.curation is not None else ""
