"""ReDegNet on real face pairs: is the LQ that it makes of an HQ nearer to the real LQ of that face
than to others'.

`python -m benchmarks.redegnet_faces FOLDER`, where FOLDER holds `LQ` and `PseudoHQ` with files of
equal names. A small fit on one thread, then for every pair i and every representation j an image
SynNet(HQ_i, Omega_j), on crops that the fit may have seen (the degradation of a pair is learned
from the pair) and, with `--held N`, on pairs that it has not seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import Row, save
from pairmill.models.functional.chroma import LUMA
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.redegnet.draw import represent, synthesize
from pairmill.models.redegnet.fit import Fit
from pairmill.models.redegnet.measure import look, measure
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.realism.fits import realism
from pairmill.pipeline.redegnet.pairs import Faces, Pairs, without_margins
from pairmill.schemas.redegnet import (
    RedegnetConfig,
    RedegnetNetConfig,
    RedegnetPairsConfig,
    RedegnetWeights,
)

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
SIDE, CROP = 64, 192
REDUCTION = 2
"""Of the pairs: a face is to be about four times as large as it was taken (the paper's
preparation); these were upscaled more."""


def read(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


def faces_in(folder: Path) -> list[Faces]:
    paths = sorted((folder / "PseudoHQ").glob("*.png"))
    return [
        Faces(*(reduced(read(folder / part / path.name)) for part in ("LQ", "PseudoHQ")))
        for path in paths
    ]


def reduced(image: Image) -> Image:
    return to_uint8(bicubic_down(image, REDUCTION))


def naturals() -> list[Image]:
    """Photos that come with scikit-image and scikit-learn, none of people."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    named = [
        np.ascontiguousarray(getattr(data, name)()) for name in ("chelsea", "coffee", "rocket")
    ]
    return [*named, *load_sample_images().images]


