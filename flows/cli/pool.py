"""`pairmill pool`: the pools alone."""

from __future__ import annotations

from typing import Annotated

import typer

from pairmill.flows.cli.options import Device, Engine, NoPrefect, Workers, Workspace

app = typer.Typer(
    no_args_is_help=True,
    help="Estimate kernels, mine noise and compression; show what was found.",
)
RecipeFile = Annotated[str, typer.Argument(help="Recipe file (YAML).")]


def _make_and_show(
    kind: str, recipe: str, workspace: str, engine: str, workers: int | None, device: str
) -> None:
    from pairmill.flows.cli.build import make_pool
    from pairmill.flows.cli.pool_tables import show_pools

    make_pool(kind, recipe, workspace, engine, workers, device)
    show_pools(recipe, workspace, kind)


@app.command()
def kernels(
    recipe: RecipeFile,
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Estimate and judge the kernels of a recipe's real images, and seal the accepted ones."""
    _make_and_show("kernels", recipe, workspace, engine, workers, device)


@app.command()
def noise(
    recipe: RecipeFile,
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Mine the noise of a recipe's real images, and seal the chosen patches."""
    _make_and_show("noise", recipe, workspace, engine, workers, "cpu")


@app.command()
def compression(
    recipe: RecipeFile,
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Find out how a recipe's real images were compressed as JPEG, and seal the encoders."""
    _make_and_show("compression", recipe, workspace, engine, workers, "cpu")


@app.command()
def aligned(
    recipe: RecipeFile,
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Register a recipe's real pairs (images.aligned), say which are good enough, and cut them."""
    _make_and_show("aligned", recipe, workspace, engine, workers, "cpu")


@app.command()
def show(
    recipe: RecipeFile,
    workspace: Workspace = "data",
    limit: Annotated[
        int | None, typer.Option(min=1, help="The --limit of the build, if it had one.")
    ] = None,
) -> None:
    """Show a recipe's pools: verdicts on kernels, noise and compression of each image."""
    from pairmill.flows.cli.pool_tables import show_pools

    show_pools(recipe, workspace, limit=limit)
