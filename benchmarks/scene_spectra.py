"""What sharp pictures look like to the estimate of a camera: writes `models/camera/scenes.json`.

    python -m benchmarks.scene_spectra FOLDER... [--every 2] [--out models/camera/scenes.json]

Only means and covariances of power spectra are kept, in a few hundred numbers: nothing of any
picture can be made out in them. `--every 2` takes every second picture by name, so that the others
are left for measuring.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pairmill.models.camera import scenes
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.images.decode import decode
from pairmill.schemas.image import IngestConfig

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture of a folder")
    parser.add_argument("--out", type=Path, default=scenes.BUILT_IN)
    args = parser.parse_args()
    paths: list[Path] = []
    for folder in args.folders:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        paths += found[:: args.every]
    described = [
        scenes.described(grey(decode(path.read_bytes(), IngestConfig())[0])) for path in paths
    ]
    made = scenes.of_pictures(described)
    args.out.write_text(json.dumps(made.table()) + "\n")
    print(f"{len(paths)} pictures, {args.out.stat().st_size} bytes, {args.out}")


if __name__ == "__main__":
    main()
