"""Your own photographs from Python: what their camera does, a corpus, and a look at its pairs.

    python examples/own_photos.py FOLDER [--out OUT] [--photos N]

FOLDER holds photographs of one camera, or what examples/thirty_photos.py wrote. OUT gets the corpus
and `pairs.png`: HR, what bicubic downscaling would make of it, and the LR that pairmill made.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import pairmill
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.camera_report.examine import examine
from pairmill.pipeline.camera_report.read import files_of, read_files

Pixels = NDArray[np.uint8]

SCALE = 2
ZOOM, GAP = 2, 4
"""How often each HR pixel is repeated on the sheet, and the white between its images."""


def recipe(photos: Path) -> dict[str, object]:
    """What `pairmill new` writes, for photographs of any size."""
    return {
        "name": "own-photos",
        "scale": SCALE,
        "images": {"real": [str(photos.resolve())]},
        "clean_up": {"factor": 2},  # HR is made of the photographs by downscaling them
        "tiles": {"size": 96},
        "noise": {"patch": 16},
        "degraders": [{"kind": "realsr"}],
        "splits": {"train": 0.9, "val": 0.1},
        "realism": {"enabled": False},  # measured for the report, which takes as long as all else
    }


def describe(photos: Path) -> None:
    """Say what the camera does; `pairmill camera` says more."""
    report = examine(read_files(files_of([str(photos)], ".", "FOLDER"), [], SCALE), SCALE).report
    for group in report.groups:
        if group.blur is None:
            print(f"{group.name}: no photograph shows the blur")
            continue
        width = group.blur.width
        print(f"{group.name}: {group.blur.words}")
        print(f"  width {width.value:.2f} px, surely {width.low:.2f} to {width.high:.2f}")


def sheet(corpus: pairmill.Corpus, count: int) -> Pixels:
    """(H, W, 3): a row for each of the first pairs, at the size of HR times `ZOOM`."""
    rows = []
    for hr, lr, _ in corpus.pairs("train"):
        bicubic = to_uint8(bicubic_down(hr, SCALE))
        panes = [large(hr, ZOOM), large(bicubic, SCALE * ZOOM), large(lr, SCALE * ZOOM)]
        framed = [np.pad(pane, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for pane in panes]
        rows.append(np.concatenate(framed, axis=1))
        if len(rows) == count:
            break
    return np.concatenate(rows)


def large(image: Pixels, times: int) -> Pixels:
    """Every pixel as a square."""
    return image.repeat(times, axis=0).repeat(times, axis=1)


def main() -> None:
    """Describe, build, look."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("own-photos"))
    parser.add_argument("--photos", type=int, help="build from at most so many")
    parser.add_argument("--pairs", type=int, default=4, help="rows of the sheet")
    options = parser.parse_args()
    describe(options.folder)
    corpus = pairmill.build(recipe(options.folder), options.out / "data", limit=options.photos)
    print(f"{corpus.name}: {corpus.splits}")
    _, _, record = next(iter(corpus.pairs("train")))
    ops = pairmill.Program.model_validate_json(record.program).ops
    print("the first LR:", ", then ".join(op.op for op in ops))
    target = options.out / "pairs.png"
    Image.fromarray(sheet(corpus, options.pairs)).save(target)
    print(f"pairs in {target}")


if __name__ == "__main__":
    main()
