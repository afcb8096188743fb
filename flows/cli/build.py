"""`build`, `new` and the pools: from the command line into a flow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pairmill.flows import terminal
from pairmill.pipeline.recipe.load import load_recipe, new_recipe
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import InterruptError, PairmillError, UserError

T = TypeVar("T")
SCALES = (2, 4, 8)
"""Scales that a new recipe may have: those of degrader realsr."""


def build_corpus(
    recipe_path: str,
    workspace: str,
    engine: str,
    workers: int | None,
    device: str,
    limit: int | None,
) -> CorpusManifest:
    """Find the corpus of a recipe, or build it, and say where it is."""
    recipe, base = load_recipe(recipe_path)  # mistakes are told before anything heavy is imported

    from pairmill.pipeline.build.build import find_corpus, limited
    from pairmill.pipeline.training.recipe import following
    from pairmill.pipeline.workspace.lock import BUILD, GC, check_room, refuse

    training, storage = following(recipe, base), Storage(workspace)
    manifest = find_corpus(recipe, base, storage, limit)
    fresh = manifest is None
    if manifest is None:
        refuse(storage, f"{BUILD}{limited(recipe, limit).name}")  # before any server starts
        refuse(storage, GC)
        check_room(storage)
        terminal.line(f"[bold]{recipe.name}[/]: starting the engine")
        manifest = carried(
            lambda: _flow("build")(recipe_path, workspace, engine, workers, limit, device)
        )
    folder = storage.path(layout.version_folder(manifest.identity.name, manifest.version))
    terminal.built(manifest, folder, workspace, fresh=fresh)
    if training:
        from pairmill.flows.cli.training import run_training
        from pairmill.pipeline.training.recipe import TRIAL

        steps = (
            None if limit is None else TRIAL
        )  # what a build that was found, or was killed after it, left to do
        run_training(
            training, workspace, device, steps, f"{manifest.identity.name}@{manifest.version}"
        )
    return manifest


def make_pool(
    kind: str, recipe_path: str, workspace: str, engine: str, workers: int | None, device: str
) -> str:
    """Run a recipe up to one of its pools; returns the pool's stage key."""
    load_recipe(recipe_path)

    from pairmill.pipeline.workspace.lock import check_room

    check_room(Storage(workspace))
    return carried(
        lambda: str(_flow("pools")(kind, recipe_path, workspace, engine, workers, device))
    )


def carried(work: Callable[[], T]) -> T:
    """Run a flow under progress bars, with a Prefect server that ends with this process."""
    from pairmill.flows.cli.training import TrainBar
    from pairmill.flows.prefect_support.ephemeral_server import own_server
    from pairmill.flows.progress import heard, listener

    with terminal.Bars() as bars:
        token, token_of_training = listener.set(bars), heard.set(TrainBar(bars))
        try:
            with own_server() as ended:
                try:
                    return work()
                except Exception as error:
                    if isinstance(error, PairmillError) or not (
                        ended() or follows_interrupt(error)
                    ):
                        raise
                    # a signal to all processes took the server first
                    raise KeyboardInterrupt from None
        except KeyboardInterrupt:
            raise InterruptError(
                "interrupted; what is finished stays",
                todo="run the same command again; it goes on from there",
            ) from None
        finally:
            listener.reset(token)
            heard.reset(token_of_training)


def follows_interrupt(error: BaseException) -> bool:
    """Whether an error arose while a signal was handled: libraries that clean up half-built things
    fail at it.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None


def _flow(name: str) -> Any:
    from pairmill.flows import build

    return getattr(build, name)


def write_recipe(folder: str, scale: int, name: str | None) -> None:
    """Write NAME.yaml for a folder of photographs.

    Raises:
        UserError: if the folder is not there, or the file already is.
    """
    from pairmill.flows.cli.main import name_from

    place = Path(folder).expanduser()
    if not place.is_dir():
        todo = "name the folder that holds your photographs"
        raise UserError("there is no such folder", where=str(place.absolute()), todo=todo)
    if scale not in SCALES:
        todo = (
            "write 2, 4 or 8, and change scale and degraders in the recipe: hand-made "
            "degraders know scale 3 as well"
        )
        raise UserError(
            "kernels of photographs are not for this scale",
            where="--scale",
            got=str(scale),
            wanted="2, 4 or 8",
            todo=todo,
        )
    chosen = name or name_from(str(place))
    target = Path(f"{chosen}.yaml")
    if target.exists():
        raise UserError(
            "the recipe is there already",
            where=str(target.absolute()),
            todo="edit it, or give another --name",
        )
    from pairmill.pipeline.recipe.load import parse_recipe

    text = new_recipe(chosen, str(place.resolve()), scale)
    parse_recipe(text, str(target))
    target.write_text(text, "utf-8")
    terminal.line(f"wrote [bold]{target}[/]\n  next     pairmill build {target}")