def middle(image: Image, config: RedegnetConfig) -> Image:
    inner = without_margins(image, config.pairs.margins)
    top, left = ((side - CROP) // 2 for side in inner.shape[:2])
    return np.ascontiguousarray(inner[top : top + CROP, left : left + CROP])


def tiles(image: Image) -> Image:
    """(192, 192, 3) as nine squares of 64."""
    return (
        image.reshape(CROP // SIDE, SIDE, CROP // SIDE, SIDE, 3)
        .swapaxes(1, 2)
        .reshape(-1, SIDE, SIDE, 3)
    )


def statistics(image: Array) -> Array:
    """What an image looks like, whatever it shows: log energy by ring of the spectrum, gradients,
    and colour of residuals.
    """
    grey = image @ LUMA
    window = np.hanning(len(grey))[:, None] * np.hanning(len(grey))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    ring = np.hypot(*np.meshgrid(np.fft.fftfreq(len(grey)), np.fft.fftfreq(len(grey))))
    edges = np.geomspace(1 / 64, 0.5, 13)
    found = [
        np.log10(1 + power[(low <= ring) & (ring < high)].mean()) for low, high in pairwise(edges)
    ]
    steps = np.abs(np.diff(grey, axis=1))
    found += [np.log10(0.1 + np.quantile(steps, q)) for q in (0.5, 0.9, 0.99)]
    residual = image - cv2.blur(image, (3, 3))
    found += [np.log10(0.1 + residual[..., channel].std()) for channel in range(3)]
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=14000)
    parser.add_argument("--first", type=int, default=8, help="channels at full resolution")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument(
        "--varied",
        type=float,
        default=0.2,
        help="share of pairs whose LQ is drawn; half as many are worsened",
    )
    parser.add_argument("--held", type=int, default=0, help="pairs that the fit does not see")
    parser.add_argument(
        "--same", type=float, default=100.0, help="weight of the same-degradation loss"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--pictures", type=Path, help="folder for images of faces, which are not for sharing"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = RedegnetConfig(
        net=RedegnetNetConfig(
            side=SIDE, code=64, first=arguments.first, most=64, mapping=4, skip_start=1.0
        ),
        batch=arguments.batch,
        samples=arguments.samples,
        learning_rate=arguments.rate,
        critic_rate=1e-3,
        betas=(0.5, 0.99),
        halve_at=(0.6, 0.8, 0.9),
        weights=RedegnetWeights(same=arguments.same),
        pairs=RedegnetPairsConfig(replaced=arguments.varied, worsened=arguments.varied / 2),
    )
    faces = faces_in(arguments.folder)
    seen = faces[: len(faces) - arguments.held]
    fit = Fit(Pairs(seen, naturals(), config, arguments.seed), config, arguments.seed)
    started = time.perf_counter()
    for samples in fit.advance(arguments.samples):
        if samples % 800 == 0:
            print(
                samples,
                round(time.perf_counter() - started),
                np.round(np.mean(fit.curves[-50:], 0), 3),
                flush=True,
            )
    report(fit, faces, config, arguments, time.perf_counter() - started)


def report(
    fit: Fit,
    faces: list[Faces],
    config: RedegnetConfig,
    arguments: argparse.Namespace,
    seconds: float,
) -> None:
    hqs, lqs = ([middle(getattr(pair, part), config) for pair in faces] for part in ("hq", "lq"))
    # one representation per pair: the mean over the squares of the middle
    codes = [
        represent(fit.deg, tiles(hq), tiles(lq)).mean(0) for hq, lq in zip(hqs, lqs, strict=True)
    ]
    fit.syn.eval()
    made = [[synthesize(fit.syn, hq, code) for code in codes] for hq in hqs]
    fit.syn.train()
    rows = compared(hqs, lqs, made)
    for row in rows:
        print("  ".join(f"{key}: {value}" for key, value in row.items()))
    hq_tiles, lq_tiles = (np.stack([tiles(image) for image in images]) for images in (hqs, lqs))
    sight = look(fit, hq_tiles, lq_tiles)
    named = [[str(number) for number in numbers] for numbers in sight.shown]
    measures = measure(fit, sight, realism(sight.real, sight.swapped, (named[0], named[1])))
    rows.append(
        {
            "pairs": len(faces),
            "held": arguments.held,
            "samples": fit.samples,
            "seconds": round(seconds, 1),
            **({} if measures is None else measures.model_dump()),
        }
    )
    print(rows[-1])
    save(rows, f"redegnet_faces{'_held' if arguments.held else ''}")
    if arguments.pictures:
        pictures(arguments.pictures, hqs, lqs, made)
        (arguments.pictures / "natural.png").write_bytes(encode_png(carried_over(fit, codes)))


def compared(hqs: list[Image], lqs: list[Image], made: list[list[Array]]) -> list[Row]:
    """Distances, by pixels and by statistics: to one's own real LQ or others', with one's own
    representation or others'.
    """
    count = range(len(lqs))
    real = np.array([statistics(lq.astype(np.float64)) for lq in lqs])
    scale = real.std(0) + 1e-9

    def apart(found: Array, number: int) -> float:
        return float(np.sqrt((((statistics(found) - real[number]) / scale) ** 2).mean()))

    def differ(found: Array, number: int) -> float:
        return float(np.abs(found - lqs[number]).mean())

    def all_pairs(distance: Callable[[Array, int], float], *, codes: bool) -> list[list[float]]:
        return [
            [distance(made[i][j] if codes else made[i][i], i if codes else j) for j in count]
            for i in count
        ]

    plain = [hq.astype(np.float64) for hq in hqs]
    return [
        line(
            "L1, intensity levels: made LQ to its own real LQ, or to others'",
            all_pairs(differ, codes=False),
        ),
        line(
            "L1: with its own representation, or others', to its own real LQ",
            all_pairs(differ, codes=True),
        ),
        line(
            "statistics: made LQ to its own real LQ, or to others'", all_pairs(apart, codes=False)
        ),
        line("statistics: with its own representation, or others'", all_pairs(apart, codes=True)),
        line("L1 of the HQ as it is", [[differ(plain[i], j) for j in count] for i in count]),
        line("statistics of the HQ as it is", [[apart(plain[i], j) for j in count] for i in count]),
    ]


def line(what: str, distances: list[list[float]]) -> Row:
    """Own (the diagonal) against others', and how often own is nearer or nearest."""
    values, count = np.array(distances), len(distances)
    own, rest = np.diag(values), values[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    return {
        "what": what,
        "own": round(float(own.mean()), 3),
        "others": round(float(rest.mean()), 3),
        "nearer": f"{int((own < rest.mean(1)).sum())} of {count}",
        "nearest": f"{int((own < rest.min(1)).sum())} of {count}",
    }


def pictures(folder: Path, hqs: list[Image], lqs: list[Image], made: list[list[Array]]) -> None:
    """Rows: HQ, real LQ, made with the own representation, made with the next face's."""
    folder.mkdir(parents=True, exist_ok=True)
    count = range(len(hqs))
    rows = [
        hqs,
        lqs,
        [in_8_bits(made[i][i]) for i in count],
        [in_8_bits(made[i][(i + 1) % len(hqs)]) for i in count],
    ]
    (folder / "faces.png").write_bytes(
        encode_png(np.concatenate([np.concatenate(row, 1) for row in rows]))
    )


def carried_over(fit: Fit, codes: list[NDArray[np.float32]]) -> Image:
    """Pieces of two photos as they are, then with the representations of four faces."""
    places = ((0, 60, 150), (1, 60, 260))
    pieces = [
        naturals()[number][top : top + 160, left : left + 160] for number, top, left in places
    ]
    fit.syn.eval()
    made = [[in_8_bits(synthesize(fit.syn, piece, code)) for code in codes[:4]] for piece in pieces]
    rows = [np.concatenate([piece, *looks], 1) for piece, looks in zip(pieces, made, strict=True)]
    fit.syn.train()
    return np.concatenate(rows)


def in_8_bits(picture: Array) -> Image:
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


if __name__ == "__main__":
    main()
