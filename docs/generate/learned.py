"""Images of PDM, ReDegNet and the translators for docs/reference/degraders: small real fits to
photos whose true degradation is known.

Run `python -m docs.generate.learned [pdm] [redegnet] [translators]`, five to fifteen minutes each
on one core. It is not part of `make docs`, which uses the images that are there. The photos come
with scikit-image, under CC0 or in the public domain; two more, which are used for fitting but not
shown, with scikit-learn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from docs.generate.examples import photograph
from docs.generate.pages import done, row, save
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.html.pictures import heat
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.redegnet.pairs import Faces, Pairs
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders.custom import CustomConfig
from pairmill.schemas.ops import Op
from pairmill.schemas.pdm import PdmConfig
from pairmill.schemas.recipe import ImagesConfig, Recipe
from pairmill.schemas.redegnet import RedegnetConfig, RedegnetNetConfig, RedegnetPairsConfig
from pairmill.schemas.translation import METHODS

if TYPE_CHECKING:
    from pairmill.models.pdm.degradation import Degradation

Image = NDArray[np.uint8]
ANY = ImagesConfig(real=("any",))
OP: TypeAdapter[Any] = TypeAdapter(Op)
SHOWN = 5
"""Draws in a row."""
CAMERA: dict[str, Any] = {
    "kind": "custom",
    "ops": [
        {
            "op": "blur",
            "kernel": {
                "shape": "gaussian",
                "sigma_x": [1.8, 2.8],
                "sigma_y": [0.8, 1.2],
                "angle": [0.5, 1.1],
            },
        },
        {"op": "subsample", "scale": 2},
        {"op": "shot_read_noise", "shot": 0.5, "read": 3},
    ],
}
"""What the fit of PDM must recover: oval blur of roughly one direction, and noise that grows with
brightness."""
EXAMPLES = ((0, 24, 64), (1, 0, 20), (2, 8, 54), (3, 16, 80), (4, 10, 80), (6, 10, 60))
"""Parts of the real LR that are shown: number, top, left."""
LOOKS: dict[str, tuple[dict[str, Any], ...]] = {
    "out of focus": ({"op": "blur", "kernel": {"shape": "disc", "radius": 3}},),
    "shaken": ({"op": "blur", "kernel": {"shape": "motion", "length": 13, "angle": 0.6}},),
    "compressed": ({"op": "jpeg", "quality": 8},),
    "sharpened": ({"op": "unsharp_mask", "weight": 2, "sigma": 2, "size": 13}, {"op": "clip"}),
}
"""What the fit of ReDegNet must read from its pairs."""


def main() -> None:
    """Make both images, or those that are named."""
    for name in sys.argv[1:] or PICTURES:
        save("degraders", name, PICTURES[name]())


def photographs() -> list[Image]:
    """Photos to fit to; the cat, which is shown, is not among them."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    named = [
        np.ascontiguousarray(getattr(data, name)()) for name in ("astronaut", "coffee", "rocket")
    ]
    return [*named, *load_sample_images().images]


def pdm_picture() -> Image:
    """Real LR of the camera; an HR tile and what the fit makes of it; a kernel of the camera, and
    those of the draws.
    """
    from pairmill.models.functional.kernels import gaussian_kernel, target_centre
    from pairmill.models.keyed import keyed
    from pairmill.models.pdm.draw import degrade, numbers
    from pairmill.models.pdm.fit import Fit

    reals, hrs = camera_pictures()
    fit = Fit(reals, hrs, PdmConfig(samples=48_000), 2, 0)
    _advance(fit, fit.config.samples)
    hr = photograph("chelsea", 96, 128)
    size = fit.config.kernel.size
    normals = [
        keyed(0, "check", 9 + number).standard_normal(numbers(fit.mean, (48, 64)))
        for number in range(SHOWN)
    ]
    drawn = [
        to_uint8(255 * degrade(fit.mean, hr, one).lr[0].permute(1, 2, 0).double().numpy())
        for one in normals
    ]
    true = gaussian_kernel(
        size, 2.3, 1.0, -0.8, target_centre(size, 2)
    )  # rows go down, the op's angle goes up
    kernels = [true, *(_kernel(fit.mean, one) for one in normals)]
    names = [
        "kernel of the camera, its centre",
        *(f"kernel of draw {number + 1}" for number in range(SHOWN)),
    ]
    examples = [reals[number][top : top + 48, left : left + 64] for number, top, left in EXAMPLES]
    return np.concatenate(
        [
            row([(f"real LR {number + 1}", image) for number, image in enumerate(examples)]),
            row(
                [
                    ("HR", hr),
                    *((f"LR, draw {number + 1}", image) for number, image in enumerate(drawn)),
                ]
            ),
            row([(name, _framed(kernel)) for name, kernel in zip(names, kernels, strict=True)]),
        ]
    )


def translators_picture() -> Image:
    """Real LR of the camera; an HR tile, its bicubic LR, and two draws of a fit of every method."""
    hr = photograph("chelsea", 96, 128)
    reals, _ = camera_pictures()
    drawn = {method: _translated(method, hr) for method in METHODS}
    examples = [reals[number][top : top + 48, left : left + 64] for number, top, left in EXAMPLES]
    first = ("bicubic", to_uint8(bicubic_down(hr, 2)))
    return np.concatenate(
        [
            row([(f"real LR {number + 1}", image) for number, image in enumerate(examples)]),
            row([first, *((f"{method}, draw 1", two[0]) for method, two in drawn.items())]),
            row([("HR", hr), *((f"{method}, draw 2", two[1]) for method, two in drawn.items())]),
        ]
    )


