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
