"""Examples of ops and settings of degraders for the pages that `docs/generate/pages.py` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from pairmill.pipeline.assets import pool_digest
from pairmill.pipeline.compression.mine import encoder_of, of_file
from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.noise.inject import draw_crops, with_others
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.pools.generated_kernels import mixed
from pairmill.pipeline.pools.items import PoolItems
from pairmill.pipeline.pools.kernels import gaussians
from pairmill.pipeline.rng import stream
from pairmill.pipeline.stages.pool_noise_levels import gains
from pairmill.schemas.noise import NoiseConfig
from pairmill.schemas.ops import Op
from pairmill.schemas.ops.camera import Process, Unprocess
from pairmill.schemas.translation import METHODS

KEY = "0123456789abcdef0123456789abcdef"
PARSER: TypeAdapter[Any] = TypeAdapter(Op)


@dataclass(frozen=True)
class Example:
    """One op with its parameters, and the ops applied before it."""

    op: Any
    before: tuple[Any, ...] = ()
    supply: tuple[PoolItems, ...] = ()
    picture: str = "chelsea"
    side: int = 80
    top: int = 70
    left: int = 130

    def words(self) -> str:
        """The op in words; where words leave out what was set, its settings."""
        counts = {pool.digest: len(pool.items) for pool in self.supply}
        given = self.op.model_dump(
            exclude_defaults=True, exclude={"op", "key", "pool", "placements"}
        )
        words = str(self.op.words(counts))
        camera = isinstance(self.op, Unprocess | Process) and given
        return (
            f"{words}, {', '.join(f'{name} {value}' for name, value in given.items())}"
            if camera
            else words
        )


def photograph(
    name: str, height: int, width: int, top: int = 60, left: int = 120
) -> NDArray[np.uint8]:
    """A crop of an image that comes with scikit-image under CC0."""
    import skimage.data

    image = getattr(skimage.data, name)()
    return np.ascontiguousarray(image[top : top + height, left : left + width, :3])


def noise_supply() -> PoolItems:
    """The noise of the flat parts of an image, by the rules of the demo."""
    config = NoiseConfig(patch=16, max_structure=12, max_unlike=3)
    items = np.stack(
        [
            residual(patch)
            for patch in candidates(photograph("coffee", 400, 600, 0, 0), "0" * 64, config).patches
        ]
    )
    return PoolItems("noise", pool_digest(items), items, sealed=False, note="")


def jpeg_supply() -> PoolItems:
    """Encoders of three JPEG files of different quality."""
    files = [
        cv2.imencode(".jpg", photograph("coffee", 96, 96), [cv2.IMWRITE_JPEG_QUALITY, q])[
            1
        ].tobytes()
        for q in (20, 50, 85)
    ]
    items = np.stack([encoder_of(of_file(file, "0" * 64)).row() for file in files])
    return PoolItems("compression", pool_digest(items), items, sealed=False, note="")


def supplies(scale: int) -> list[PoolItems]:
    """Pools for degraders that draw from some."""
    kernels = [gaussians(scale), mixed(gaussians(scale), scale)] if scale in (2, 4, 8) else []
    return [*kernels, noise_supply(), jpeg_supply()]


def _injections() -> tuple[Example, ...]:
    pool = noise_supply()
    placements = draw_crops(stream("docs", "inject"), (80, 80), 16, len(pool.items))
    settings = [
        {"pool": pool.digest, "strength": strength, "placements": placements} for strength in (1, 4)
    ]
    return _some("inject", *settings, supply=(pool,))


def _injections_by_level() -> tuple[Example, ...]:
    """As the noise of light is: its variance grows with level, from 1."""
    pool, levels = noise_supply(), np.sqrt(1 + np.arange(256) / 16)
    row = gains(np.tile(levels, (3, 1)), np.full(3, 160.0), np.full(3, levels[160]))
    items = np.stack([row] * len(pool.items))
    gain = PoolItems("noise_levels", pool_digest(items), items, sealed=False, note="")
    rng = stream("docs", "inject")
    placements = with_others(rng, draw_crops(rng, (80, 80), 16, len(pool.items)), len(pool.items))
    setting = {"pool": pool.digest, "levels": gain.digest, "placements": placements}
    settings = [{**setting, "strength": strength} for strength in (1, 4)]
    return _some("inject_by_level", *settings, supply=(pool, gain))


def _some(
    name: str,
    *settings: Mapping[str, Any],
    before: tuple[Mapping[str, Any], ...] = (),
    **where: Any,
) -> tuple[Example, ...]:
    first = tuple(PARSER.validate_python(op) for op in before)
    return tuple(
        Example(PARSER.validate_python({"op": name, **values}), first, **where)
        for values in settings
    )


def _kernel(shape: str, **values: Any) -> dict[str, Any]:
    return {"kernel": {"shape": shape, **values}}


def _video(*codecs: tuple[str, int]) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"codec": codec, "crf": crf, "frames": 2, "motion": (0, 2)} for codec, crf in codecs
    )


SIZES = ("matlab_bicubic", "bicubic", "bilinear", "area", "nearest")
JPEGS = jpeg_supply()
GAUSSIANS = gaussians(2)
RAW = ({"op": "unprocess"},)
OPS: dict[str, tuple[Example, ...]] = {
    "pooled_blur": _some(
        "pooled_blur",
        *({"pool": GAUSSIANS.digest, "index": index} for index in (0, 2, 4)),
        supply=(GAUSSIANS,),
    ),
    "inject": _injections(),
    "inject_by_level": _injections_by_level(),
    "pooled_jpeg": _some(
        "pooled_jpeg",
        *({"pool": JPEGS.digest, "index": index} for index in range(3)),
        supply=(JPEGS,),
    ),
    "blur": _some(
        "blur",
        _kernel("gaussian", sigma_x=2, sigma_y=2),
        _kernel("gaussian", sigma_x=4, sigma_y=1, angle=0.8),
        _kernel("generalised", sigma_x=2, sigma_y=2, beta=0.5),
        _kernel("plateau", sigma_x=2, sigma_y=2, beta=2),
        _kernel("sinc", cutoff=1.2),
        _kernel("motion", length=12, angle=0.6),
        _kernel("disc", radius=4),
    ),
    "unsharp_mask": _some(
        "unsharp_mask", {"weight": 0.5}, {"weight": 1.5}, {"weight": 1.5, "sigma": 2, "size": 13}
    ),
    "subsample": _some("subsample", {"scale": 2}, {"scale": 4}),
    "bicubic_down": _some(
        "bicubic_down", *({"scale": scale, "form": "matlab"} for scale in (2, 4, 8))
    ),
    "resize": _some("resize", *({"height": 24, "width": 24, "method": method} for method in SIZES)),
    "clip": _some("clip", {}, before=({"op": "gaussian_noise", "sigma": 40, "key": KEY},)),
    "quantise": _some("quantise", {}, before=({"op": "bicubic_down", "scale": 4},)),
    "gaussian_noise": _some(
        "gaussian_noise",
        {"sigma": 10, "key": KEY},
        {"sigma": 25, "key": KEY},
        {"sigma": 25, "mode": "grey", "key": KEY},
        {
            "sigma": 0,
            "mode": "correlated",
            "covariance": ((600, 500, 100), (500, 600, 100), (100, 100, 200)),
            "key": KEY,
        },
    ),
    "speckle_noise": _some(
        "speckle_noise",
        {"sigma": 0.05, "key": KEY},
        {"sigma": 0.2, "key": KEY},
        {"sigma": 0.2, "mode": "grey", "key": KEY},
    ),
    "poisson_noise": _some(
        "poisson_noise",
        {"peak": 1000, "key": KEY},
        {"peak": 50, "key": KEY},
        {"peak": 50, "grey": True, "key": KEY},
        {"strength": 3, "key": KEY},
    ),
    "shot_read_noise": _some(
        "shot_read_noise", {"shot": 0.5, "read": 1, "key": KEY}, {"shot": 4, "read": 4, "key": KEY}
    ),
    "block_noise": _some("block_noise", {"key": KEY}, {"sigma": (0, 25), "block": 16, "key": KEY}),
    "jpeg": _some(
        "jpeg",
        {"quality": 75},
        {"quality": 30},
        {"quality": 10},
        {"quality": 30, "subsampling": "444"},
    ),
    "webp": _some("webp", {"quality": 75}, {"quality": 30}, {"quality": 5}),
    "avif": _some("avif", {"quality": 75}, {"quality": 40}, {"quality": 15}),
    "jpeg_xl": _some("jpeg_xl", {"distance": 1}, {"distance": 5}, {"distance": 15}),
    "chroma_subsample": _some("chroma_subsample", {}, {"smooth": True}, {"subsampling": "422"}),
    "video": _some("video", *_video(("h264", 32), ("hevc", 34), ("vp9", 45), ("av1", 50))),
    "unprocess": _some("unprocess", {}, {"tone": False}),
    "mosaic": _some("mosaic", {}, before=RAW),
    "process": _some("process", {}, {"gain": 1.5}, {"red_gain": 2.4}, before=RAW),
}
"""Examples by op."""

DEGRADERS: dict[str, tuple[int, dict[str, Any]]] = {
    "realsr": (2, {"kind": "realsr"}),
    "kmsr": (2, {"kind": "kmsr"}),
    "custom": (
        4,
        {
            "kind": "custom",
            "ops": [
                {"op": "blur", "kernel": {"shape": "disc", "radius": [1, 4]}},
                {"op": "gaussian_noise", "sigma": [1, 12]},
                {"op": "jpeg", "quality": [40, 90]},
            ],
        },
    ),
}
"""Scale and settings of a degrader's page; x4 and the defaults where it is not named."""

