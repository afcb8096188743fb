"""From a plan to a sealed corpus, or to one of its pools, whoever keeps the history of the run."""

from __future__ import annotations

from pairmill.flows.engine import EngineChoice
from pairmill.flows.session import Session, carrying
from pairmill.flows.tracker import Tracker
from pairmill.pipeline.build.plan import BuildPlan, make_planned, renewed
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.select_images import select_images
from pairmill.pipeline.pools.make_pools import (
    make_compression,
    make_generated_kernels,
    make_kernels,
    make_noise,
    make_pdm,
    make_redegnet,
)
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.stages import clean_up
from pairmill.pipeline.workspace import provenance
from pairmill.pipeline.workspace.lock import POOLS, making
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.hr import CutConfig


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
        manifest = tracker.step(
            "seal corpus", lambda: publish(made, session.profile, circumstance, write_report)
        )
    tracker.built(storage, manifest)
    return manifest


def build_pool(
    kind: str, plan: BuildPlan, workspace: str, engine: EngineChoice, tracker: Tracker
) -> str:
    """Run a plan up to its kernel pool (`kernels`), noise pool (`noise`), compression pool
    (`compression`), PDM (`pdm`) or ReDegNet (`redegnet`).

    Returns:
        The pool's stage key.
    """
    lock = making(Storage(workspace), f"{plan.recipe.name}-{kind}", POOLS)
    with lock, carrying(workspace, engine, tracker) as session:
        return _pool(kind, plan, session)


def _pool(kind: str, plan: BuildPlan, session: Session) -> str:
    recipe, base = plan.recipe, plan.base
    images = select_images(recipe, base, session.run, plan.limit, plan.earlier).images.manifest
    if kind == "compression":
        return make_compression(recipe, images, session.run).key
    if kind in ("pdm", "redegnet"):
        hr = session.run(
            clean_up.STAGE, images, CutConfig(clean_up=recipe.clean_up, tiles=recipe.tiles)
        ).manifest
        if kind == "redegnet":
            return make_redegnet(recipe, images, hr, base, session.run).key
        return make_pdm(recipe, images, hr, session.run).key
    if kind == "noise":
        return make_noise(recipe, images, session.run).key
    kernels = make_kernels(recipe, images, session.run)
    if recipe.needs_generated_kernels:
        make_generated_kernels(recipe, kernels, session.run)
    return kernels.key
