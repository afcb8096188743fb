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
from pairmill.pipeline.build.build import find_corpus  # noqa: E402
from pairmill.pipeline.recipe.load import load_recipe  # noqa: E402
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
    """Build a corpus if there is anything new; see `pairmill.flows.build.build` for the parameters.

    Returns:
        Completed with a new version; Completed as `Nothing new`; Cancelled as `Refused` while
        somebody else builds the corpus or collects garbage; Failed with a message for people.
    """
    try:
        return tell(_made(recipe_path, workspace, engine_address, workers, device))
    except BusyError as busy:
        return tell(Cancelled(name="Refused", message=busy.text()))
    except PairmillError as error:
        return tell(Failed(message=error.text()))
    except (KeyboardInterrupt, TerminationSignal):
        return tell(
            Cancelled(
                name="Interrupted",
                message="interrupted; the next run goes on from what is finished",
            )
        )


def _made(
    recipe_path: str, workspace: str, engine_address: str, workers: int | None, device: str
) -> State[Any]:
    recipe, base = load_recipe(recipe_path)
    found = find_corpus(recipe, base, Storage(workspace))
    if found is not None:
        return Completed(
            name="Nothing new",
            message=f"nothing new: {_reference(found)} is of these images and this recipe",
        )
    from pairmill.flows.build import (
        build,  # brings Dask, which a run with nothing to do does not need
    )

    made = build.fn(recipe_path, workspace, engine_address, workers, None, device)
    return Completed(
        message=f"sealed {_reference(made)}, {sum(made.identity.samples.values())} pairs"
    )


def tell(state: State[Any]) -> State[Any]:
    """Print how a run ended, in a line of the terminal or of the worker's diary."""
    terminal.line(
        f"{datetime.now():%Y-%m-%d %H:%M}  [bold]{flow_run.flow_name}[/]  "
        f"{escape(state.message or state.name or '')}"
    )
    return state


def _reference(manifest: CorpusManifest) -> str:
    return f"{manifest.identity.name}@{manifest.version}"
