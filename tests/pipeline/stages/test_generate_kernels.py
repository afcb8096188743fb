"""Generated kernels: judging, the stage, its errors, and the degrader that draws on them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.kernels import (
    gaussian_kernel,
    offset,
    target_centre,
    to_fixed_point,
)
from pairmill.models.kmsr.geometry import cores, turned, whole
from pairmill.pipeline.assets import pool_digest, read_pool, write_pool
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.degraders.kmsr import Kmsr
from pairmill.pipeline.kernels.generated import for_scale, judged, nearest, spread
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Profile, ProgressListener, Sealed
from pairmill.pipeline.stages import generate_kernels
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.kmsr import KmsrConfig as KmsrDegrader
from pairmill.schemas.errors import UserError
from pairmill.schemas.kernel import KernelQualityConfig
from pairmill.schemas.kmsr import GenerateConfig, GeneratedPoolManifest, KmsrConfig
from pairmill.schemas.ops.pooled import Inject, PooledBlur
from pairmill.schemas.pool import KernelPoolManifest
from pairmill.schemas.recipe import Recipe
from tests.support.make import Tiny
from tests.support.pools import pools

Array = NDArray[np.float64]
QUALITY = KernelQualityConfig()
FIT = {"iterations": 2, "batch": 4, "width": 2}


def some(count: int = 5) -> Array:
    rng, centre = np.random.default_rng(count), target_centre(17, 2)
    shapes = [(*rng.uniform(0.8, 2.2, 2), rng.uniform(0, np.pi)) for _ in range(count)]
    return np.stack(
        [to_fixed_point(gaussian_kernel(17, a, b, angle, centre)) for a, b, angle in shapes]
    )


def run(folder: Path, kernels: Array, **kmsr: Any) -> Sealed[GeneratedPoolManifest]:
    storage = Storage(str(folder))
    if not (folder / "pool.zarr").exists():
        write_pool(storage, "pool.zarr", "kernels", kernels, {})
    pool = KernelPoolManifest(
        digest=pool_digest(kernels),
        count=len(kernels),
        side=17,
        scale=2,
        kernels=(),
        judged=(),
        estimates={},
    )
    config = GenerateConfig(seed=3, kmsr=KmsrConfig.model_validate(kmsr), quality=QUALITY)
    inputs = generate_kernels.Inputs(pool, "pool.zarr")
    return run_stage(
        generate_kernels.STAGE,
        inputs,
        config,
        Profile(str(folder)),
        SerialExecutor(),
        ProgressListener(),
    )


def core(sigma: float, *, move: float = 0) -> Array:
    return cores(gaussian_kernel(17, sigma, sigma, 0, target_centre(17, 2) + move)[None], 2)[0]


def test_every_rule_has_a_kernel_that_breaks_it() -> None:
    pool = cores(some(), 2)
    good, broken = core(1.3), 0.92 * core(1.3)
    broken[[0, -1]] += 0.08 / 32  # bright lines at two borders
    cases = {
        "too-sharp": core(0.2),
        "too-wide": core(2.6),
        "border": broken,
        "sum": 2 * good,
        "negative": good / 0.7 - (0.15 / 0.7) * (np.roll(good, 4, 1) + np.roll(good, -4, 1)),
        "off-centre": core(1.0, move=2.5),
        "copy-of-the-pool": turned(pool[0], 5),
        "not-finite": good * np.nan,
    }
    quality = QUALITY.with_(max_border=0.03, min_support=6.0, max_support=60.0)
    for reason, bad in cases.items():
        kept, rejected = judged(np.stack([good, bad]), pool, 2, quality, 0.02)
        assert (len(kept), dict(rejected)) == (1, {reason: 1}), reason
    kept, rejected = judged(np.stack([good, good, core(1.31)]), pool, 2, quality, 0.02)
    assert (len(kept), dict(rejected)) == (1, {"repeated": 2})
    assert len(judged(np.stack([good, core(1.31)]), pool, 2, quality, 0.001)[0]) == 2


def test_thresholds_grow_as_composed_kernels_do() -> None:
    """Against the support of a Gaussian composed by hand: 5 sigma^2 at x4, 21 sigma^2 at x8."""
    assert for_scale(QUALITY, 2) == QUALITY
    for scale, factor in ((4, 5), (8, 21)):
        limits = for_scale(QUALITY, scale)
        assert limits.min_support == pytest.approx(factor * QUALITY.min_support)
        assert limits.max_support == pytest.approx(factor * QUALITY.max_support)
        assert limits.max_offset == pytest.approx((scale - 1) * QUALITY.max_offset)


def test_nearest_is_the_least_distance() -> None:
    kernels = some(6)
    norms = [np.linalg.norm(kernel) for kernel in kernels]
    by_hand = min(
        np.linalg.norm(kernels[0] - kernels[n]) / max(norms[0], norms[n]) for n in range(1, 6)
    )
    assert nearest(kernels[0], kernels[1:].reshape(5, -1)) == pytest.approx(by_hand)
    assert nearest(kernels[0], np.zeros((0, 289))) == np.inf


def test_spread_of_two_gaussians() -> None:
    centre = target_centre(33, 2)
    found = spread(
        np.stack([gaussian_kernel(33, 1, 1, 0, centre), gaussian_kernel(33, 3, 1.5, 1.0, centre)])
    )
    assert found is not None
    widths = [1, np.sqrt((9 + 2.25) / 2)]
    assert found.width == pytest.approx(np.mean(widths), rel=1e-3)
    assert found.width_std == pytest.approx(np.std(widths), rel=1e-3)
    assert found.anisotropy == pytest.approx(1.5, rel=1e-2)
    assert spread(np.zeros((1, 3, 3))) is None


@pytest.mark.parametrize("method", ["wgan", "mixture"])
def test_the_stage_seals_a_pool(method: str, tmp_path: Path) -> None:
    sealed = run(
        tmp_path, some(), method=method, count=12, fit=FIT, min_diversity=0, min_distance=0.001
    )
    manifest = sealed.manifest
    kernels = read_pool(
        Storage(str(tmp_path)),
        layout.pool_group("generate_kernels", sealed.key),
        "generated_kernels",
    )
    assert kernels.shape == (manifest.count, 17, 17)
    assert manifest.digest == pool_digest(kernels)
    assert manifest.source == pool_digest(some())
    assert manifest.made.drawn == 16
    assert manifest.count == min(12, 16 - sum(manifest.made.rejected.values())) > 1
    assert (kernels.sum(axis=(1, 2)) == 1).all()
    assert (kernels * 2**16 == np.rint(kernels * 2**16)).all()
    assert max(np.abs(offset(kernel, 2)).max() for kernel in kernels) < 0.02
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)


def test_the_place_of_the_pool_does_not_matter() -> None:
    payload = generate_kernels.GeneratePayload(pool="0" * 64, count=5, side=17, scale=2, group="a")
    assert payload.identity() == payload.with_(group="b").identity()
    assert payload.identity() != payload.with_(pool="1" * 64).identity()


def test_too_small_a_pool_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too small") as caught:
        run(tmp_path, some(3))
    assert (caught.value.got, caught.value.wanted) == ("3 kernels", "at least 4")
    assert "kmsr.method: mixture" in caught.value.todo
    sealed = run(tmp_path, some(3), method="mixture", count=6, min_diversity=0, min_distance=0.001)
    assert sealed.manifest.count > 1  # what the error advises works


def test_failed_generators_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="all alike") as caught:
        run(tmp_path, some(), count=12, fit=FIT, min_distance=0, min_diversity=3)
    assert "kmsr.fit.iterations" in caught.value.todo
    with pytest.raises(UserError, match="no generated kernel is new"):
        run(tmp_path, some(), count=12, fit=FIT, min_distance=1.5)
    with pytest.raises(UserError, match="fail the quality rules"):
        run(tmp_path / "wide", some() * 0 + whole(core(3.4), 2), method="mixture", min_distance=0)


def known(scale: int = 2) -> Pools:
    plain, _ = pools(scale)
    return plain | {"generated_kernels": PoolInfo("9" * 64, 7, 17)}


def test_the_degrader_draws_from_both_pools() -> None:
    degrader = Kmsr(KmsrDegrader(real=0.25), 2, known())
    programs = [degrader.draw(stream(1, "draw", n), (32, 48)) for n in range(800)]
    blurs = [op for program in programs for op in program.ops if isinstance(op, PooledBlur)]
    drawn = Counter(blur.pool == "9" * 64 for blur in blurs)
    assert drawn[True] == pytest.approx(600, abs=4 * np.sqrt(800 * 0.25 * 0.75))
    assert {blur.index for blur in blurs if blur.pool == "9" * 64} == set(range(7))
    assert {blur.index for blur in blurs if blur.pool != "9" * 64} == set(range(5))
    assert all(
        [op.op for op in program.ops] == ["pooled_blur", "subsample", "quantise"]
        for program in programs
    )
    noisy = Kmsr(KmsrDegrader(noise=True, strength=(0.5, 2)), 2, known()).draw(
        stream(1, "draw", 0), (32, 48)
    )
    inject = next(op for op in noisy.ops if isinstance(op, Inject))
    assert 0.5 <= inject.strength <= 2


@pytest.mark.parametrize(
    ("missing", "what"),
    [("kernels", "estimated"), ("generated_kernels", "generated"), ("noise", "noise")],
)
def test_a_missing_pool_is_named(missing: str, what: str) -> None:
    others = {kind: info for kind, info in known().items() if kind != missing}
    with pytest.raises(UserError, match=what):
        Kmsr(KmsrDegrader(noise=True), 2, others)


def test_recipes_know_what_they_need() -> None:
    recipe = {"name": "a", "images": {"real": ["x"]}, "degraders": [{"kind": "kmsr"}]}
    quiet, noisy = (
        Recipe.model_validate(recipe | {"degraders": [{"kind": "kmsr", "noise": n}]})
        for n in (False, True)
    )
    kinds = ("kernels", "generated_kernels", "noise", "compression")
    assert [quiet.draws_from(kind) for kind in kinds] == [True, True, False, False]
    assert [noisy.draws_from(kind) for kind in kinds] == [True, True, True, False]
    with pytest.raises(ValueError, match="scales 2, 4 and 8"):
        Recipe.model_validate(recipe | {"scale": 3, "tiles": {"size": 96}})
    with pytest.raises(ValueError, match=r"degrader kmsr learns from images\.real"):
        Recipe.model_validate(recipe | {"images": {"clean": ["x"]}})


def test_the_tiny_corpus_holds_generated_kernels(tiny: Tiny) -> None:
    refs = {ref.kind: ref for ref in tiny.manifest.identity.pools}
    assert tiny.manifest.counts["generated_kernels"] == refs["generated_kernels"].count > 1
    assert (tiny.version / "pools/generated_kernels.zarr/zarr.json").is_file()
    assert tiny.manifest.identity.stages["generate_kernels"] == 1
