"""Training runs on a real corpus: the same bits after any kill, checkpoints that others read, and
what is refused."""

from __future__ import annotations

import errno
import json
import math
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from pairmill.models.archs.weights import load_network, write_weights
from pairmill.models.training.loop import DivergedError
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.training.data import open_split
from pairmill.pipeline.training.folder import STATE, Folder
from pairmill.pipeline.training.run import Trained, check
from pairmill.pipeline.training.validation import look
from pairmill.pipeline.training.watch import INTERRUPTED, TrainingListener
from pairmill.pipeline.workspace import disk, layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import BusyError, IntegrityError, StoreError, UserError
from pairmill.schemas.recipe import Recipe
from tests.support.make import build
from tests.support.training import RECIPE, TILE, config, corpora, run

pytestmark = pytest.mark.usefixtures("one_torch_thread")
GAN: dict[str, Any] = {
    "losses": [{"loss": "l1"}, {"loss": "gan", "form": "relativistic", "weight": 0.01}],
    "discriminator": {"kind": "patch", "features": 4, "halvings": 1},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return corpora(tmp_path_factory.mktemp("training"))


def curve(trained: Trained) -> list[tuple[Any, ...]]:
    """The log without what the clock says."""
    lines = trained.folder.read_metrics(10**9)
    return [
        tuple((k, v) for k, v in line.items() if k not in ("images_per_second", "waiting"))
        for line in lines
    ]


def files(trained: Trained) -> dict[str, bytes]:
    """All that is the same in each run of this name."""
    storage, folder = trained.folder.storage, layout.training_folder(trained.run.config.name)
    names = storage.files(folder)
    kept = [
        name
        for name in names
        if name.startswith(("checkpoints/", "pictures/")) or name == "state.safetensors"
    ]
    return {
        name: storage.read(f"{folder}/{name}").replace(trained.run.config.name.encode(), b"NAME")
        for name in kept
    }


class Killed(BaseException):
    """As a signal that nobody handles."""


class Killer(TrainingListener):
    def __init__(self, at: int) -> None:
        self.at = at

    def stepped(self, step: int, images: int) -> None:  # noqa: ARG002
        if step == self.at:
            raise Killed


class Asking(TrainingListener):
    def __init__(self, at: int) -> None:
        self.at = at

    def stepped(self, step: int, images: int) -> None:  # noqa: ARG002
        if step == self.at:
            self.stop = INTERRUPTED


@pytest.fixture(scope="module")
def whole(workspace: Storage) -> Trained:
    torch.set_num_threads(1)
    return run(workspace)


def test_a_run_leaves_what_others_read(workspace: Storage, whole: Trained) -> None:
    manifest = find_version(workspace, "pairs")
    assert (whole.step, whole.made, whole.stopped) == (30, 30, "")
    assert (whole.run.version, whole.run.digest, whole.run.scale) == (
        manifest.version,
        manifest.digest,
        2,
    )
    names = {
        name
        for name in files(whole)
        if name.startswith("checkpoints/") and name.endswith(".safetensors")
    }
    assert names == {
        f"checkpoints/{name}.safetensors"
        for name in ("last", "best", "step-0000021", "step-0000028")
    }
    card = json.loads(
        Path(whole.folder.checkpoint("last").replace(".safetensors", ".json")).read_text()
    )
    assert (card["corpus"], card["digest"], card["step"]) == (
        f"pairs@{manifest.version}",
        manifest.digest,
        30,
    )
    assert card["score"]["psnr_y"] == whole.scores[-1].psnr_y
    network = load_network(Path(whole.folder.checkpoint("last")).read_bytes(), "last")
    score, _ = look(network, open_split(workspace, manifest, "val"), 2, 30, 0, "cpu")
    assert score.images == manifest.identity.samples["val"] > 3
    assert math.isfinite(score.psnr_y)


def test_a_run_learns_and_shows_it(whole: Trained) -> None:
    losses = [dict(line)["loss"] for line in curve(whole) if "loss" in dict(line)]
    assert [dict(line)["step"] for line in curve(whole) if "loss" in dict(line)] == [
        4,
        8,
        12,
        16,
        20,
        24,
        28,
        30,
    ]
    assert losses[-1] < 0.9 * losses[0]
    assert [score.step for score in whole.scores] == [10, 20, 30]
    assert whole.scores[-1].psnr_y > whole.scores[0].psnr_y
    assert set(whole.scores[0].degraders) <= {"bicubic", "ikc"}
    with Image.open(whole.folder.storage.path(layout.training_picture("small", 30))) as picture:
        assert picture.size == (3 * 4 * TILE + 12, 18 + 2 * (4 * TILE + 6))


def test_tensorboard_reads_the_curves(whole: Trained) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(f"{whole.folder.path}/tensorboard").Reload()
    told = [(event.step, event.value) for event in events.Scalars("loss")]
    wanted = [
        (dict(line)["step"], dict(line)["loss"]) for line in curve(whole) if "loss" in dict(line)
    ]
    assert told == [(step, pytest.approx(loss, rel=1e-6)) for step, loss in wanted]
    assert [image.step for image in events.Images("validation")] == [10, 20, 30]


def test_the_same_seed_is_the_same_curve_and_another_is_not(
    workspace: Storage, whole: Trained
) -> None:
    again, other = run(workspace, name="again"), run(workspace, name="other", seed=1)
    assert files(again) == files(whole)
    assert curve(again) == curve(whole) != curve(other)


@pytest.mark.parametrize("changes", [{}, GAN], ids=["l1", "gan"])
def test_a_run_killed_anywhere_ends_in_the_same_bits(
    workspace: Storage, changes: dict[str, Any]
) -> None:
    """Before the first checkpoint, on one, between two, and after a validation; epochs have 4 or so
    steps."""
    name = "killed" + "-gan" * bool(changes)
    wanted = run(workspace, name=f"{name}-not", **changes)
    for at in (3, 7, 12, 20, 29):
        with pytest.raises(Killed):
            run(workspace, Killer(at), name=name, **changes)
    done = run(workspace, name=name, **changes)
    assert done.made < 30
    assert files(done) == files(wanted)
    assert curve(done) == curve(wanted)


def test_workers_change_nothing_and_are_gone_at_the_end(workspace: Storage, whole: Trained) -> None:
    done = run(workspace, name="by-worker", loading={"workers": 1})
    assert files(done) == files(whole)
    assert multiprocessing.active_children() == []


def test_an_interrupt_keeps_the_very_step(workspace: Storage, whole: Trained) -> None:
    stopped = run(workspace, Asking(11), name="asked")
    assert (stopped.step, stopped.stopped) == (11, INTERRUPTED)
    done = run(workspace, name="asked")
    assert (done.step, done.made) == (30, 19)
    assert files(done) == files(whole)
    assert curve(done) == curve(whole)


def test_a_finished_run_is_found_and_a_longer_one_goes_on(workspace: Storage) -> None:
    first = run(workspace, name="longer", steps=5, optimiser={"learning_rate": 1e-3})
    found = run(workspace, name="longer", steps=5, optimiser={"learning_rate": 1e-3})
    assert (first.made, found.made, found.step) == (5, 0, 5)
    assert files(found) == files(first)
    more = run(workspace, name="longer", steps=9, optimiser={"learning_rate": 1e-3})
    assert (more.made, more.step) == (4, 9)
    with pytest.raises(UserError, match=r"network\.features: 8 -> 4"):
        run(
            workspace,
            name="longer",
            steps=9,
            network={"arch": "compact", "features": 4, "blocks": 2},
        )


def test_a_run_stays_on_its_version(workspace: Storage) -> None:
    """A new version appears in the middle: the run continues with the one that it began with, a new
    run takes the new one."""
    photos = Path(workspace.path("")).parent / "photos"
    recipe = RECIPE | {"name": "moving", "images": {"clean": [str(photos)]}}
    old = build(Recipe.model_validate(recipe), Path(workspace.path("")))
    run(workspace, Asking(3), name="stays", corpus="moving", steps=6)
    new = build(Recipe.model_validate(recipe | {"seed": 1}), Path(workspace.path("")))
    assert old.version != new.version
    assert run(workspace, name="stays", corpus="moving", steps=6).run.version == old.version
    assert run(workspace, name="starts", corpus="moving", steps=2).run.version == new.version


def test_training_stops_when_nothing_gets_better(workspace: Storage) -> None:
    flat: dict[str, Any] = {
        "optimiser": {"learning_rate": 1e-30},
        "validation": {"every": 3, "patience": 2, "images": 1, "pictures": 0},
    }
    done = run(workspace, name="stalled", **flat)
    assert (done.step, done.stopped) == (9, "no better PSNR in 2 validations")
    again = run(workspace, name="stalled", **flat)
    assert (again.made, again.stopped) == (0, done.stopped)


def test_no_space_left_is_one_clear_error_and_the_last_state_stays(
    workspace: Storage, whole: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, room = disk._synced, [1]

    def synced(path: Path) -> Any:
        if "state.safetensors" in path.name:
            room[0] -= 1
            if room[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
        return real(path)

    monkeypatch.setattr(disk, "_synced", synced)
    with pytest.raises(StoreError, match="No space left") as caught:
        run(workspace, name="full")
    assert "free some space" in caught.value.todo
    monkeypatch.undo()
    folder = Folder(workspace, "full")
    assert folder.read_state() is not None
    assert not list(Path(folder.path).rglob("*.tmp"))
    done = run(workspace, name="full")
    assert done.made == 23  # from step 7, the last state that had room
    assert files(done) == files(whole)


def test_a_loss_that_is_no_number_leaves_the_last_checkpoint(workspace: Storage) -> None:
    class Breaking(TrainingListener):
        def kept(self, step: int) -> None:
            kept.append(step)

    kept: list[int] = []
    wild: dict[str, Any] = {
        "optimiser": {"learning_rate": 1e-3, "schedule": {"kind": "constant"}},
        "name": "wild",
    }
    run(workspace, Breaking(), **wild, steps=8)
    before = Folder(workspace, "wild").read_state()
    broken = Path(Folder(workspace, "wild").checkpoint("last")).read_bytes()
    with pytest.raises(DivergedError, match="not a number") as caught:
        run(
            workspace, name="wilder", optimiser={"learning_rate": 1e25}, checkpoints={"every": 1000}
        )
    assert "learning_rate" in caught.value.todo
    assert Folder(workspace, "wilder").read_state() is None
    assert Folder(workspace, "wild").read_state() == before
    assert all(
        torch.isfinite(value).all() for value in load_network(broken, "last").state_dict().values()
    )
    assert kept == [7, 8]


def test_a_run_without_a_checkpoint_does_not_block_its_name(workspace: Storage) -> None:
    """Neither one that has diverged nor one that was killed; what has a checkpoint, or weights
    alone, is not written over."""
    wild: dict[str, Any] = {
        "name": "freed",
        "steps": 4,
        "optimiser": {"learning_rate": 1e25},
        "checkpoints": {"every": 1000},
        "log_every": 1,
    }
    with pytest.raises(DivergedError):
        run(workspace, **wild)
    tame = wild | {"optimiser": {"learning_rate": 1e-3}}
    with pytest.raises(Killed):
        run(workspace, Killer(2), **tame, seed=5)
    check(config(**tame), workspace)
    done = run(workspace, **tame)
    assert (done.made, done.run.config.seed, done.run.config.optimiser.learning_rate) == (
        4,
        0,
        1e-3,
    )
    assert [line["step"] for line in done.folder.read_metrics(99) if "loss" in line] == [1, 2, 3, 4]
    workspace.remove(layout.training_file("freed", STATE))
    with pytest.raises(UserError, match="was started with different settings"):
        run(workspace, **tame, seed=5)


def trained_file(whole: Trained, tmp_path: Path) -> str:
    target = tmp_path / "start.safetensors"
    target.write_bytes(Path(whole.folder.checkpoint("last")).read_bytes())
    return target.name


def test_fine_tuning_starts_from_a_file(workspace: Storage, whole: Trained, tmp_path: Path) -> None:
    file = trained_file(whole, tmp_path)
    still: dict[str, Any] = {"start_from": {"file": file}, "optimiser": {"learning_rate": 1e-30}}
    tuned = run(workspace, base=str(tmp_path), name="tuned", steps=1, **still)
    assert tuned.scores[0].psnr_y == pytest.approx(whole.scores[-1].psnr_y, abs=1e-3)
    (tmp_path / file).unlink()  # a run that continues needs it no more
    assert run(workspace, base=str(tmp_path), name="tuned", steps=2, **still).made == 1


def test_another_scale_starts_from_the_body(workspace: Storage, tmp_path: Path) -> None:
    """An x4 network takes all of an x2 one but the upsampling layers."""
    edsr: dict[str, Any] = {"network": {"arch": "edsr", "features": 8, "blocks": 2}, "steps": 2}
    half = run(workspace, name="edsr-x2", **edsr)
    file = trained_file(half, tmp_path)
    far: dict[str, Any] = {"corpus": "alone", "validation": {"split": "train"}}
    with pytest.raises(UserError, match="another network or scale") as caught:
        run(workspace, base=str(tmp_path), name="no", start_from={"file": file}, **edsr, **far)
    assert "part: body" in caught.value.todo
    quarter = run(
        workspace,
        Asking(1),
        base=str(tmp_path),
        name="edsr-x4",
        start_from={"file": file, "part": "body"},
        optimiser={"learning_rate": 1e-30},
        **edsr,
        **far,
    )
    was, now = (
        load_network(Path(r.folder.checkpoint("last")).read_bytes(), "x").state_dict()
        for r in (half, quarter)
    )
    for key in ("conv_first.weight", "body.1.conv2.weight", "conv_last.weight"):
        torch.testing.assert_close(now[key], was[key])
    assert not torch.equal(now["upsample.0.weight"], was["upsample.0.weight"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"corpus": "pears"}, "there is no corpus called 'pears'"),
        ({"corpus": "pairs@ffff"}, "no versions of pairs fit"),
        ({"scale": 4}, "the corpus has another scale than the training recipe"),
        ({"corpus": "alone"}, "split val is empty"),
        ({"crop": 64}, "no larger than the tiles: 48"),
        ({"crop": 31}, "a multiple of 2"),
        ({"batch": 500}, "the batch is larger than"),
        ({"degraders": {"bicubik": 1}}, "did you mean bicubic?"),
        ({"phases": [{"at": 5, "crop": 80}]}, "phases[0]"),
        ({"network": {"arch": "lapsrn"}, "corpus": "three"}, "there is no corpus"),
        ({"start_from": {"file": "none.pth"}}, "there is no such weights file"),
        ({"precision": "fp16"}, "fp16 needs a GPU"),
        (
            {"losses": [{"loss": "content", "vgg_weights": "x.pth"}]},
            "there is no such weights file",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_told_before_a_folder_is_made(
    workspace: Storage, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        run(workspace, name="refused", **changes)
    assert said in caught.value.text()
    assert not workspace.exists(layout.training_folder("refused"))


def test_weights_of_another_network_are_refused(
    workspace: Storage, whole: Trained, tmp_path: Path
) -> None:
    (tmp_path / "other.safetensors").write_bytes(write_weights({"conv1.weight": torch.zeros(3, 3)}))
    (tmp_path / "text.pth").write_text("no weights")
    file = trained_file(whole, tmp_path)
    for name, part in (
        ("other.safetensors", "all"),
        ("other.safetensors", "body"),
        ("text.pth", "all"),
        (file, "all"),
    ):
        with pytest.raises(UserError) as caught:
            run(
                workspace,
                base=str(tmp_path),
                name="refused",
                start_from={"file": name, "part": part},
                network={"arch": "espcn"},
            )
        assert name in caught.value.where


def test_a_damaged_state_is_told(workspace: Storage) -> None:
    run(workspace, Asking(2), name="damaged")
    name = layout.training_file("damaged", "state.safetensors")
    workspace.write(name, workspace.read(name)[:999])
    with pytest.raises(IntegrityError, match="cannot be resumed"):
        run(workspace, name="damaged")


def test_two_do_not_train_the_same_run_at_once(workspace: Storage) -> None:
    class Second(TrainingListener):
        def stepped(self, step: int, images: int) -> None:  # noqa: ARG002
            with pytest.raises(BusyError):
                run(workspace, name="busy")

    assert run(workspace, Second(), name="busy", steps=1).step == 1


def test_remote_workspaces_work_too(workspace: Storage, whole: Trained) -> None:
    """The memory store of fsspec stands for an object store: no folder, no rename."""
    far = Storage("memory://training")
    for name in workspace.files("corpora/pairs"):
        far.write(f"corpora/pairs/{name}", workspace.read(f"corpora/pairs/{name}"))
    done = run(far)
    assert files(done) == files(whole)
    assert run(far).made == 0
