"""`pairmill upscale`, `pairmill evaluate` and `pairmill networks`: networks at work."""

from __future__ import annotations

from typing import Annotated

import typer

from pairmill.flows.cli.options import Workspace

TILE, PRECISION = 192, "float32"
NETWORK, METHOD = "With --checkpoint", "With --method"
"""Panels of the help."""
Tile = Annotated[
    int,
    typer.Option(
        help="Largest side of a tile in LR pixels, which bounds memory; 0: whole images.",
        rich_help_panel=NETWORK,
    ),
]
Overlap = Annotated[
    int | None,
    typer.Option(
        help="Context around each tile, in LR pixels; by default what the network sees, at most "
        "64.",
        rich_help_panel=NETWORK,
    ),
]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="x8 self-ensemble over flips and rotations: a little better, 8 times slower.",
        rich_help_panel=NETWORK,
    ),
]
Kernel = Annotated[
    str,
    typer.Option(
        help="What a kernel-aware network is told: an .npy of a kernel, as `pairmill camera --out` "
        "writes, row N of a pool, POOL.zarr:N, or bicubic. By default that of each LR where it is "
        "known, and else its usual one."
    ),
]
Noise = Annotated[
    float,
    typer.Option(min=0, max=255, help="Noise it is told: standard deviation in intensity levels."),
]
Pca = Annotated[
    str,
    typer.Option(
        help="Components of kernels for a published SRMD: .npy, or KAIR's .mat.",
        rich_help_panel=NETWORK,
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or auto.")]
Precision = Annotated[
    str, typer.Option(help="float32, bfloat16 or float16.", rich_help_panel=NETWORK)
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def upscale(
    images: Annotated[list[str], typer.Argument(help="Files, folders, globs or URLs.")],
    checkpoint: Annotated[
        str,
        typer.Option(
            help="Weights of a network: .safetensors, .pth or ncnn's .param, from pairmill or "
            "another tool. With --method dpir: its denoisers."
        ),
    ] = "",
    method: Annotated[
        str,
        typer.Option(
            help="Instead of a network, learn from each image itself, in minutes per image: zssr, "
            "dip, double-dip, dip-fkp; or dpir, with denoisers by --checkpoint."
        ),
    ] = "",
    out: Annotated[
        str,
        typer.Option(help="Folder or URL for the results; subfolders are kept."),
    ] = "upscaled",
    interpolate: Annotated[
        str,
        typer.Option(
            help="OTHER:ALPHA interpolates to another checkpoint: 0 this one, 1 the other; such as "
            "gan.pth:0.8.",
            rich_help_panel=NETWORK,
        ),
    ] = "",
    tile: Tile = TILE,
    overlap: Overlap = None,
    ensemble: Ensemble = False,
    device: Device = "cpu",
    precision: Precision = PRECISION,
    scale: Annotated[
        float | None,
        typer.Option(
            help="With --checkpoint, which scale of a network that has several (by default the "
            "largest), or of a file that does not tell its own; with `meta` also 2.7. With "
            "--method 2 (default), 3 or 4."
        ),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(
            help="What downscaled the images: an .npy file, as `pairmill camera --out` writes. "
            "With --checkpoint, of a network that is told kernels: also bicubic, or row N of a "
            "pool, POOL.zarr:N; by default its usual one. With --method: also bicubic (default), "
            "camera (found from all as photographs of one camera) or kernelgan (of each)."
        ),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=255,
            help="Standard deviation of the images' noise, in intensity levels. With --checkpoint, "
            "of a network that is told it: 0 to 255. With --method: 0 to 50.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="What is random follows from it; by default 0.", rich_help_panel=METHOD),
    ] = None,
    workspace: Annotated[
        str,
        typer.Option(
            help="Folder or fsspec URL where dip-fkp finds or leaves its flow.",
            rich_help_panel=METHOD,
        ),
    ] = "data",
    pca: Pca = "",
) -> None:
    """Upscale images with a network, or with what they show themselves; exit 1 if a file could
    not be used.
    """
    from pairmill.flows.cli.upscale import run_upscale
    from pairmill.flows.cli.zero_shot import check_options, run_zero_shot

    told = {"kernel": kernel, "noise": noise, "seed": seed}
    of_network = {
        "checkpoint": checkpoint,
        "interpolate": interpolate,
        "tile": tile != TILE,
        "overlap": overlap is not None,
        "ensemble": ensemble,
        "precision": precision != PRECISION,
        "pca": pca,
    }
    check_options(method, told if method else {"seed": seed}, of_network)
    if method:
        settings = {"scale": scale, **told}
        run_zero_shot(images, method, out, settings, device, workspace, checkpoint)
        return
    options = {
        "tile": tile,
        "overlap": overlap,
        "ensemble": ensemble,
        "device": device,
        "precision": precision,
    }
    said = (kernel or "", noise or 0.0)
    run_upscale(images, checkpoint, out, interpolate, options, scale, told=said, pca=pca)


def evaluate(
    checkpoint: Annotated[
        list[str],
        typer.Option(help="Weights of a network, or `bicubic`; may be repeated."),
    ],
    hr: Annotated[
        list[str] | None,
        typer.Option(help="HR images; without --lr their LR is made by bicubic downscaling."),
    ] = None,
    lr: Annotated[
        list[str] | None,
        typer.Option(help="LR images of the --hr at the same position; several for one --hr."),
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(help="NAME, NAME@VERSION or NAME@TAG; a row per degrader.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the corpus.")] = "val",
    real: Annotated[
        list[str] | None, typer.Option(help="Real images without HR: NIQE, and images on the page.")
    ] = None,
    workspace: Workspace = "data",
    out: Annotated[
        str | None, typer.Option(help="Folder for the page; by default in the workspace.")
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(help="HR side over LR side, if neither checkpoint nor images tell."),
    ] = None,
    lpips: Annotated[
        list[str] | None,
        typer.Option(help="Weight files of LPIPS, which is measured with them only."),
    ] = None,
    niqe: Annotated[str, typer.Option(help="Parameter file of NIQE.")] = "",
    pristine: Annotated[
        list[str] | None, typer.Option(help="Pristine images to fit NIQE's parameters to instead.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of images of each set, taken evenly.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, max=64, help="Images of each set on the page.")
    ] = 4,
    tile: Tile = TILE,
    overlap: Overlap = None,
    ensemble: Ensemble = False,
    device: Device = "cpu",
    precision: Precision = PRECISION,
    kernel: Kernel = "",
    noise: Noise = 0.0,
    pca: Pca = "",
    labels: Annotated[
        bool,
        typer.Option(
            help="Whether kernel-aware networks are told how each LR was made, of a corpus or of "
            "--hr alone."
        ),
    ] = True,
    gaussian8: Annotated[
        bool,
        typer.Option(
            "--gaussian8",
            help="Also blur HR by eight known Gaussians, and tell kernel-aware networks the true "
            "width and wrong ones.",
        ),
    ] = False,
    open_: Open = False,
) -> None:
    """Compare networks with bicubic on pairs, corpora and real images; write tables and a page."""
    from pairmill.flows.cli.evaluate import Sets, run_evaluate

    inference = {
        "tile": tile,
        "overlap": overlap,
        "ensemble": ensemble,
        "device": device,
        "precision": precision,
    }
    config = {
        "inference": inference,
        "scale": scale,
        "limit": limit,
        "shown": pictures,
        "gaussian8": gaussian8,
        "labels": "told" if labels else "ignored",
    }
    more = {"lpips": tuple(lpips or ()), "niqe": niqe, "pristine": tuple(pristine or ())}
    run_evaluate(
        checkpoint,
        Sets(hr or [], lr or [], corpus or [], split, real or []),
        workspace,
        out=out,
        config=config,
        more=more,
        told=(kernel, noise),
        pca=pca,
        open_=open_,
    )


def networks(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files of weights, or folders with them; without any, all networks."),
    ] = None,
    to: Annotated[str, typer.Option(help="Write each as well, as safetensors, pth or onnx.")] = "",
    out: Annotated[str, typer.Option(help="Folder or URL for what is written.")] = "networks",
    scale: Annotated[
        int | None,
        typer.Option(help="With --to: which scale, where a file has several or does not tell."),
    ] = None,
    pca: Annotated[
        str,
        typer.Option(help="With --to: components of kernels, sealed into a published SRMD."),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON lines, and nothing else.")
    ] = False,
) -> None:
    """Say what files of weights are, and write them in another form; exit 1 if one is unknown."""
    from pairmill.flows.cli.network_files import run_networks

    run_networks(files or [], to, out, scale=scale, pca=pca, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(upscale)
    app.command()(evaluate)
    app.command()(networks)
