"""`pairmill images`: look at source images before a build."""

from __future__ import annotations

from typing import Annotated

import typer

from pairmill.flows.cli.options import Workers, Workspace

app = typer.Typer(no_args_is_help=True, help="Check source images before a build.")


@app.callback()
def group() -> None:
    """Check source images before a build."""


@app.command()
def check(
    source: Annotated[
        str, typer.Argument(help="Recipe (YAML), or a folder of images, or its URL.")
    ],
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(help="Folder or glob of benchmark images; may be repeated."),
    ] = None,
    workspace: Workspace = "data",
    out: Annotated[
        str | None, typer.Option(help="Folder for the page; by default in the workspace.")
    ] = None,
    workers: Workers = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Find near-duplicates, leaks from benchmarks, blocky and blurred images, and images that are
    out of focus, enlarged, saved again or plain; list licences.
    """
    from pairmill.flows.cli.image_check import check_images

    check_images(
        source, benchmarks or [], workspace, out=out, workers=workers, as_json=json, open_=open_
    )