LEARNED = {
    "pdm": (
        "Above: output of a hidden camera (oval blur of roughly one direction, noise that grows "
        "with brightness), from which PDM was fitted without pairs. Below: a photo that the "
        "fit never saw, the LR of five draws at x2, and the centres of their kernels next to one "
        "of the camera's. The elongated kernel is not one of the camera's: five photos are "
        "few to learn from. Every pixel is shown as a square. Made by "
        "`python -m docs.generate.learned`; how close a fit comes to a hidden truth is measured in "
        "[pdm.md](../../explanation/pdm.md#how-close-it-comes-to-a-hidden-truth)."
    ),
    "redegnet": (
        "Above: one of the five squares from which the pairs of a fit were made, degraded in "
        "four ways. Below: a photo that the fit never saw, and SynNet's output for it with "
        "each representation: the blurs are carried over, the sharpening mostly, and of the "
        "compression the loss of detail but not the blocks. No noise and no downscaling here; a "
        "sample is downscaled by the recipe's scale. Made by `python -m docs.generate.learned`: "
        "5000 pairs on one core, a four-hundredth of the published fit; real faces are measured in "
        "[redegnet.md](../../../benchmarks/results/redegnet.md#measured)."
    ),
    "translators": (
        "Above: output of a hidden camera (oval blur of roughly one direction, noise that grows "
        "with brightness), to which each translator was fitted without pairs, with its default "
        "settings. Below: a photo that no fit saw, its bicubic LR, and two draws of each. Every "
        "pixel is shown as a square. Made by `python -m docs.generate.learned`; how the methods "
        "compare is measured in [translation.md](../../explanation/translation.md)."
    ),
    "aligned": (
        "A pair of a simulated camera that stood 4 HR pixels off, was turned by 0.6 degrees and is "
        "darker, with other colours: both photos, HR after registration, and HR minus LR before "
        "and after. What is left is the blur and the noise of LR. Every pixel is shown as a "
        "square. Made by `python -m docs.generate.aligned_pair`; real pairs are measured in "
        "[aligned.md](../../../benchmarks/results/aligned.md#measured)."
    ),
}
"""Captions of the images made by `docs/generate/learned.py` and `docs/generate/aligned_pair.py`."""
SHOWN_BY = dict.fromkeys(("translate", *METHODS), "translators")
"""Ops and degraders that an image of another name shows."""
