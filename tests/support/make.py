"""Photos that look like some, and small builds of the library, for tests that need a whole
corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from pairmill.pipeline.build.build import make
from pairmill.pipeline.build.pinned_pools import pinned_pools
from pairmill.pipeline.build.previous_splits import earlier_keys
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.build.result import BuildResult
from pairmill.pipeline.images.decode import ingest_file
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.pools import POOLS
from pairmill.pipeline.pools.aligned import align_config, cut_config
from pairmill.pipeline.pools.base import Making
from pairmill.pipeline.pools.kernels import cameras_of, estimates_with_flow
from pairmill.pipeline.pools.noise_choice import NOISE_CHOICE
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.execution import Executor, SerialExecutor, one_thread, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Run, Sealed, Stage
from pairmill.pipeline.stages import (
    align_pairs,
    cluster_photographs,
    ingest,
    materialise,
    pool_aligned,
    try_chains,
)
from pairmill.pipeline.stages.trial_tiles import trial_tiles
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import TryConfig
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.degraders.bicubic import BicubicConfig
from pairmill.schemas.hr import HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.kernel import CameraKernelsConfig, KernelGanFkpConfig
from pairmill.schemas.pool import ClusterConfig
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.redegnet import FacePair, PairSet
from tests.support.real_pairs import real_pair

LENIENT = {
    "max_disagreement": 2,
    "max_offset": 6,
    "max_residual_offset": 6,
    "max_border": 1,
    "max_negative": 1,
    "max_raw_negative": 1,
    "max_sum_error": 9,
    "max_shift": 9,
    "max_mismatch": 99,
    "max_support": 400,
    "min_support": 1,
}
"""Quality thresholds that let nearly any kernel pass: a few iterations estimate nothing."""


def photograph(
    seed: int, height: int = 37, width: int = 31, noise: float = 3.0
) -> NDArray[np.uint8]:
    """A scene with edges, texture and a flat quarter, seen by a noisy sensor; (height, width, 3)
    uint8."""
    rng = np.random.default_rng([2026, seed])
    shades = (
        gaussian_filter(rng.standard_normal((height, width, 3)), (9, 9, 0), mode="reflect") * 180
    )
    texture = (
        gaussian_filter(rng.standard_normal((height, width, 1)), (1, 1, 0), mode="reflect") * 90
    )
    rows, columns = np.mgrid[:height, :width]
    edges = 35.0 * (((rows * rng.uniform(0.5, 1.5) + columns) // 9) % 2)[..., None]
    scene = 110 + shades + texture + edges
    scene[: height // 2, : width // 2] = 120 + 15 * rng.random(3)
    return np.rint(np.clip(scene + rng.standard_normal(scene.shape) * noise, 0, 255)).astype(
        np.uint8
    )


def save(image: NDArray[np.uint8], path: Path) -> Path:
    """Write a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def write_photographs(folder: Path) -> Path:
    """Folders of photos of odd sizes: `real` and `clean`, pairs in `lq` and `hq`, and
    `benchmark`."""
    for seed, size in enumerate([(131, 113), (97, 121)]):
        save(photograph(seed, *size), folder / f"real/{seed}.png")
    with Image.open(folder / "real/1.png") as image:
        image.save(folder / "real/1.jpg", quality=88)  # so that some LR is compressed
    (folder / "real/1.png").unlink()
    for seed, size in enumerate([(71, 67), (65, 83)], 10):
        save(photograph(seed, *size, noise=0), folder / f"clean/{seed}.png")
    (folder / "benchmark").mkdir()
    for seed in (10, 11):  # compared with, but never quite equal: the tiny recipe asks for 1.0
        with Image.open(folder / f"clean/{seed}.png") as image:
            image.save(folder / f"benchmark/{seed}.jpg", quality=70)
    lr, hr = real_pair(0, (100, 96))
    save(lr, folder / "pair/lr.png")
    save(hr, folder / "pair/hr.png")
    for seed in range(2):
        hq = photograph(seed, 73, 67, noise=0)
        save(hq, folder / f"hq/{seed}.png")
        save(np.minimum(hq, 200 - 20 * seed), folder / f"lq/{seed}.png")
    return folder


