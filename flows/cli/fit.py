"""`pairmill fit`: learned degradations alone, and hand-made chains fitted to photographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from pairmill.flows.cli.options import (
    Device,
    Engine,
    NoPrefect,
    Workers,
    Workspace,
    checked_options,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Fit degradations to a recipe's real images: learned ones, or the ranges of a chain.",
)


@app.callback()
def fits() -> None:
    """Fit degradations to a recipe's real images: learned ones, or the ranges of a chain."""


def _fit_and_show(
    kind: str, recipe: str, workspace: str, engine: str, workers: int | None, device: str
) -> None:
    from pairmill.flows.cli.build import make_pool
    from pairmill.flows.cli.pool_tables import show_pools

    make_pool(kind, recipe, workspace, engine, workers, device)
    show_pools(recipe, workspace, kind)


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


LEARNED = {
    "pdm": "Learn kernels and noise (PDM); an interrupted fit continues.",
    "dsgan": "Learn the character of the photographs (DSGAN); an interrupted fit continues.",
    "bulat": "Learn to degrade HR (Bulat et al.); an interrupted fit continues.",
    "cincgan": "Learn what undoes the cleaning of photographs (CinCGAN); an interrupted fit "
    "continues.",
    "cyclesr": "Learn to degrade bicubic LR by cycles (CycleSR); an interrupted fit continues.",
    "maeda": "Learn to degrade bicubic LR by pseudo-supervision (Maeda); an interrupted fit "
    "continues.",
}
"""What each command of a degradation that is learned from unpaired images says of itself."""


def _learned(kind: str) -> Callable[..., None]:
    def command(
        recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
        workspace: Workspace = "data",
        engine: Engine = "local",
        workers: Workers = None,
        device: Device = "cpu",
        no_prefect: NoPrefect = False,  # noqa: ARG001
    ) -> None:
        _fit_and_show(kind, recipe, workspace, engine, workers, device)

    return command


for _kind, _words in LEARNED.items():
    app.command(_kind, help=_words)(_learned(_kind))


@app.command()
def fkp(
    scale: Annotated[int, typer.Option(help="Scale of the kernels: 2, 3, 4 or 8.")] = 2,
    workspace: Workspace = "data",
) -> None:
    """Learn what Gaussian kernels look like (FKP), in a minute or two; what needs it does so
    itself.
    """
    from pairmill.flows.cli.flow_fit import run_flow_fit

    run_flow_fit(scale, workspace)


@app.command()
def chain(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    degrader: Annotated[
        str,
        typer.Option(help="One of the recipe's, or a kind: bsrgan, realesrgan, codec, custom."),
    ],
    out: Annotated[str, typer.Option(help="Recipe file to write.")] = "fitted.yaml",
    rounds: Annotated[int, typer.Option(help="Most rounds of trying and narrowing.")] = 10,
    trials: Annotated[int, typer.Option(help="Sub-ranges that are tried in a round.")] = 1600,
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Narrow the ranges of a hand-made chain to what your photographs show; an interrupted fit
    continues.
    """
    from pairmill.flows.cli.chain_fit import run_chain_fit
    from pairmill.schemas.chain_fit import ChainFitConfig

    config = checked_options(ChainFitConfig, {"rounds": rounds, "trials": trials})
    run_chain_fit(recipe, degrader, out, workspace, engine, workers, config)
