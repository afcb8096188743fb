"""Thirty photographs to try pairmill with, by a simulated camera; nothing is downloaded.

    python examples/thirty_photos.py FOLDER

writes `FOLDER/photos`, ten subjects, each taken three times from a step further to the right, and
`FOLDER/held_out`, photographs of three other subjects with the scenes that they show, twice as
large: what a perfect network would make of them. The subjects come with scikit-image and
scikit-learn (`pip install scikit-image scikit-learn`). The same versions of the libraries write the
same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

import pairmill

Pixels = NDArray[np.uint8]

SCALE, SIDE = 2, 384
"""Scene pixels per photograph pixel, and the largest side of the scenes of `photos`."""
SUBJECTS = (
    "astronaut",
    "chelsea",
    "stereo_motorcycle",
    "china",
    "camera",
    "coins",
    "brick",
    "gravel",
    "grass",
    "immunohistochemistry",
)
HELD_OUT = ("coffee", "flower", "rocket")
OF_SKLEARN = ("china", "flower")
STEPS = 3
QUALITY = 92


def camera(number: int) -> pairmill.Program:
    """What the camera does to a scene, with the noise of one photograph.

    A lens that blurs more across than down, pixels of 2 x 2, and noise that grows with the light.
    """
    lens = {"shape": "gaussian", "sigma_x": 1.9, "sigma_y": 1.4}
    ops = [
        {"op": "blur", "kernel": lens},
        {"op": "subsample", "scale": SCALE},
        {"op": "shot_read_noise", "shot": 0.3, "read": 2.5, "key": f"{number:032x}"},
        {"op": "quantise"},
    ]
    return pairmill.Program.model_validate({"scale": SCALE, "ops": ops})


def subject(name: str) -> Pixels:
    """(H, W, 3): a picture that comes with a library; grey ones get three equal channels."""
    of = load_sample_image(f"{name}.jpg") if name in OF_SKLEARN else getattr(skimage.data, name)()
    picture = np.asarray(of[0] if isinstance(of, tuple) else of, np.uint8)
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture[..., :3]


def cut(picture: Pixels, side: int, step: int) -> Pixels:
    """The scene from one place: as large as the picture allows, at most `side`, of even sides."""
    height, width = (min(side, length) // SCALE * SCALE for length in picture.shape[:2])
    top = (picture.shape[0] - height) // 2
    left = (picture.shape[1] - width) * step // (STEPS - 1)
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def take(scene: Pixels, number: int, target: Path) -> None:
    """Photograph a scene, and write the JPEG."""
    photograph = pairmill.apply(camera(number), scene)
    Image.fromarray(photograph).save(target, quality=QUALITY)


def main() -> None:
    """Write both folders."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=STEPS * len(SUBJECTS), help="how many")
    options = parser.parse_args()
    photos, photographs, scenes = (
        options.folder / name for name in ("photos", "held_out/photos", "held_out/scenes")
    )
    for folder in (photos, photographs, scenes):
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.photos):
        name, step = SUBJECTS[number // STEPS % len(SUBJECTS)], number % STEPS
        take(cut(subject(name), SIDE, step), number, photos / f"IMG_{number:04d}.jpg")
    for number, name in enumerate(HELD_OUT):
        scene = cut(subject(name), max(subject(name).shape), 0)
        Image.fromarray(scene).save(scenes / f"{name}.png")
        take(scene, 1000 + number, photographs / f"{name}.jpg")
    print(f"{options.photos} photographs in {photos}")
    print(f"{len(HELD_OUT)} others in {photographs}, what they show in {scenes}")


if __name__ == "__main__":
    main()
