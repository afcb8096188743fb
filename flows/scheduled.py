"""The flow that a schedule runs: a build that ends in seconds where there is nothing new, and that never overlaps another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.quiet import settle

settle()

from prefect import flow  # noqa: E402
from prefect.client.schemas.objects import State  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Cancelled, Completed, Failed  # noqa: E402

from flows.build import build  # noqa: E402
from pipeline.build import find_corpus  # noqa: E402
from pipeline.recipes import load_recipe  # noqa: E402
from pipeline.storage import Storage  # noqa: E402
from schemas.corpus import CorpusManifest  # noqa: E402
from schemas.errors import BusyError, PairmillError  # noqa: E402


def named() -> str:
    """Name of a run: the recipe's file name."""
    return Path(str(flow_run.parameters.get("recipe_path", "build"))).stem


@flow(name="scheduled-build", flow_run_name=named, validate_parameters=False)
def scheduled_build(
    recipe_path: str, workspace: str = "data", engine_address: str = "local", workers: int | None = None, device: str = "cpu"
) -> State[Any]:
    """Build a corpus if there is anything new; see `flows.build.build` for the parameters.

    Returns:
        Completed with a new version; Completed as `Nothing new`; Cancelled as `Refused` while somebody else builds the corpus or
        collects garbage; Failed with a message for people.
    """
    try:
        recipe, base = load_recipe(recipe_path)
        found = find_corpus(recipe, base, Storage(workspace))
        if found is not None:
            return Completed(name="Nothing new", message=f"nothing new: {_reference(found)} is of these images and this recipe")
        made = build.fn(recipe_path, workspace, engine_address, workers, None, device)
    except BusyError as busy:
        return Cancelled(name="Refused", message=busy.text())
    except PairmillError as error:
        return Failed(message=error.text())
    return Completed(message=f"sealed {_reference(made)}, {sum(made.identity.samples.values())} pairs")


def _reference(manifest: CorpusManifest) -> str:
    return f"{manifest.identity.name}@{manifest.version}"
