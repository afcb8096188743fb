"""`pairmill corpus`: list, look at, verify and replay corpora."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Corpus, Workspace

app = typer.Typer(no_args_is_help=True, help="List, look at, verify and replay sealed corpora.")


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="One corpus; all without it.")] = None, workspace: Workspace = "data"
) -> None:
    """List corpora and their versions."""
    from flows.cli.corpora import list_corpora

    list_corpora(workspace, name)


@app.command()
def show(corpus: Corpus, workspace: Workspace = "data") -> None:
    """Show what a version holds and where it came from."""
    from flows.cli.corpora import show_corpus

    show_corpus(workspace, corpus)


@app.command()
def verify(corpus: Corpus, workspace: Workspace = "data") -> None:
    """Check every byte of a version; exit 1 and name shard and sample if one differs."""
    from flows.cli.corpora import verify_corpus

    verify_corpus(workspace, corpus)


@app.command()
def replay(
    corpus: Corpus,
    keys: Annotated[list[str] | None, typer.Argument(help="Samples; a few random ones without any.")] = None,
    workspace: Workspace = "data",
    every: Annotated[bool, typer.Option("--all", help="Replay all samples.")] = False,
    out: Annotated[str | None, typer.Option(help="Folder to write HR, LR and replayed LR pictures to.")] = None,
) -> None:
    """Make LR pictures again from HR, program and pools, and compare; exit 1 if one differs."""
    from flows.cli.corpora import replay_samples

    replay_samples(workspace, corpus, keys or [], every=every, out=out)


@app.command()
def report(
    corpus: Corpus,
    workspace: Workspace = "data",
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Say where the report of a version is, or open it."""
    from flows.cli.corpora import report_of

    report_of(workspace, corpus, open_=open_)


@app.command()
def realism(
    corpus: Corpus,
    workspace: Workspace = "data",
    real: Annotated[
        list[str] | None, typer.Option(help="Real photographs to compare with; those of the recipe without any.")
    ] = None,
    patches: Annotated[int, typer.Option(min=100, help="Most patches of either side; more is slower and surer.")] = 500,
    patch: Annotated[int, typer.Option(help="Side of a patch, in LR pixels; a multiple of 8.")] = 32,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all choices.")] = 0,
    network: Annotated[bool, typer.Option(help="Ask a small network as well.")] = True,
) -> None:
    """Measure how well synthetic LR is told from real LR, per degrader, and write a page."""
    from flows.cli.realism import show_realism

    options = {"patches": patches, "patch": patch, "folds": folds, "seed": seed, "network": network}
    show_realism(workspace, corpus, real or [], options)
