"""The pieces of docs/how-to/training.md run as they stand, on a small corpus, with pairmill from
its wheel."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest
import yaml

import pairmill
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.export.formats import FORMATS
from pairmill.pipeline.export.run import export, plan
from pairmill.schemas.errors import UserError
from tests.support.make import Tiny
from tests.support.paths import ROOT
from tests.support.wheel import beside_a_project

PAGE = (ROOT / "docs/how-to/training.md").read_text("utf-8")
PIECES = dict(re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", PAGE, re.DOTALL))


def test_there_is_a_piece_for_each_way() -> None:
    assert list(PIECES) == [
        "Plain torch and webdataset",
        "The loader of pairmill",
        "Corpora without LR",
        "Labels",
        "Labels in plain webdataset",
        "Lightning",
    ]
    for form in FORMATS:
        assert f"| `{form}` |" in PAGE


SHAPED = [title for title in PIECES if title != "Labels in plain webdataset"]
SHAPES = "hr.dtype, hr.shape[1:], lr.shape[1:], float(loss) > 0"
EPOCHS = "[[int(lr.long().sum()) for batch in loader for lr in batch[1]] for _ in range(3)]"
"""What tells samples apart, in the order of three more epochs."""
CHECKS = {
    "Plain torch and webdataset": SHAPES,
    "The loader of pairmill": SHAPES,
    "Corpora without LR": "hr.dtype, hr.shape, lr.shape",
    "Labels": "[list(one.shape) for one in labels]",
    "Labels in plain webdataset": "json.dumps({s['__key__']: [s['kernel'].tolist(), "
    "s['noise'].tolist()] for s in data})",
    "Lightning": "trainer.global_step, trainer.current_epoch, loader.epoch",
}
INTERRUPTED = """
seen = []
class Watched(Net):
    def training_step(self, batch, number):
        seen.append(int(batch[1].sum()))
        return super().training_step(batch, number)
def trainer(steps):
    return pl.Trainer(max_steps=steps, use_distributed_sampler=False, accelerator="cpu", logger=False,
                      enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False)
{make}
whole = trainer(5); whole.fit(Watched(), loader)
unbroken, seen[:] = list(seen), []
{make}
first = trainer(2); first.fit(Watched(), loader); first.save_checkpoint("mid.ckpt")
{make}
second = trainer(5); second.fit(Watched(), loader, ckpt_path="mid.ckpt", weights_only=False)
"""  # noqa: E501
ALL = """
for title, program in {programs!r}.items():
    exec(program, {{"__name__": "__main__"}})
"""


def interrupted() -> str:
    """Lightning's piece, stopped in mid-epoch and continued."""
    model, _, rest = PIECES["Lightning"].partition("loader = ")
    return model + INTERRUPTED.format(make="loader = " + rest.split("\n")[0])


