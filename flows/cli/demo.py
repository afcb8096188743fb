"""The demo: a small corpus from photos that come with two libraries, so that nothing is
downloaded.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from pairmill.flows import terminal
from pairmill.flows.cli.build import build_corpus
from pairmill.schemas.errors import UserError

PHOTOS = {
    "skimage": (
        "data",
        ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg"],
    ),
    "sklearn": ("datasets/images", ["china.jpg", "flower.jpg"]),
}
"""Package, folder in it, and the colour photos there (public domain, CC0, CC BY 2.0)."""

RECIPE = """name: demo
scale: 2
seed: 10
images:
  real: [../../images/demo]
tiles: {size: 128, stride: 64}
noise: {patch: 16, max_structure: 12, max_unlike: 3}     # few flat areas, blotchy from compression
degraders:
  - {kind: realsr, weight: 4}
  - {kind: bicubic, weight: 1}
splits: {train: 0.8, val: 0.2}
shards: {samples: 128}
"""


def run_demo(workspace: str, workers: int | None) -> None:
    """Collect the photos, write the recipe, and build it."""
    home = Path(workspace)
    images, recipe = home / "images" / "demo", home / "runs" / "demo" / "demo.yaml"
    count = collect(images)
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(RECIPE, "utf-8")
    terminal.line(f"{count} photos in {images}, recipe {recipe}")
    terminal.line(
        "smaller than a real build: seven small photos, overlapping tiles of 128, noise "
        "patches of 16, looser rules"
    )
    build_corpus(str(recipe), workspace, "local", workers, "cpu", None)


def collect(folder: Path) -> int:
    """Copy the bundled photos into a folder; returns how many there are.

    Raises:
        UserError: if a package that brings them is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package, (place, names) in PHOTOS.items():
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise UserError(
                "the demo's photos are not installed",
                where=f"package {package}",
                todo="`make demo` installs all it needs; or `pip install pairmill[demo]`",
            )
        for name in names:
            shutil.copyfile(Path(spec.submodule_search_locations[0]) / place / name, folder / name)
    return sum(len(names) for _, names in PHOTOS.values())
