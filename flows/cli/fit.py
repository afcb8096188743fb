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


@app.command()
def pdm(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Learn kernels and noise (PDM); an interrupted fit goes on."""
    from pairmill.flows.cli.fitted import fit_pdm

    fit_pdm(recipe, workspace, engine, workers, device)


@app.command()
def redegnet(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Learn degradations from real pairs (ReDegNet); an interrupted fit goes on."""
    from pairmill.flows.cli.fitted_redegnet import fit_redegnet

    fit_redegnet(recipe, workspace, engine, workers, device)
