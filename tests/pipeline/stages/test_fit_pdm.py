"""The fit of PDM as a stage, its verdict, its op and its degrader."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.models.functional.resize import bicubic_up
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.build.build import make
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.pipeline.runner.execution import SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import Context, Profile, ProgressListener, Stage
from pairmill.pipeline.stages import fit_pdm, learned_fit, pool_pdm
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.degraders.pdm import PdmConfig
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.ops.learned import Pdm
from pairmill.schemas.program import Program
from tests.support.alignment import shift
from tests.support.make import Tiny, build, make_stages, photograph, tree
from tests.support.pools import pdm_pool


class KilledError(Exception):
    """Stands for SIGKILL."""


def test_a_fit_killed_at_any_check_goes_on_and_ends_in_the_same_bytes(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, config = tiny.inputs["fit_pdm"]
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "clean_up").symlink_to(tiny.workspace / "stages" / "clean_up")
    write = Context.write
    begun: list[int] = []
    advance = fit_pdm_advance(begun)

    def dying(self: Context, unit: Any, name: str, data: bytes) -> None:
        write(self, unit, name, data)
        if name == learned_fit.STATE:
            raise KilledError

    def run() -> None:
        run_stage(
            fit_pdm.STAGE,
            inputs,
            config,
            Profile(str(tmp_path)),
            SerialExecutor(),
            ProgressListener(),
        )

    monkeypatch.setattr("pairmill.models.pdm.fit.Fit.advance", advance)
    for _ in range(2):  # there are two checks; each run gets to the next
        with monkeypatch.context() as patch:
            patch.setattr(Context, "write", dying)
            with pytest.raises(KilledError):
                run()
    run()
    assert begun == [0, 8]  # samples that the runs began with; the last had nothing left to do
    assert tree(tmp_path / "stages" / "fit_pdm") == tree(tiny.workspace / "stages" / "fit_pdm")


def fit_pdm_advance(begun: list[int]) -> Any:
    from pairmill.models.pdm.fit import Fit

    advance = Fit.advance

    def noted(self: Fit, samples: int) -> Any:
        begun.append(self.samples)
        return advance(self, samples)

    return noted


def test_what_a_fit_leaves(tiny: Tiny) -> None:
    ref = tiny.sealed["fit_pdm"].manifest
    folder = tiny.workspace / layout.unit_folder("fit_pdm", ref.key)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "checkpoint.safetensors",
        "curves.npy",
        "grid-000000008.png",
        "grid-000000016.png",
        "kernels.npy",
        "result.json",
        "state.safetensors",
    }
    assert np.load(folder / "curves.npy").shape == (4, 5)
    assert len(ref.fit.measures.aucs) == 2
    kernels = np.load(folder / "kernels.npy")
    np.testing.assert_allclose(kernels.sum((1, 2)), 1, atol=1e-5)
    assert ref.fit.measures.offset < 0.005


def test_other_gates_judge_the_same_fit(tiny_copy: Tiny) -> None:
    computed: dict[str, int] = {}

    class Counted(ProgressListener):
        def sealed(
            self, stage: Stage[Any, Any, Any, Any, Any], result: Any, seconds: float
        ) -> None:
            computed[stage.name] = result.computed
            assert seconds >= 0

    gates = {"min_diversity": 0.5, "max_auc": 1.0}
    recipe = tiny_copy.recipe.with_(pdm=tiny_copy.recipe.pdm.with_(gates=gates))
    make_stages(recipe, tiny_copy.workspace, watcher=Counted())
    assert {name for name, count in computed.items() if count} == {"pool_pdm"}


def test_a_failed_fit_is_not_drawn_from_and_says_why(tiny: Tiny) -> None:
    """All stages are found but the verdict, which is another one."""
    manifest = tiny.sealed["pool_pdm"].manifest
    measures = manifest.verdict.measures.with_(
        auc=0.97, interval=(0.9, 1.0), telling=("less block edges anywhere (0.86)",)
    )
    verdict = manifest.verdict.with_(
        reasons=("kernels-alike", "noise-collapsed", "told-apart"), measures=measures
    )

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Any:
        sealed = tiny.sealed[stage.name]
        return (
            replace(sealed, manifest=manifest.with_(verdict=verdict))
            if stage.name == "pool_pdm"
            else sealed
        )

    make(tiny.recipe, "/", run)  # accept_failed stands in the tiny recipe
    strict = tiny.recipe.with_(degraders=[{"kind": "pdm"}])
    with pytest.raises(UserError) as caught:
        make(strict, "/", run)
    assert f"differ by {manifest.verdict.measures.diversity:.1%}" in caught.value.got
    assert "noise floor" in caught.value.got
    assert (
        "an AUC of 0.970, most 1.0 (drawn patches have less block edges anywhere (0.86))"
        in caught.value.got
    )
    assert "pdm.noise_weight" in caught.value.todo
    assert "accept_failed" in caught.value.todo


def test_every_reason_has_words() -> None:
    from pairmill.schemas.pdm_fit import PdmReason

    assert set(pool_pdm.ADVICE) == set(PdmReason)
    assert set(pool_pdm.FOUND) == set(PdmReason) - {PdmReason.NOT_FINITE}


def test_a_changed_checkpoint_is_noticed(tiny_copy: Tiny) -> None:
    inputs, config = tiny_copy.inputs["pool_pdm"]
    path = tiny_copy.workspace / layout.unit_folder("fit_pdm", inputs.key) / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    other = config.with_(min_diversity=0.5)
    with pytest.raises(IntegrityError):
        run_stage(
            pool_pdm.STAGE,
            inputs,
            other,
            Profile(str(tiny_copy.workspace)),
            SerialExecutor(),
            ProgressListener(),
        )
    again = tiny_copy.recipe.with_(pdm=tiny_copy.recipe.pdm.with_(gates=other))
    made = make_stages(again, tiny_copy.workspace)  # which is all that the message says to do
    assert made.sealed["pdm"].manifest.digest == tiny_copy.sealed["pool_pdm"].manifest.digest


def test_a_moved_version_replays_its_pdm_samples_without_the_stages(
    tiny: Tiny, tmp_path: Path
) -> None:
    target = (
        tmp_path
        / "moved"
        / layout.version_folder(tiny.manifest.identity.name, tiny.manifest.version)
    )
    shutil.copytree(tiny.version, target)
    storage = Storage(str(tmp_path / "moved"))
    keys = [row.key for row in read_table(storage, tiny.manifest) if row.degrader == "pdm"]
    assert len(keys) > 1
    again = list(replay(storage, tiny.manifest, find_samples(storage, tiny.manifest, keys)))
    assert len(again) == len(keys)
    assert all(sample.identical for sample in again)
    assert len({sample.record.lr_sha256 for sample in again}) == len(keys)


def test_verify_notices_a_changed_checkpoint(tiny_copy: Tiny) -> None:
    assert verify(tiny_copy.storage, tiny_copy.manifest).ok
    group = tiny_copy.version / "pools" / "pdm.zarr"
    [chunk] = [path for path in group.rglob("*") if path.is_file() and path.parent.name == "0"]
    data = chunk.read_bytes()
    chunk.unlink()
    chunk.write_bytes(data[:-9] + bytes(9))
    assert not verify(tiny_copy.storage, tiny_copy.manifest).ok


@pytest.fixture(scope="module")
def drawn() -> tuple[Pools, Assets]:
    return pdm_pool({"filters": 3})


def program(
    drawn: tuple[Pools, Assets], key: object = "a", shape: tuple[int, int] = (74, 62)
) -> Program:
    return degraders.build(PdmConfig(), 2, drawn[0]).draw(stream(7, "draw", str(key)), shape)


@pytest.mark.parametrize("lr_shape", [(1, 1), (1, 7), (37, 31)])
def test_replay_is_identical_and_other_draws_differ(
    drawn: tuple[Pools, Assets], lr_shape: tuple[int, int]
) -> None:
    hr = photograph(1, 2 * lr_shape[0], 2 * lr_shape[1])
    before = hr.copy()
    one = Program.model_validate_json(program(drawn).canonical_json())
    first, second, other = (apply(p, hr, drawn[1]) for p in (one, one, program(drawn, "b")))
    assert first.shape == (*lr_shape, 3)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(hr, before)
    np.testing.assert_array_equal(apply(one, np.asfortranarray(hr), drawn[1]), first)
    assert lr_shape == (1, 1) or not np.array_equal(first, other)
    assert one.pools() == (drawn[0]["pdm"].digest,)
    assert "PDM" in one.words({})[0]


def test_threads_do_not_show(drawn: tuple[Pools, Assets]) -> None:
    import torch

    hr, threads = photograph(1, 222, 186), torch.get_num_threads()
    results: list[np.ndarray] = []
    for count in (1, 2):
        torch.set_num_threads(count)
        results.append(apply(program(drawn), hr, drawn[1]))
        assert torch.get_num_threads() == count
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(results[0], results[1])


def test_enlarged_lr_lies_on_hr() -> None:
    drawn = pdm_pool(None)
    from scipy.ndimage import gaussian_filter

    grain = gaussian_filter(np.random.default_rng(2).standard_normal((128, 128, 3)), (1.4, 1.4, 0))
    hr = np.clip(128 + grain * (40 / grain.std()), 0, 255).astype(np.uint8)
    for key in "abc":
        lr = apply(program(drawn, key, (128, 128)), hr, drawn[1])
        found = shift(hr.mean(axis=2), bicubic_up(lr, 2).mean(axis=2), 2)
        assert max(map(abs, found)) < 0.1, found


def test_a_degrader_without_checkpoint_says_what_to_do() -> None:
    with pytest.raises(UserError, match="no fitted checkpoint") as caught:
        degraders.build(PdmConfig(), 2, Pools())
    assert "pairmill fit pdm" in caught.value.todo
    with pytest.raises(IntegrityError):
        apply(
            Program(scale=2, ops=(Pdm(pool="0" * 64, key="0" * 32),)),
            photograph(1, 8, 8),
            Assets(),
        )


def test_the_build_of_a_version_is_found_again(tiny_copy: Tiny) -> None:
    assert build(tiny_copy.recipe, tiny_copy.workspace).version == tiny_copy.manifest.version