PDM: dict[str, Any] = {
    "start_from": "nothing",
    "kernel": {"features": 4, "blocks": 1, "size": 9, "channels": 2},
    "noise": {"features": 4, "filters": 2},
    "critic": {"features": [4, 4, 4]},
    "crop": 12,
    "batch": 4,
    "samples": 16,
    "check_every": 8,
    "gates": {
        "min_diversity": 0,
        "min_noise_ratio": 0,
        "max_noise_ratio": 1e9,
        "max_noise_mean": 255,
        "max_accuracy": 1,
        "max_auc": 1,
    },
}
"""A fit of four iterations, and gates that let it through."""


TRANSLATION: dict[str, Any] = {
    "generator": {"features": 4, "blocks": 1},
    "discriminator": {"features": [4, 4], "strides": [1, 2]},
    "history": 3,
    "crop": 16,
    "batch": 4,
    "samples": 16,
    "check_every": 8,
    "gates": {"max_offset": 99, "max_colour": 255, "min_effect": 0, "max_auc": 1},
}
"""A fit of four iterations of any translator, and gates that let it through."""
SMALL_SR = {"arch": "edsr", "features": 4, "blocks": 1}


def translation(method: str) -> dict[str, Any]:
    """Settings of a tiny fit by a method."""
    with_sr = method in ("bulat", "cyclesr", "maeda")
    return TRANSLATION | ({"sr": SMALL_SR} if with_sr else {})


KMSR: dict[str, Any] = {
    "count": 6,
    "min_kernels": 1,
    "min_distance": 0,
    "min_diversity": 0,
    "max_rejected": 1,
    "fit": {"iterations": 2, "critic_steps": 1, "batch": 4, "width": 2},
}
"""A generator fitted in two iterations to whatever there is."""


REDEGNET: dict[str, Any] = {
    "net": {"side": 16, "code": 4, "first": 2, "most": 4, "mapping": 1},
    "batch": 2,
    "samples": 4,
    "check_every": 2,
    "pairs": {"crops": 2},
    "gates": {"max_error_ratio": 1e9, "min_diversity": 0, "min_effect": 0, "max_accuracy": 1},
}
"""A fit of two iterations."""


def tiny_recipe(folder: Path, **changes: Any) -> Recipe:
    """A recipe for the photos in `folder`/real and `folder`/clean that builds in about a
    second."""
    value: dict[str, Any] = {
        "name": "tiny",
        "images": {"real": [f"{folder}/real"], "clean": [f"{folder}/clean"]},
        "tiles": {"size": 32},
        "kernels": {"iterations": 10, "restarts": 2, "crop": 40},
        "kernel_quality": LENIENT,
        "noise": {"patch": 16, "max_per_image": 6},
        "splits": {"train": 0.7, "val": 0.3},
        "shards": {"samples": 9},
        "degraders": [
            {"kind": "realsr", "weight": 3, "noise": "as_mined"},
            {"kind": "bicubic", "weight": 1},
            {"kind": "kmsr", "weight": 1},
            {"kind": "pdm", "weight": 1, "accept_failed": True},
        ],
        "pdm": PDM,
        "kmsr": KMSR,
    }
    return Recipe.model_validate(value | changes)


