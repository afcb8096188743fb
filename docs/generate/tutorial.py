"""The picture of docs/tutorials/first_network.md: photograph, bicubic upscaling, network, scene.

    python -m docs.generate.tutorial FOLDER

draws it from the folder in which the tutorial was done.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pairmill.models.functional.resize import bicubic_up, to_uint8
from pairmill.models.metrics.psnr import psnr
from pairmill.pipeline.html.pictures import png

TARGET = Path(__file__).parents[1] / "tutorials" / "img" / "first_network.png"
SCALE, CROP, ZOOM = 2, 100, 2
"""Crops of `CROP` scene pixels, each shown as `ZOOM` x `ZOOM`."""
SHOWN = {"coffee": (150, 240), "rocket": (250, 270)}
"""Top and left of a crop in a scene that was not trained on."""
HEADINGS = ("photograph", "bicubic", "network", "scene")
GAP, HEADING, SIZE = 6, 26, 16
PAPER, INK = (255, 255, 255), (40, 40, 40)
Pixels = NDArray[np.uint8]


def main(folder: str, target: str = str(TARGET)) -> None:
    """Draw."""
    home, rows = Path(folder), []
    for name, place in SHOWN.items():
        scene = pixels(home / f"held_out/scenes/{name}.png")
        photograph = pixels(home / f"held_out/photos/{name}.jpg")
        network = pixels(home / f"upscaled/{name}.png")
        bicubic = to_uint8(bicubic_up(photograph, SCALE))
        rows.append(
            [
                (cut(photograph, place, SCALE), ""),
                (cut(bicubic, place), f" {psnr(bicubic, scene, SCALE):.1f} dB"),
                (cut(network, place), f" {psnr(network, scene, SCALE):.1f} dB"),
                (cut(scene, place), ""),
            ]
        )
    Path(target).parent.mkdir(exist_ok=True)
    Path(target).write_bytes(png(drawn(rows), effort=9))


def pixels(path: Path) -> Pixels:
    """An image file, (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def cut(image: Pixels, place: tuple[int, int], scale: int = 1) -> Pixels:
    """A crop, with every pixel as a square of the size it has on the picture."""
    (top, left), side = (part // scale for part in place), CROP // scale
    part = image[top : top + side, left : left + side]
    return part.repeat(ZOOM * scale, axis=0).repeat(ZOOM * scale, axis=1)


def drawn(rows: list[list[tuple[Pixels, str]]]) -> Pixels:
    """A row per scene, each image with its heading and score."""
    side = CROP * ZOOM
    size = (len(HEADINGS) * (side + GAP) - GAP, len(rows) * (side + HEADING + GAP) - GAP)
    canvas = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(SIZE)
    for row, images in enumerate(rows):
        top = row * (side + HEADING + GAP)
        for column, (image, score) in enumerate(images):
            draw.text((column * (side + GAP), top + 2), HEADINGS[column] + score, INK, font)
            canvas.paste(Image.fromarray(image), (column * (side + GAP), top + HEADING))
    return np.asarray(canvas, np.uint8)


if __name__ == "__main__":
    main(*sys.argv[1:])
