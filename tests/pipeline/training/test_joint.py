"""Joint training on a real corpus: exact after kills, what it leaves, its alarms, and what is
refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairmill.models.archs import build
from pairmill.models.pdm.checkpoint import read_checkpoint
from pairmill.pipeline.training.joint import Joint
from pairmill.pipeline.training.run import Trained, _photographed
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError, UserError
from tests.support.joint import SETTINGS, network, section
from tests.support.killed import TRAINING, killed
from tests.support.make import photograph, save
from tests.support.training import TILE, config, corpora, run

pytestmark = pytest.mark.usefixtures("one_torch_thread")
STEPS = 13


class Killed(BaseException):
    """As a signal that nobody handles."""


class Watch(TrainingListener):
    """Kills a run at a step, and takes down its alarms."""

    def __init__(self, at: int = -1) -> None:
        self.at, self.alarms = at, dict[int, set[str]]()

    def stepped(self, step: int, images: int) -> None:  # noqa: ARG002
        if step == self.at:
            raise Killed

    def alarmed(self, step: int, alarms: dict[str, str]) -> None:
        self.alarms.setdefault(step, set()).update(alarms)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    folder = tmp_path_factory.mktemp("joint")
    for seed in range(3):
        save(photograph(seed + 20, 70, 90, noise=6), folder / f"real/{seed}.png")
    save(photograph(30, 17, 19), folder / "tiny/0.png")
    return corpora(folder)


def joint(workspace: Storage, watcher: Watch | None = None, **changes: Any) -> Trained:
    settings: dict[str, Any] = {"steps": STEPS, "crop": 32, "batch": 2, "joint": section("pdm")}
    base = str(Path(workspace.path("")).parent)
    return run(workspace, watcher, base, **(settings | changes))


def left(trained: Trained) -> dict[str, bytes]:
    storage, folder = trained.folder.storage, layout.training_folder(trained.run.config.name)
    kept = ("checkpoints/", "pictures/", "degradations/", "state.")
    return {
        name: storage.read(f"{folder}/{name}").replace(trained.run.config.name.encode(), b"NAME")
        for name in storage.files(folder)
        if name.startswith(kept)
    }


def test_a_run_killed_anywhere_ends_in_the_same_bits(workspace: Storage) -> None:
    wanted = joint(workspace, name="left-alone")
    for at in (3, 8, 12):
        with pytest.raises(Killed):
            joint(workspace, Watch(at), name="killed")
    done = joint(workspace, name="killed")
    assert done.made < STEPS
    assert left(done) == left(wanted)
    assert set(left(done)) >= {"degradations/last.safetensors", "degradations/best.safetensors"}


METHODS: dict[str, dict[str, Any]] = {
    **{kind: {"joint": section(kind), "network": network(kind)} for kind in SETTINGS},
    "pdm_srgan": {
        "joint": section("pdm"),
        "losses": [{"loss": "l1"}, {"loss": "gan", "weight": 0.1}],
        "discriminator": {"kind": "patch", "features": 4, "halvings": 2},
    },
}
"""All six, by the names of their recipes."""


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_goes_on_exactly_after_sigkill(workspace: Storage, method: str) -> None:
    wanted = joint(workspace, name=f"{method}-alone", **METHODS[method])
    base = Path(workspace.path("")).parent
    ours: dict[str, Any] = {"steps": STEPS, "crop": 32, "batch": 2} | METHODS[method]
    file = base / "training.json"
    file.write_text(config(name=f"{method}-dead", **ours).model_dump_json())
    assert killed(TRAINING, 9, file, base, workspace.path(""))
    done = joint(workspace, name=f"{method}-dead", **METHODS[method])
    assert done.made == STEPS - 7
    assert left(done) == left(wanted)


def test_it_leaves_a_degradation_and_shows_real_above_made(workspace: Storage) -> None:
    done = joint(workspace, name="shown", steps=2, validation={"every": 2, "images": 2})
    folder = Path(done.folder.path)
    degradation = read_checkpoint((folder / "degradations/last.safetensors").read_bytes())
    assert (degradation.scale, degradation.config.kernel.size) == (2, 7)
    assert done.best is not None
    assert (done.judged, done.chosen) == (False, "last")  # its pairs are bicubic and ikc
    rows = 18 + 2 * (4 * TILE + 6)
    with Image.open(folder / "pictures/0000002.png") as picture:
        assert picture.height == rows + 18 + 2 * (10 * 16 + 6)
    line = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    assert {"joint/accuracy", "joint/adversarial", "joint/critic", "l1"} <= line.keys()


def test_alarms_stand_in_the_log_and_are_told(workspace: Storage) -> None:
    """Gates that nothing passes."""
    gates = {"max_accuracy": 0.500001, "max_offset": 1e-9, "max_colour": 1e-9}
    watch, section_ = Watch(), section("pdm", gates=gates)
    done = joint(workspace, watch, name="alarmed", joint=section_)
    assert watch.alarms[10] >= {"off-centre", "off-colour"}
    assert "discriminator-won" in watch.alarms[12]
    lines = done.folder.read_metrics(STEPS)
    told = [line for line in lines if "alarm/off-centre" in line]
    assert [line["step"] for line in told] == [10, 13]
    assert told[0]["alarm/off-centre"].endswith("gate 1e-09")
    names = {words.partition(":")[0] for words in done.alarms}
    assert names == {"discriminator-won", "off-centre", "off-colour"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"joint": section("pdm") | {"real": ["missing"]}}, r"joint\.real\[0\]"),
        ({"joint": section("pdm") | {"real": ["tiny"]}, "crop": 40}, "20 x 20"),
        ({"crop": 48}, "8 around"),
        ({"joint": section("pdm", start_from="pool")}, "no pdm pool"),
        ({"joint": section("pdm", window=64), "crop": 144}, r"joint\.window"),
        ({"crop": 14}, "at least 8"),
    ],
    ids=["no photographs", "too small", "tile too small", "no pool", "window", "crop too small"],
)
def test_what_cannot_be_trained_is_said(
    workspace: Storage, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        joint(workspace, name="refused", **({"steps": 1} | changes))


@pytest.mark.parametrize(("seen", "photographed"), [(["a"], True), (["a", "bicubic"], False)])
def test_validation_chooses_where_it_sees_photographs_alone(
    seen: list[str], photographed: bool
) -> None:
    degraders = [{"kind": "aligned", "name": "a"}, {"kind": "bicubic", "name": None}]
    manifest: Any = SimpleNamespace(identity=SimpleNamespace(recipe={"degraders": degraders}))
    source: Any = SimpleNamespace(degraders=np.array(seen))
    assert _photographed(manifest, source) == photographed


@pytest.mark.parametrize("precision", ["full", "bf16"])
def test_precision_is_the_partners_too(precision: str) -> None:
    training = config(joint=section("pdm"), precision=precision)
    net = build(training.network, 2, 0)
    partner = Joint([photograph(1)], "0" * 64, 5).partner(training, 2, net, "cpu")
    assert partner.opening.mixed == (precision == "bf16")


def test_other_photographs_are_another_run(workspace: Storage) -> None:
    folder = Path(workspace.path("")).parent
    save(photograph(40, 70, 90, noise=6), folder / "moving/0.png")
    settings = section("pdm") | {"real": ["moving"]}
    joint(workspace, name="moving", steps=1, joint=settings)
    save(photograph(41, 70, 90, noise=6), folder / "moving/0.png")
    with pytest.raises(IntegrityError, match="not those that this run was started with"):
        joint(workspace, name="moving", steps=2, joint=settings)
