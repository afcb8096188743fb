"""Accuracy of estimated kernels: every method on the same photographs of known cameras.

    python -m benchmarks.kernel_accuracy DATA [--section NAME ...] [--cameras 3] [--kernelgan 6]
    [--priors 6] [--truth kernel.npy] [--registered pairs.npz]

DATA has folders of sharp pictures (`kernel_pictures`) and `City100_Nikon`. Sections:

- simulated: Gaussians, discs, lines and sharpening cameras at scale 2, with noise and JPEG, alone
  and in groups of 4, 12 and 24, on fresh pictures and on those that settings were looked at on;
- scales: the same at 3 and 4, without noise;
- bounds: how near the match could come if it were told form and scenes (`kernel_bounds`);
- sources: what the kind of picture does to the width;
- differing: cameras whose photographs differ;
- field, channels: cameras whose corners, or whose blue channel, are softer, and those without, with
  one kernel and with one for each part;
- asymmetry: whether edges tell how skewed a kernel is;
- DIV2KRK-like: kernels as DIV2KRK has them;
- with KernelGAN: all methods on `--kernelgan` photographs of two forms, 20 to 40 core seconds each;
- with priors: KernelGAN-FKP, DIP-FKP and Double-DIP on the first `--priors` of these photographs,
  three core minutes each;
- Nikon: a real camera, against the kernel of registered pairs (`registered_pairs`), which takes
  some minutes unless `--truth` has it.

Results of the sections that ran replace theirs in `results/kernel_accuracy.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import torch

from benchmarks import kernel_simulated as simulated
from benchmarks import kernel_varying
from benchmarks.common import RESULTS, Row, save
from benchmarks.kernel_asymmetry import asymmetry
from benchmarks.kernel_bounds import bounds
from benchmarks.kernel_pictures import Picture, pictures
from benchmarks.kernel_priors import with_priors
from benchmarks.kernel_real_camera import nikon
from benchmarks.kernel_scores import Score, rows_of, table

NAME = "kernel_accuracy"
MOST_IN_OTHER_HALF = 1
"""Cameras of each form on the pictures that settings were looked at on."""


def _simulated(args: argparse.Namespace) -> list[Row]:
    """On both kinds of pictures."""
    rows: list[Row] = []
    for which, cameras in (("fresh", args.cameras), ("other half", MOST_IN_OTHER_HALF)):
        found = pictures(args.data, which)
        rows += rows_of(simulated.simulated(which, found, cameras))
    return rows


def _fresh(
    work: Callable[..., Iterable[Score]], *options: str
) -> Callable[[argparse.Namespace], list[Row]]:
    """A section of `kernel_simulated` on fresh pictures."""

    def section(args: argparse.Namespace) -> list[Row]:
        values = [getattr(args, option) for option in options]
        return rows_of(work("fresh", pictures(args.data, "fresh"), *values))

    return section


def _bounds(args: argparse.Namespace) -> list[Row]:
    both = ("fresh", "other half")
    return [
        row
        for which in both
        for row in rows_of(bounds(which, pictures(args.data, which), args.cameras))
    ]


def _sources(args: argparse.Namespace) -> list[Row]:
    both = [*pictures(args.data, "fresh"), *pictures(args.data, "other half")]
    return rows_of(simulated.sources(both, args.cameras + 1))


def _differing(args: argparse.Namespace) -> list[Row]:
    return simulated.differing("fresh", pictures(args.data, "fresh"), args.cameras + 1)


def _varying(
    work: Callable[[str, Sequence[Picture], int], list[Row]],
) -> Callable[[argparse.Namespace], list[Row]]:
    return lambda args: work("fresh", pictures(args.data, "fresh"), args.cameras)


def _asymmetry(args: argparse.Namespace) -> list[Row]:
    return asymmetry(*(pictures(args.data, which) for which in ("other half", "fresh")))


def _nikon(args: argparse.Namespace) -> list[Row]:
    return nikon(args.data / "City100_Nikon", args.truth, args.registered, args.kernelgan)


SECTIONS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "simulated": _simulated,
    "scales": _fresh(simulated.scales, "cameras"),
    "bounds": _bounds,
    "sources": _sources,
    "differing": _differing,
    "field": _varying(kernel_varying.field),
    "channels": _varying(kernel_varying.channels),
    "asymmetry": _asymmetry,
    "DIV2KRK-like": _fresh(simulated.div2krk),
    "with KernelGAN": _fresh(simulated.with_kernelgan, "kernelgan", "keep"),
    "with priors": _fresh(with_priors, "priors", "keep"),
    "Nikon": _nikon,
}
"""By the name that their rows bear."""


def merged(new: list[Row], path: Path) -> list[Row]:
    """New rows, and those of other sections that a file has."""
    if not path.exists():
        return new
    fresh = {row["section"] for row in new}
    old = [row for row in json.loads(path.read_text())["rows"] if row["section"] not in fresh]
    order = list(SECTIONS)
    return sorted([*old, *new], key=lambda row: order.index(row["section"]))


def show(rows: list[Row]) -> None:
    """Print the tables."""
    for section in dict.fromkeys(row["section"] for row in rows):
        some = [row for row in rows if row["section"] == section]
        print(f"\n## {section}\n")
        if "method" not in some[0]:
            names = [name for name in some[0] if name != "section"]
            print("| " + " | ".join(names) + " |\n" + "|" + "---|" * len(names))
            for row in some:
                print("| " + " | ".join(str(row[name]) for name in names) + " |")
            continue
        named = [{**row, "method": f"{row['method']}, {row['group']}"} for row in some]
        lines = ["pictures", "truth", "scale", "condition"]
        for value in ("error", "L1", "width", "PSNR-Y", "within 90 %", "core seconds"):
            having = [row for row in named if value in row]
            if having:
                print(f"{value}\n\n{table(having, lines, 'method', value)}\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--section", choices=SECTIONS, nargs="*", default=list(SECTIONS))
    parser.add_argument("--cameras", type=int, default=3, help="of each form")
    parser.add_argument("--kernelgan", type=int, default=6, help="photographs of each form")
    parser.add_argument("--priors", type=int, default=6, help="the same, with priors")
    parser.add_argument(
        "--keep",
        type=Path,
        help="folder for scores of the photographs of the two, so that a stopped run goes on there",
    )
    parser.add_argument("--truth", type=Path, help="the Nikon's kernel, .npy")
    parser.add_argument("--registered", type=Path, help="registered pairs of the Nikon, .npz")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for name in args.section:
        rows = SECTIONS[name](args)
        show(rows)
        save(merged(rows, RESULTS / f"{NAME}.json"), NAME)


if __name__ == "__main__":
    main()