def in_two_shards(tiny: Tiny, folder: Path) -> Path:
    """A folder as that of a version, with the samples for training in two tars: one a worker."""
    (folder / "shards").mkdir()
    (source,) = tiny.version.glob("shards/*-train-*.tar")
    with tarfile.open(source) as tar:
        keys = sorted({member.name.partition(".")[0] for member in tar})
        for number, part in enumerate((keys[: len(keys) // 2], keys[len(keys) // 2 :])):
            with tarfile.open(folder / f"shards/two-train-{number:06d}.tar", "w") as half:
                for member in tar:
                    if member.name.partition(".")[0] in part:
                        half.addfile(member, tar.extractfile(member))
    return folder


@pytest.fixture(scope="module")
def printed(
    tiny: Tiny, wheel: Path, whole_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What each program says at its end. One process runs all, each with names of its own: to
    import torch and Lightning takes longer than to train."""
    title, alike = "Plain torch and webdataset", ("persistent_workers=True", "pin_memory=False")
    pieces = PIECES | {
        "interrupted": interrupted(),
        "epochs": PIECES[title],
        "epochs of workers that end": PIECES[title].replace(*alike),
        "epochs of the loader": PIECES["The loader of pairmill"].replace("crop=16", "crop=None"),
    }
    checks = CHECKS | {"interrupted": "unbroken == seen, len(unbroken), len(set(unbroken))"}
    checks |= {title: EPOCHS for title in pieces if title.startswith("epochs")}
    version = dict.fromkeys(
        ("Corpora without LR", "Labels", "Labels in plain webdataset"),
        tiny.version,
    )
    two_shards = in_two_shards(tiny, tmp_path_factory.mktemp("corpus"))
    programs = {
        title: pieces[title].replace("CORPUS", str(version.get(title, two_shards)))
        + f"\nprint('told {title}:', {check})"
        for title, check in checks.items()
    }
    installed = beside_a_project(wheel, whole_environment, tmp_path_factory.mktemp("project"))
    lines = installed.run(ALL.format(programs=programs)).splitlines()
    told = (line.removeprefix("told ") for line in lines if line.startswith("told "))
    return dict(line.split(": ", 1) for line in told)


def test_training_loops(tiny: Tiny, printed: dict[str, str]) -> None:
    train = tiny.manifest.identity.samples["train"]
    assert {title: printed[title] for title in PIECES if title in SHAPED} == {
        "Plain torch and webdataset": "torch.uint8 torch.Size([3, 32, 32]) "
        "torch.Size([3, 16, 16]) True",
        "The loader of pairmill": "torch.uint8 torch.Size([3, 16, 16]) torch.Size([3, 8, 8]) True",
        "Corpora without LR": "torch.uint8 torch.Size([4, 3, 16, 16]) torch.Size([4, 3, 8, 8])",
        "Labels": "[[4, 25, 25], [4, 1, 8, 8], [4]]",
        "Lightning": f"{2 * -(-train // 4)} 2 2",
    }


def test_labels_of_the_json_and_the_pools_are_ours(tiny: Tiny, printed: dict[str, str]) -> None:
    theirs = json.loads(printed["Labels in plain webdataset"])
    corpus = pairmill.open(tiny.version)
    config = pairmill.LabelConfig(kernel=25, tolerance=0.9, missing="nan")
    data = corpus.training("train", augment=False, labels=config)
    degraders = {row.key: row.degrader for row in corpus.samples}
    compared = set()
    for number in range(len(data)):
        key, labels = data.index.key(number), data[0, number][2]
        if degraders[key] in ("pdm", "redegnet"):
            assert labels.kernel.isnan().all()
            assert labels.noise.isnan().all()
            assert key not in theirs
        else:
            np.testing.assert_allclose(labels.kernel, theirs[key][0], atol=2e-6)
            np.testing.assert_allclose(labels.noise[0], theirs[key][1], rtol=1e-5, atol=1e-7)
            compared.add(degraders[key])
    assert compared == {"realsr", "bicubic", "kmsr"}
    with pytest.raises(UserError, match="no kernel is known"):
        corpus.training("train", labels=pairmill.LabelConfig(tolerance=0.9))


def test_each_epoch_has_all_samples_in_another_order(tiny: Tiny, printed: dict[str, str]) -> None:
    """With workers; those that end with their epoch, as the page says, begin at the first again."""
    train = tiny.manifest.identity.samples["train"]
    for title in ("epochs", "epochs of the loader"):
        first, *others = json.loads(printed[title])
        assert len(set(first)) > train // 2
        for order in others:
            assert sorted(order) == sorted(first)
            assert order != first
        assert others[0] != others[1]
    first, *others = json.loads(printed["epochs of workers that end"])
    assert others == [first, first]


def test_lightning_continues_in_the_middle_of_an_epoch(printed: dict[str, str]) -> None:
    """The batches that a run sees after a checkpoint in mid-epoch are those that an unbroken run
    sees."""
    assert printed["interrupted"].startswith("True 5")


def decoded(data: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def read_pairs(options: dict[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """All pairs of one data set of an option file, found as BasicSR's paired data set finds them in
    databases."""
    assert options["type"] == "PairedImageDataset"
    assert options["io_backend"] == {"type": "lmdb"}
    sides: list[dict[str, np.ndarray]] = []
    for root in (options["dataroot_gt"], options["dataroot_lq"]):
        assert root.endswith(".lmdb")
        keys = [line.split(".")[0] for line in Path(root, "meta_info.txt").read_text().splitlines()]
        with (
            lmdb.open(root, readonly=True, lock=False, readahead=False) as database,
            database.begin() as values,
        ):
            files = {key: values.get(key.encode("ascii")) for key in keys}
            sides.append({key: decoded(data) for key, data in files.items() if data})
            assert set(sides[-1]) == set(keys)
    assert set(sides[0]) == set(sides[1])
    return {key: (sides[0][key], sides[1][key]) for key in sides[0]}


def test_the_option_file(tiny: Tiny, tmp_path: Path) -> None:
    piece = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert piece is not None
    export(plan(tiny.storage, tiny.manifest, "basicsr-lmdb", str(tmp_path)))
    options = yaml.safe_load(piece[1].replace("EXPORT", str(tmp_path)))
    rows = list(read_table(tiny.storage, tiny.manifest))
    for split, dataset in options["datasets"].items():
        found = read_pairs(dataset)
        assert set(found) == {row.key for row in rows if row.split == split}
        for hr, lr in found.values():
            assert hr.shape[:2] == tuple(options["scale"] * side for side in lr.shape[:2])
            assert min(hr.shape[:2]) >= options["datasets"]["train"]["gt_size"]
