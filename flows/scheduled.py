"""The flow that a schedule runs: a build that ends in seconds where there is nothing new, and that
never overlaps another.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect import flow  # noqa: E402
from prefect.client.schemas.objects import State  # noqa: E402
from prefect.exceptions import TerminationSignal  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Cancelled, Completed, Failed  # noqa: E402
from rich.markup import escape  # noqa: E402

from pairmill.flows import terminal  # noqa: E402
from pairmill.flows.engine import EngineChoice  # noqa: E402
from pairmill.pipeline.build.plan import BuildPlan, find_corpus, plan_build  # noqa: E402
from pairmill.pipeline.recipe.load import load_recipe  # noqa: E402
from pairmill.pipeline.training.recipe import following, load_training  # noqa: E402
from pairmill.pipeline.workspace.storage import Storage  # noqa: E402
from pairmill.schemas.corpus import CorpusManifest  # noqa: E402
from pairmill.schemas.errors import BusyError, PairmillError  # noqa: E402


def named() -> str:
    """Name of a run: the recipe's file name, and the minute that it was due."""
    recipe = Path(str(flow_run.parameters.get("recipe_path", "build"))).stem
    return f"{recipe} {flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"


@flow(name="scheduled-build", flow_run_name=named, validate_parameters=False)
def scheduled_build(
    recipe_path: str,
    workspace: str = "data",
    engine_address: str = "local",
    workers: int | None = None,
    device: str = "cpu",
) -> State[Any]:
    """Build a corpus if there is anything new; never two of it at once.

    Args:
        recipe_path: YAML file.
        workspace: Folder or fsspec URL of the workspace.
        engine_address: `local` or the address of a Dask scheduler.
        workers: Number of local workers; none means one per processor.
        device: `cpu`, `cuda` or `auto`, for kernel estimation.

    Returns:
        Completed with a new version; Completed as `Nothing new`; Cancelled as `Refused` while
        somebody else builds the corpus or collects garbage; Failed with a message for people.
    """
    try:
        engine = EngineChoice(engine_address, workers, device)
        return tell(_made(recipe_path, workspace, engine))
    except BusyError as busy:
        return tell(Cancelled(name="Refused", message=busy.text()))
    except PairmillError as error:
        return tell(Failed(message=error.text()))
    except (KeyboardInterrupt, TerminationSignal):
        return tell(
            Cancelled(
                name="Interrupted",
                message="interrupted; the next run continues from what is finished",
            )
        )


def _made(recipe_path: str, workspace: str, engine: EngineChoice) -> State[Any]:
    recipe, base = load_recipe(recipe_path)
    storage = Storage(workspace)
    plan = plan_build(recipe, base, storage)
    found = find_corpus(plan, storage)
    if found is not None:
        return Completed(
            name="Nothing new",
            message=f"nothing new: {_reference(found)} is of these images and this recipe",
        )
    made = _built(plan, workspace, engine)
    return Completed(
        message=f"sealed {_reference(made)}, {sum(made.identity.samples.values())} pairs"
    )


def _built(plan: BuildPlan, workspace: str, engine: EngineChoice) -> CorpusManifest:
    # late: these bring what a run with nothing to do does not need
    from pairmill.flows.build import build_corpus
    from pairmill.flows.prefect_support.tracker import PrefectTracker

    training, tracker = following(plan.recipe, plan.base), PrefectTracker()
    made = build_corpus(plan, workspace, engine, tracker)
    if training:
        from pairmill.flows.train import run_info, train_network

        (config, base), reference = load_training(training), _reference(made)
        tracker.run(
            run_info(training, workspace, engine.device, None, reference),
            lambda: train_network(
                config, base, Storage(workspace), engine.device, tracker, reference
            ),
        )
    return made


def tell(state: State[Any]) -> State[Any]:
    """Print how a run ended, in a line of the terminal or of the worker's log."""
    terminal.line(
        f"{datetime.now():%Y-%m-%d %H:%M}  [bold]{flow_run.flow_name}[/]  "
        f"{escape(state.message or state.name or '')}"
    )
    return state


def _reference(manifest: CorpusManifest) -> str:
    return f"{manifest.identity.name}@{manifest.version}"