def with_redegnet(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with a degrader that learns from the pairs in `folder`/lq and `folder`/hq."""
    value = recipe.model_dump()
    value["images"]["pairs"] = {"lq": f"{folder}/lq", "hq": f"{folder}/hq"}
    degraders = [*value["degraders"], {"kind": "redegnet", "accept_failed": True}]
    return Recipe.model_validate(value | {"degraders": degraders, "redegnet": REDEGNET})


def with_curation(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe, comparing its images with the copies of them in `folder`/benchmark, but so
    strictly that none counts as one."""
    return recipe.with_(
        curation={
            "benchmarks": [f"{folder}/benchmark"],
            "alike": {"min_correlation": 1.0},
            "hr": {},
        }
    )


class Counting(ProgressListener):
    """Remembers how much each stage computed."""

    def __init__(self) -> None:
        self.computed: dict[str, int] = {}

    def sealed(
        self,
        stage: Stage[Any, Any, Any, Any, Any],
        result: Sealed[Any],
        seconds: float,  # noqa: ARG002
    ) -> None:
        self.computed[stage.name] = result.computed


def make_stages(
    recipe: Recipe,
    workspace: Path | str,
    executor: Executor | None = None,
    watcher: ProgressListener | None = None,
    workers: int = 1,
) -> BuildResult:
    """All stages of a recipe."""
    profile, carrier = Profile(str(workspace), workers=workers), executor or SerialExecutor()

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        return run_stage(stage, inputs, config, profile, carrier, watcher or ProgressListener())

    storage = Storage(str(workspace))
    return make(
        recipe,
        "/",
        run,
        None,
        pinned_pools(storage, recipe),
        earlier_keys(storage, recipe, recipe.name),
    )


def build(recipe: Recipe, workspace: Path | str, **options: Any) -> CorpusManifest:
    """All stages of a recipe, sealed as a corpus."""
    made = make_stages(recipe, workspace, **options)
    return publish(
        made, Profile(str(workspace)), circumstance(now(), "tests", "", ()), write_report
    )


@dataclass(frozen=True)
class Tiny:
    """A small corpus and all that it was made of."""

    photographs: Path
    workspace: Path
    recipe: Recipe
    manifest: CorpusManifest
    inputs: dict[str, tuple[Any, Any]]
    """Inputs and config of each stage, by name."""
    sealed: dict[str, Sealed[Any]]
    """What each stage gave."""

    @property
    def storage(self) -> Storage:
        return Storage(str(self.workspace))

    @property
    def version(self) -> Path:
        """Folder of the version."""
        return self.workspace / layout.version_folder(
            self.manifest.identity.name, self.manifest.version
        )


def build_tiny(photographs: Path, workspace: Path) -> Tiny:
    """Build the tiny corpus and remember what went into each stage."""
    one_thread()
    recipe = with_curation(with_redegnet(tiny_recipe(photographs), photographs), photographs)
    profile = Profile(str(workspace))
    inputs: dict[str, tuple[Any, Any]] = {}
    sealed: dict[str, Sealed[Any]] = {}

    def run(stage: Stage[Any, Any, Any, Any, Any], given: Any, config: Any) -> Sealed[Any]:
        inputs[stage.name] = (given, config)
        sealed[stage.name] = run_stage(
            stage, given, config, profile, SerialExecutor(), ProgressListener()
        )
        return sealed[stage.name]

    manifest = publish(
        make(recipe, "/", run), profile, circumstance(now(), "tests", "", ()), write_report
    )
    images, hr = sealed["ingest"].manifest, sealed["clean_up"].manifest
    pools = {kind: sealed[f"pool_{kind}"] for kind in DRAWN_FROM}
    make_cameras(recipe, images, hr, pools, run)
    make_aligned(recipe, photographs, run)
    make_with_flow(recipe, images, run)
    make_translator(recipe, images, hr, run)
    try_chain(images, hr, run)
    materialised(photographs, Path(f"{workspace}-replayed"), run)
    return Tiny(photographs, workspace, recipe, manifest, inputs, sealed)


def make_translator(recipe: Recipe, images: ImageSet, hr: HrSet, run: Run) -> None:
    """The stages of a translator, of the method with the most parts."""
    other = recipe.with_(maeda=translation("maeda"), degraders=[{"kind": "maeda"}])
    POOLS["maeda"].make(Making(recipe=other, images=images, base="/", run=run, cut=hr))


def making_of(recipe: Recipe, workspace: Path) -> Making:
    """What makes the pools of a recipe, its images ingested."""
    profile = Profile(str(workspace))

    def run(stage: Stage[Any, Any, Any, Any, Any], given: Any, config: Any) -> Sealed[Any]:
        return run_stage(stage, given, config, profile, SerialExecutor(), ProgressListener())

    files = ingest.find(recipe.images, "/").files
    images = run(ingest.STAGE, files, recipe.ingest).manifest
    return Making(recipe=recipe, images=images, base="/", run=run)


DRAWN_FROM = ("kernels", "noise", "compression")


def make_cameras(
    recipe: Recipe, images: ImageSet, hr: HrSet, pools: Mapping[str, Sealed[Any]], run: Run
) -> None:
    """The stages of the other way to kernels, and of noise by level and on the sensor, which take
    from the same measurements: one corpus has room for one.
    """
    settings = CameraKernelsConfig(field=True, channels=True)
    # Generated kernels have no channels.
    other = recipe.with_(kernels=settings, degraders=[{"kind": "realsr", "noise": "auto"}])
    making = Making(
        recipe=other,
        images=images,
        base="/",
        run=run,
        cut=hr,
        sealed={kind: pools[kind] for kind in DRAWN_FROM},
    )
    measured, _ = cameras_of(making, settings)
    making.of(NOISE_CHOICE)
    run(cluster_photographs.STAGE, measured, ClusterConfig(min_photographs=2))


FLOW: dict[str, Any] = {"iterations": 3, "batch": 4, "couplings": 1, "hidden": 2}
"""A flow fitted in three steps."""


def make_with_flow(recipe: Recipe, images: ImageSet, run: Run) -> None:
    """The stages of kernels with a flow as their prior."""
    settings = KernelGanFkpConfig.model_validate(
        {"iterations": 10, "restarts": 1, "steps": 1, "flow": FLOW}
    )
    estimates_with_flow(Making(recipe=recipe, images=images, base="/", run=run), settings)


def make_aligned(recipe: Recipe, photographs: Path, run: Run) -> None:
    """The stages of real pairs: the one in `photographs`/pair, and the same swapped."""
    files = [
        FoundFile(url=str(path), bytes=path.stat().st_size, modified="")
        for path in (photographs / "pair/lr.png", photographs / "pair/hr.png")
    ]
    lr, hr = (ingest_file(file, Role.REAL, recipe.ingest) for file in files)
    assert isinstance(lr, ImageRecord)
    assert isinstance(hr, ImageRecord)
    pairs = (FacePair(name="0", lq=lr, hq=hr), FacePair(name="1", lq=hr, hq=lr))
    aligned = run(
        align_pairs.STAGE, PairSet(pairs=pairs, rejected=()), align_config(recipe)
    ).manifest
    run(pool_aligned.STAGE, aligned, cut_config(recipe))


def try_chain(images: ImageSet, hr: HrSet, run: Run) -> None:
    """The stage that fits of chains are made of."""
    tiles = tuple(trial_tiles(images, hr, size=32, side=32, most=1000))
    config = TryConfig(scale=2, side=32, tiles=1, seed=0, bins=0, chain=BicubicConfig())
    run(try_chains.STAGE, try_chains.Inputs(tiles, (), trials=try_chains.UNIT + 3), config)


def materialised(photographs: Path, workspace: Path, run: Run) -> None:
    """The stage that writes the LR of a version that stores none."""
    shards, degraders = {"samples": 9, "lr": "replayed"}, [{"kind": "bicubic"}]
    recipe = tiny_recipe(photographs, shards=shards, degraders=degraders)
    manifest = build(recipe, workspace)
    folder = workspace / layout.version_folder(recipe.name, manifest.version)
    inputs = materialise.Inputs(manifest=manifest, folder=str(folder))
    run(materialise.STAGE, inputs, materialise.MaterialiseConfig(encoding="fast"))


def tree(folder: Path, leave_out: Sequence[str] = ()) -> dict[str, bytes]:
    """All files below a folder, by relative name."""
    files = {
        str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if not any(part in name for part in leave_out)
    }
