"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Workspace = Annotated[str, typer.Option("--workspace", help="Folder or fsspec URL that holds stages and corpora.")]
Engine = Annotated[str, typer.Option("--engine", help="`local`, or the address of a Dask scheduler: tcp://host:port.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Local worker processes; one per processor without it.")]
Device = Annotated[str, typer.Option("--device", help="Where kernels are estimated: cpu, cuda or auto.")]
Corpus = Annotated[str, typer.Argument(help="NAME for the newest version, NAME@VERSION or NAME@TAG.")]
