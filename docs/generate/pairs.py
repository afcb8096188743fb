"""The image of the README: HR, what bicubic downscaling makes of it, what pairmill makes of it for
one camera, and photographs of that camera.

Run `python -m docs.generate.pairs [PNG]`: it builds a corpus of two pairs, a minute or two on one
core, and is not part of `make docs`. The camera is simulated: blur, noise that grows with the
level, JPEG. It photographs scenes that come with scikit-image and scikit-learn; pairmill sees these
photographs and two other pictures for HR, and nothing of the camera. All that is shown comes with
scikit-image, under CC0 or in the public domain.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import pairmill
from docs.generate.examples import PARSER
from docs.generate.pages import done
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.html.pictures import Image, nearest, png

TARGET = Path(__file__).parents[1] / "img" / "pairs.png"
SCALE, TILE, CROP, ZOOM = 2, 128, 100, 2
"""HR are tiles of `TILE`, of which the middle `CROP` pixels are shown `ZOOM` times as large."""
SHOWN = {"chelsea": (50, 120), "coffee": (220, 300)}
"""HR: top and left of a tile in a picture that the camera never sees."""
PHOTOGRAPHS = {"astronaut": (30, 88), "rocket": (162, 144)}
"""Top and left of what is shown of two photographs."""
CAMERA = (
    {"op": "blur", "kernel": {"shape": "gaussian", "sigma_x": 1.9, "sigma_y": 1.4, "angle": 0.5}},
    {"op": "subsample", "scale": SCALE},
    {"op": "shot_read_noise", "shot": 0.3, "read": 2.5, "key": "00" * 16},
    {"op": "jpeg", "quality": 92},
)
RECIPE: Mapping[str, Any] = {
    "name": "pairs",
    "scale": SCALE,
    "tiles": {"size": TILE},
    "noise": {"patch": 16, "max_structure": 12, "max_unlike": 3},
    "degraders": [{"kind": "realsr"}],
    "splits": {"train": 1},
    "realism": {"enabled": False},
}
HEADINGS = ("HR", "LR, bicubic", "LR by pairmill", "photos by the camera")
GAP, HEADING, SIZE = 6, 26, 16
PAPER, INK = (255, 255, 255), (40, 40, 40)


def main(target: str = str(TARGET)) -> None:
    """Photograph, build, and draw."""
    with tempfile.TemporaryDirectory() as home:
        taken, tiles = photographed(), list(hr_tiles().values())
        recipe = {**RECIPE, "images": {}}
        for kind, images in (("real", list(taken.values())), ("clean", tiles)):
            folder = Path(home) / kind
            folder.mkdir()
            recipe["images"][kind] = [str(folder)]
            for number, image in enumerate(images):
                (folder / f"{number}.png").write_bytes(png(image))
        corpus = pairmill.build(recipe, Path(home) / "data")
        made = [
            next(lr for hr, lr, _ in corpus.pairs("train") if np.array_equal(hr, tile))
            for tile in tiles
        ]
    Path(target).write_bytes(png(drawn(tiles, made, shown_of(taken)), effort=9))


def hr_tiles() -> dict[str, Image]:
    """The tiles that are HR, (`TILE`, `TILE`, 3), by picture."""
    return {
        name: np.ascontiguousarray(picture(name)[top : top + TILE, left : left + TILE])
        for name, (top, left) in SHOWN.items()
    }


def picture(name: str) -> Image:
    """A picture that comes with scikit-image."""
    import skimage.data

    return np.ascontiguousarray(getattr(skimage.data, name)()[..., :3])


def photographed() -> dict[str, Image]:
    """The photographs by name."""
    from sklearn.datasets import load_sample_images

    scenes = {name: picture(name) for name in PHOTOGRAPHS}
    scenes |= dict(zip(("china", "flower"), load_sample_images().images, strict=True))
    ops = [PARSER.validate_python(op) for op in CAMERA]
    return {
        name: done(ops, np.ascontiguousarray(scene[: len(scene) // 2 * 2]))
        for name, scene in scenes.items()
    }


def shown_of(photographs: Mapping[str, Image]) -> list[Image]:
    """What is shown of the photographs."""
    side = CROP // SCALE
    return [
        photographs[name][top : top + side, left : left + side]
        for name, (top, left) in PHOTOGRAPHS.items()
    ]


def drawn(tiles: Sequence[Image], made: Sequence[Image], taken: Sequence[Image]) -> Image:
    """A row per tile: HR, its bicubic LR, LR as it was made, and a photograph, with headings.

    Args:
        tiles: HR, (`TILE`, `TILE`, 3).
        made: LR of each, `SCALE` times smaller.
        taken: Crops of photographs, in LR pixels, as large as the LR that are shown.
    """
    side = CROP * ZOOM
    size = (len(HEADINGS) * (side + GAP) - GAP, HEADING + len(tiles) * (side + GAP) - GAP)
    canvas = Pillow.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(SIZE)
    for column, words in enumerate(HEADINGS):
        draw.text((column * (side + GAP), 2), words, INK, font)
    for row, (hr, lr, photograph) in enumerate(zip(tiles, made, taken, strict=True)):
        bicubic = to_uint8(bicubic_down(hr, SCALE))
        panes = [middle(hr, CROP), *(middle(low, CROP // SCALE) for low in (bicubic, lr))]
        for column, pane in enumerate((*panes, photograph)):
            large = nearest(pane, side // len(pane))
            place = column * (side + GAP), HEADING + row * (side + GAP)
            canvas.paste(Pillow.fromarray(large), place)
    return np.asarray(canvas, np.uint8)


def middle(image: Image, side: int) -> Image:
    """The middle of a square image."""
    first = (len(image) - side) // 2
    return image[first : first + side, first : first + side]


if __name__ == "__main__":
    main(*sys.argv[1:])
