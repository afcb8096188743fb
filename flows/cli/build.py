"""`pairmill build` and the pools: from the command line into a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pairmill.flows import terminal
from pairmill.flows.cli.options import with_prefect
from pairmill.flows.prefect_support.ephemeral_server import start_ahead
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage

if TYPE_CHECKING:
    from pairmill.flows.engine import EngineChoice
    from pairmill.flows.tracker import RunInfo
    from pairmill.pipeline.build.plan import BuildPlan
    from pairmill.schemas.corpus import CorpusManifest


def build_corpus(
    recipe_path: str,
    workspace: str,
    engine: str,
    workers: int | None,
    device: str,
    limit: int | None,
) -> CorpusManifest:
    """Find the corpus of a recipe or build it, say where it is, and train if the recipe says so."""
    # Mistakes are reported before anything heavy is imported.
    recipe, base = load_recipe(recipe_path)

    from pairmill.flows.engine import EngineChoice
    from pairmill.pipeline.build.plan import find_corpus, plan_build
    from pairmill.pipeline.training.recipe import TRIAL, following

    training, storage = following(recipe, base), Storage(workspace)
    choice = EngineChoice(engine, workers, device)
    plan = plan_build(recipe, base, storage, limit)
    found = find_corpus(plan, storage)
    manifest = found or _built(plan, recipe_path, workspace, choice)
    folder = storage.path(layout.version_folder(manifest.identity.name, manifest.version))
    terminal.built(manifest, folder, workspace, fresh=found is None)
    if training:
        from pairmill.flows.cli.training import run_training

        steps = None if limit is None else TRIAL
        reference = f"{manifest.identity.name}@{manifest.version}"
        run_training(training, workspace, device, steps, reference)
    return manifest


def _built(
    plan: BuildPlan, recipe_path: str, workspace: str, choice: EngineChoice
) -> CorpusManifest:
    from pairmill.pipeline.build.libraries import check_libraries
    from pairmill.pipeline.workspace.lock import BUILD, GC, check_room, refuse

    check_libraries(plan.recipe)
    storage = Storage(workspace)
    refuse(storage, f"{BUILD}{plan.recipe.name}")  # before any server starts
    refuse(storage, GC)
    check_room(storage)
    terminal.line(f"[bold]{plan.recipe.name}[/]: starting the engine")
    if with_prefect.get():
        start_ahead()

    from pairmill.flows.build import build_corpus as build
    from pairmill.flows.cli.carried import carried

    info = _info("build", "build", recipe_path, workspace, choice, limit=plan.limit)
    return carried(info, lambda tracker: build(plan, workspace, choice, tracker))


def make_pool(
    kind: str, recipe_path: str, workspace: str, engine: str, workers: int | None, device: str
) -> str:
    """Run a recipe up to one of its pools; returns the pool's stage key."""
    recipe, base = load_recipe(recipe_path)

    from pairmill.flows.build import build_pool
    from pairmill.flows.cli.carried import carried
    from pairmill.flows.engine import EngineChoice
    from pairmill.pipeline.build.plan import plan_build
    from pairmill.pipeline.workspace.lock import check_room

    check_room(Storage(workspace))
    plan, choice = (
        plan_build(recipe, base, Storage(workspace)),
        EngineChoice(engine, workers, device),
    )
    info = _info("pools", kind, recipe_path, workspace, choice, kind=kind)
    return carried(info, lambda tracker: build_pool(kind, plan, workspace, choice, tracker))


def _info(
    flow: str, title: str, recipe_path: str, workspace: str, choice: EngineChoice, **more: object
) -> RunInfo:
    from pairmill.flows.tracker import RunInfo

    parameters = {
        "recipe_path": recipe_path,
        "workspace": workspace,
        "engine_address": choice.address,
        "workers": choice.workers,
        "device": choice.device,
        **more,
    }
    return RunInfo(flow, f"{title}-{recipe_path}", parameters)
