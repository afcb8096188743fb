"""The command line: `pairmill`. Heavy imports wait until a command needs them."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pairmill.flows.cli import corpus, fit, images, networks, pool, serve
from pairmill.flows.cli.options import Corpus, Device, Engine, NoPrefect, Workers, Workspace

FIRST = (
    "camera",
    "new",
    "preview",
    "build",
    "corpus",
    "demo",
    "explain",
    "images",
    "pool",
    "fit",
    "train",
)
"""What help lists first: the way to a corpus, and to a network."""


class Ordered(TyperGroup):
    """Commands in the order in which people meet them, groups among them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """See `click.Group.list_commands`."""
        names = super().list_commands(ctx)
        return [*FIRST, *(name for name in names if name not in FIRST)]


app = typer.Typer(
    name="pairmill",
    cls=Ordered,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Builds realistic HR/LR training pairs from your own low-resolution photos.",
)
app.add_typer(pool.app, name="pool")
app.add_typer(fit.app, name="fit")
app.add_typer(corpus.app, name="corpus")
app.add_typer(images.app, name="images")
networks.register(app)
serve.register(app)


def _show_version(asked: bool) -> None:
    if asked:
        from pairmill.version import __version__  # late: looking it up takes a while

        typer.echo(f"pairmill {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of `pairmill` itself."""


@app.command()
def build(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Take at most this many images per role: a small trial build."),
    ] = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Build the corpus of a recipe; finished work is found, not repeated."""
    from pairmill.flows.cli.build import build_corpus

    build_corpus(recipe, workspace, engine, workers, device, limit)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Training recipe (YAML).")],
    workspace: Workspace = "data",
    device: Annotated[
        str, typer.Option("--device", help="Where to train: cpu, cuda or auto.")
    ] = "auto",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Train at most this many steps: a small trial run.")
    ] = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Train a super-resolution network on a corpus; an interrupted run continues."""
    from pairmill.flows.cli.training import run_training

    run_training(recipe, workspace, device, limit)


@app.command()
def demo(
    workspace: Workspace = "data",
    workers: Workers = None,
    no_prefect: NoPrefect = False,  # noqa: ARG001
) -> None:
    """Build a small corpus from photos that come with scikit-image and scikit-learn."""
    from pairmill.flows.cli.demo import run_demo

    run_demo(workspace, workers)


@app.command()
def camera(
    photographs: Annotated[
        list[str], typer.Argument(help="Your photos: files, folders, globs or URLs.")
    ],
    scale: Annotated[int, typer.Option(help="Scale that kernels are for: 2, 3, 4 or 8.")] = 2,
    clean: Annotated[
        list[str] | None,
        typer.Option(help="Clean images that kernels will be put on; without any, sharp pictures."),
    ] = None,
    group_by: Annotated[
        str,
        typer.Option(
            help="How to tell cameras apart: auto, names (of folders), exif, spectra, one."
        ),
    ] = "auto",
    out: Annotated[
        str | None, typer.Option(help="Folder for a page, the kernels and all numbers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show what the camera of some photos does: blur, noise, compression; builds nothing."""
    from pairmill.flows.cli.camera import show_camera

    show_camera(
        photographs,
        scale=scale,
        clean=clean or [],
        group_by=group_by,
        out=out,
        as_json=as_json,
        open_=open_,
    )


@app.command()
def new(
    folder: Annotated[str, typer.Argument(help="Folder with your real photos, or its URL.")],
    scale: Annotated[int, typer.Option(help="Scale (HR side / LR side): 2, 3, 4 or 8.")] = 2,
    name: Annotated[
        str | None, typer.Option(help="Name of the corpus; by default that of the folder.")
    ] = None,
) -> None:
    """Write a recipe for a folder of photos into the current folder."""
    from pairmill.flows.cli.new import write_recipe

    write_recipe(folder, scale, name)


@app.command()
def preview(
    recipe: Annotated[str, typer.Argument(help="Recipe file (YAML).")],
    images: Annotated[
        list[str] | None, typer.Argument(help="Images to use instead of the recipe's.")
    ] = None,
    workspace: Workspace = "data",
    draws: Annotated[int, typer.Option(min=1, max=20, help="Programs per degrader.")] = 3,
    out: Annotated[
        str | None, typer.Option(help="Folder for the page; by default in the workspace.")
    ] = None,
    workers: Workers = None,
    open_: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="Open the page in the browser; --live does so unless told otherwise.",
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="A page with the settings as sliders, until Ctrl-C."),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of --live; 0 takes any that is free.")
    ] = 0,
) -> None:
    """Show what a recipe's degraders do to its images, and what a build would cost."""
    if live:
        from pairmill.flows.cli.live import run_live

        run_live(recipe, images or [], workspace, port=port, open_=open_)
        return
    from pairmill.flows.cli.preview import run_preview

    run_preview(
        recipe,
        images or [],
        workspace,
        draws=draws,
        out=out,
        workers=workers,
        open_=open_ or False,
    )


@app.command()
def explain(
    corpus: Corpus,
    key: Annotated[str, typer.Argument(help="Key of a sample; `pairmill corpus show` lists some.")],
    workspace: Workspace = "data",
    out: Annotated[
        str | None, typer.Option(help="Folder for the page; by default in the workspace.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show step by step how one LR was made from its HR, and where both come from."""
    from pairmill.flows.cli.explain import run_explain

    run_explain(corpus, key, workspace, out=out, open_=open_)


@app.command()
def doctor(workspace: Workspace = "data") -> None:
    """Check that this machine has everything a build needs."""
    from pairmill.flows.cli.doctor import examine

    examine(workspace)


def main() -> None:
    """Run the command line; a user's mistake is a message and exit code 2, never a traceback."""
    from pairmill.schemas.errors import InterruptError, PairmillError

    _listen()
    try:
        app()
    except PairmillError as problem:
        from pairmill.flows import terminal

        if isinstance(problem, InterruptError):
            quieten()
        terminal.error(problem)
        leave(problem.exit_code)
    except KeyboardInterrupt:
        quieten()
        leave(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        leave(1)


def _listen() -> None:
    """Answer SIGTERM as Ctrl-C; runs listen more closely: `pairmill.flows.interrupts`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def quieten() -> None:
    """After an interrupt, libraries that fail to end what they had half begun say so to nobody."""
    sys.unraisablehook = lambda _: None
    logging.disable(logging.CRITICAL)


def leave(code: int) -> None:
    """Exit."""
    sys.exit(code)
