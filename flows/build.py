"""From a plan to a sealed corpus, or to one of its pools, whoever keeps the history of the run."""

from __future__ import annotations

from functools import partial

from pairmill.flows.engine import EngineChoice
from pairmill.flows.session import carrying
from pairmill.flows.tracker import Tracker
from pairmill.pipeline.build.plan import BuildPlan, make_planned, renewed
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.make_pools import make_pool
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.listeners import under_way
from pairmill.pipeline.workspace import provenance
from pairmill.pipeline.workspace.lock import POOLS, making
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest


def build_corpus(
    plan: BuildPlan, workspace: str, engine: EngineChoice, tracker: Tracker
) -> CorpusManifest:
    """Run all stages of a plan and seal a version.

    Args:
        plan: What to build, as `plan_build` found it.
        workspace: Folder or fsspec URL of the workspace.
        engine: Where the stages run.
        tracker: Carries the steps, and shows what came of them.

    Returns:
        The manifest of the version.

    Raises:
        BusyError: if somebody else builds this corpus or collects garbage.
        PairmillError: what the stages raise.
    """
    started, storage = provenance.now(), Storage(workspace)
    with (
        making(storage, plan.recipe.name) as lock,
        carrying(workspace, engine, tracker) as session,
    ):
        made = make_planned(renewed(plan, storage), session.run)
        circumstance = provenance.circumstance(
            started, session.title, tracker.run_id(), tuple(session.timings.rows)
        )
        lock.check()
        with under_way(session.watcher, "seal and report") as next_:
            report = partial(write_report, advanced=next_)
            manifest = tracker.step(
                "seal corpus", lambda: publish(made, session.profile, circumstance, report)
            )
    tracker.built(storage, manifest)
    return manifest


def build_pool(
    kind: str, plan: BuildPlan, workspace: str, engine: EngineChoice, tracker: Tracker
) -> str:
    """Run a plan up to one kind of pool, see `pairmill.pipeline.pools.POOLS`.

    Returns:
        The pool's stage key.
    """
    lock = making(Storage(workspace), f"{plan.recipe.name}-{kind}", POOLS)
    with lock, carrying(workspace, engine, tracker) as session:
        recipe, base, run = plan.recipe, plan.base, session.run
        images = select_images(recipe, base, run, plan.limit, plan.earlier).images.manifest
        return make_pool(kind, Making(recipe=recipe, images=images, base=base, run=run)).key