def _translated(method: str, hr: Image) -> list[Image]:
    """Two draws of a translator that was fitted to the camera's photos."""
    from pairmill.models.keyed import keyed
    from pairmill.models.translation.checkpoint import Translator
    from pairmill.models.translation.draw import numbers, translate
    from pairmill.models.translation.fit import Fit
    from pairmill.models.translation.measure import card_of, centred

    reals, hrs = camera_pictures()
    fit = Fit(reals, hrs, getattr(Recipe(name="a", images=ANY), method), 2, 0)
    _advance(fit, fit.config.samples)
    fit.shift = centred(fit)
    translator = Translator(card_of(fit), fit.mean.eval())
    count = numbers(translator, (48, 64))
    return [
        to_uint8(translate(translator, hr, keyed(0, "check", 9 + number).standard_normal(count)))
        for number in range(2)
    ]


def camera_pictures() -> tuple[list[Image], list[Image]]:
    """Real LR of left halves, one draw of the camera per 160 rows, and the right halves as HR."""
    degrader = degraders.build(CustomConfig.model_validate(CAMERA), 2, Pools())
    reals, hrs = [], []
    for number, image in enumerate(photographs()):
        half = image.shape[1] // 4 * 2
        hrs.append(np.ascontiguousarray(image[:, half:]))
        for top in range(0, image.shape[0] - 159, 160):
            part = np.ascontiguousarray(image[top : top + 160, :half])
            program = degrader.draw(stream("docs", "camera", number, top), part.shape[:2])
            reals.append(apply(program, part, Assets()))
    return reals, hrs


def _kernel(degradation: Degradation, normals: NDArray[np.float64]) -> NDArray[np.float64]:
    import torch

    z = torch.from_numpy(normals[: degradation.config.kernel.channels].astype(np.float32))[
        None, :, None, None
    ]
    with torch.inference_mode():
        return np.asarray(
            degradation.kernel(z).reshape(2 * [degradation.config.kernel.size]).double().numpy()
        )


def _framed(kernel: NDArray[np.float64]) -> Image:
    """The centre of a kernel as a heat map, 18 x 24 HR pixels, in the shape of the panes above."""
    return heat(np.pad(kernel, ((0, 1), (1, 2)))[2:20])


def redegnet_picture() -> Image:
    """Pairs of one face with four looks; a cat as it is, and with those looks."""
    from pairmill.models.redegnet.draw import represent, synthesize
    from pairmill.models.redegnet.fit import Fit

    config = RedegnetConfig(
        net=RedegnetNetConfig(side=64, code=64, first=8, most=64, mapping=4, skip_start=1.0),
        batch=4,
        samples=5_000,
        learning_rate=2e-3,
        critic_rate=1e-3,
        betas=(0.5, 0.99),
        halve_at=(0.6, 0.8, 0.9),
        pairs=RedegnetPairsConfig(replaced=0, worsened=0, margins=(0, 0, 0, 0)),
    )
    faces = [Faces(lq_of(ops, image), image) for image in _squares() for ops in LOOKS.values()]
    fit = Fit(Pairs(faces, photographs(), config, 0), config, 0)
    _advance(fit, config.samples)
    fit.syn.eval()
    face, cat = faces[: len(LOOKS)], photograph("chelsea", 96, 128)
    codes = [represent(fit.deg, tiles(one.hq), tiles(one.lq)).mean(0) for one in face]
    made = [to_uint8(synthesize(fit.syn, cat, code)) for code in codes]
    cut = [image[66:162, 30:158] for image in (face[0].hq, *(one.lq for one in face))]
    return np.concatenate(
        [
            row(
                list(zip(["HQ of the pairs", *(f"LQ: {look}" for look in LOOKS)], cut, strict=True))
            ),
            row(
                list(
                    zip(
                        ["HR", *(f"with the representation of: {look}" for look in LOOKS)],
                        [cat, *made],
                        strict=True,
                    )
                )
            ),
        ]
    )


def _squares() -> list[Image]:
    """Crops of the photos that act as restored images, a face first."""
    places = ((0, 130), (60, 120), (100, 180), (120, 220), (150, 300))
    return [
        np.ascontiguousarray(image[y : y + 192, x : x + 192])
        for image, (y, x) in zip(photographs(), places, strict=True)
    ]


def lq_of(ops: Sequence[dict[str, Any]], image: Image) -> Image:
    """The result of applying ops to an image, in 8 bits."""
    return done([OP.validate_python(op) for op in ops], image)


def tiles(image: Image, side: int = 64) -> Image:
    """(H, W, 3), sides multiples of `side`, as squares, (N, side, side, 3)."""
    height, width = (length // side for length in image.shape[:2])
    return image.reshape(height, side, width, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def _advance(fit: Any, samples: int) -> None:
    for seen in fit.advance(samples):
        if seen % 1600 == 0:
            sys.stderr.write(f"\r{seen} of {samples} ")
    sys.stderr.write("\n")


PICTURES: dict[str, Callable[[], Image]] = {
    "pdm": pdm_picture,
    "redegnet": redegnet_picture,
    "translators": translators_picture,
}

if __name__ == "__main__":
    main()
