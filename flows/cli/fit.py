"""`pairmill fit`: learned degradations alone."""

from __future__ import annotations

from typing import Annotated

import typer

from pairmill.flows.cli.options import Device, Engine, NoPrefect, Workers, Workspace

app = typer.Typer(
    no_args_is_help=True,
    help="Fit learned degradations to a recipe's real images and show whether they pass.",
)


@app.callback()
def fits() -> None:
    """Fit learned degradations to a recipe's real images and show whether they pass."""


def _fit_and_show(
    kind: str, recipe: str, workspace: str, engine: str, workers: int | None, device: str
) -> None:
    from pairmill.flows.cli.build import make_pool
    from pairmill.flows.cli.pool_tables import show_pools

    make_pool(kind, recipe, workspace, engine, workers, device)
    show_pools(recipe, workspace, kind)


@app.command()
def pdm(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Learn kernels and noise (PDM); an interrupted fit continues."""
    _fit_and_show("pdm", recipe, workspace, engine, workers, device)


@app.command()
def redegnet(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Learn degradations from real pairs (ReDegNet); an interrupted fit continues."""
    from pairmill.flows import terminal
    from pairmill.pipeline.recipe.load import load_recipe

    if load_recipe(recipe)[0].redegnet.vgg_weights is None:
        terminal.line("  no redegnet.vgg_weights: the perceptual and the style loss are off")
    _fit_and_show("redegnet", recipe, workspace, engine, workers, device)
