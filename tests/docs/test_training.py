"""The pieces of docs/training.md run as they stand, on a small corpus, with pairmill from its
wheel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest
import yaml

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.export.formats import FORMATS
from pairmill.pipeline.export.run import export, plan
from tests.support.make import Tiny
from tests.support.paths import ROOT
from tests.support.wheel import Installation

PAGE = (ROOT / "docs/training.md").read_text("utf-8")
PIECES = dict(re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", PAGE, re.DOTALL))


def test_there_is_a_piece_for_each_way() -> None:
    assert list(PIECES) == ["Plain torch and webdataset", "The loader of pairmill", "Lightning"]
    for form in FORMATS:
        assert f"| `{form}` |" in PAGE


@pytest.mark.parametrize(
    ("title", "check"),
    [
        (
            "Plain torch and webdataset",
            "print(len(hr), hr.dtype, hr.shape[1:], lr.shape[1:], float(loss) > 0)",
        ),
        (
            "The loader of pairmill",
            "print(len(hr), hr.dtype, hr.shape[1:], lr.shape[1:], float(loss) > 0)",
        ),
        ("Lightning", "print(trainer.global_step, trainer.current_epoch, loader.epoch)"),
    ],
)
def test_training_loops(tiny: Tiny, installation: Installation, title: str, check: str) -> None:
    piece = PIECES[title].replace("CORPUS", str(tiny.version))
    printed = installation.run(f"{piece}\n{check}").splitlines()[-1]
    train = tiny.manifest.identity.samples["train"]
    last = (train - 1) % 4 + 1
    assert (
        printed
        == {
            "Plain torch and webdataset": f"{last} torch.uint8 torch.Size([3, 32, 32]) "
            "torch.Size([3, 16, 16]) True",
            "The loader of pairmill": f"{last} torch.uint8 torch.Size([3, 16, 16]) "
            "torch.Size([3, 8, 8]) True",
            "Lightning": f"{2 * -(-train // 4)} 2 2",
        }[title]
    )


def test_lightning_continues_in_the_middle_of_an_epoch(
    tiny: Tiny, installation: Installation
) -> None:
    """The batches that a run sees after a checkpoint in mid-epoch are those that an unbroken run
    sees."""
    piece = PIECES["Lightning"].replace("CORPUS", str(tiny.version))
    model, _, rest = piece.partition("loader = ")
    make = "loader = " + rest.split("\n")[0]
    code = (
        model
        + f"""
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
print(unbroken == seen, len(unbroken), len(set(unbroken)))
"""  # noqa: E501
    )
    assert installation.run(code).splitlines()[-1].startswith("True 5")


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
