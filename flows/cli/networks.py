"""`pairmill upscale` and `pairmill evaluate`: networks at work."""

from __future__ import annotations

from typing import Annotated

import typer

from pairmill.flows.cli.options import Workspace

Tile = Annotated[
    int,
    typer.Option(
        help="Largest side of a tile, in LR pixels; bounds the memory; 0 takes images whole."
    ),
]
Overlap = Annotated[int, typer.Option(help="What a tile sees around itself, in LR pixels.")]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble", help="Mean of eight positions: better by a little, eight times as slow."
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or auto.")]
Precision = Annotated[str, typer.Option(help="float32, bfloat16 or float16.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def upscale(
    images: Annotated[list[str], typer.Argument(help="Files, folders, globs or URLs.")],
    checkpoint: Annotated[
        str,
        typer.Option(help="Weights of a network: .safetensors or .pth, of ours or another tool."),
    ],
    out: Annotated[
        str,
        typer.Option(help="Folder or URL for the results; folders below what you name are kept."),
    ] = "upscaled",
    interpolate: Annotated[
        str,
        typer.Option(
            help="OTHER:ALPHA takes weights between this checkpoint (0) and another (1), such as "
            "gan.pth:0.8."
        ),
    ] = "",
    tile: Tile = 192,
    overlap: Overlap = 16,
    ensemble: Ensemble = False,
    device: Device = "cpu",
    precision: Precision = "float32",
) -> None:
    """Enlarge images with a network; finished ones are found, broken ones are listed and make the
    exit code 1.
    """
    from pairmill.flows.cli.upscale import run_upscale

    options = {
        "tile": tile,
        "overlap": overlap,
        "ensemble": ensemble,
        "device": device,
        "precision": precision,
    }
    run_upscale(images, checkpoint, out, interpolate, options)


def evaluate(
    checkpoint: Annotated[
        list[str],
        typer.Option(help="Weights of a network; several for side by side; `bicubic` for none."),
    ],
    hr: Annotated[
        list[str] | None,
        typer.Option(help="HR images; with --lr pairs, without it LR is made bicubically."),
    ] = None,
    lr: Annotated[
        list[str] | None, typer.Option(help="LR images of the --hr at the same place.")
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(help="NAME, NAME@VERSION or NAME@TAG; a row per degrader.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the corpus.")] = "val",
    real: Annotated[
        list[str] | None, typer.Option(help="Real images without HR: NIQE and pictures.")
    ] = None,
    workspace: Workspace = "data",
    out: Annotated[
        str | None, typer.Option(help="Folder for the page; in the workspace without it.")
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(help="HR side over LR side, where neither checkpoint nor pictures say it."),
    ] = None,
    lpips: Annotated[
        list[str] | None, typer.Option(help="Weight files of LPIPS; not measured without.")
    ] = None,
    niqe: Annotated[str, typer.Option(help="Parameter file of NIQE.")] = "",
    pristine: Annotated[
        list[str] | None, typer.Option(help="Pristine images to fit NIQE's parameters to, instead.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most pictures of each set, taken evenly.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, max=64, help="Pictures of each set on the page.")
    ] = 4,
    tile: Tile = 192,
    overlap: Overlap = 16,
    ensemble: Ensemble = False,
    device: Device = "cpu",
    precision: Precision = "float32",
    open_: Open = False,
) -> None:
    """Score networks beside bicubic on pairs, corpora and real images; write tables and a page with
    pictures.
    """
    from pairmill.flows.cli.evaluate import Sets, run_evaluate

    inference = {
        "tile": tile,
        "overlap": overlap,
        "ensemble": ensemble,
        "device": device,
        "precision": precision,
    }
    config = {"inference": inference, "scale": scale, "limit": limit, "shown": pictures}
    more = {"lpips": tuple(lpips or ()), "niqe": niqe, "pristine": tuple(pristine or ())}
    run_evaluate(
        checkpoint,
        Sets(hr or [], lr or [], corpus or [], split, real or []),
        workspace,
        out=out,
        config=config,
        more=more,
        open_=open_,
    )


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(upscale)
    app.command()(evaluate)
