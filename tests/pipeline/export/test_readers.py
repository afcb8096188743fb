"""Every export format read back, all of it, by the library that it is meant for, in processes that
know no code of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from pairmill.pipeline.corpora.labelled import open_labels
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.export.run import export, plan
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import LabelConfig
from tests.support.isolated import DIGEST, isolated
from tests.support.make import Tiny

Export = Callable[..., Path]
Kernels = dict[str, NDArray[np.float32]]
LABELS = LabelConfig(kernel=25, tolerance=0.9, missing="nan")
Pixels = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def exported(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Exports the tiny corpus into a new folder."""

    def make(form: str, labels: LabelConfig | None = None) -> Path:
        folder = tmp_path_factory.mktemp(form) / "out"
        done = export(plan(tiny.storage, tiny.manifest, form, str(folder), (), labels))
        assert done.pairs == done.fresh == sum(tiny.manifest.identity.samples.values())
        return folder

    return make


@pytest.fixture(scope="module")
def sealed(tiny: Tiny) -> Pixels:
    """Digests of the HR and LR pixels of every sample, by split."""
    found: Pixels = {}
    for row in read_table(tiny.storage, tiny.manifest):
        found.setdefault(row.split, {})[row.key] = [row.hr_sha256, row.lr_sha256]
    return found


def read(code: str, folder: Path, home: Path) -> Any:
    """What a program of others prints last, which is JSON."""
    return json.loads(isolated(DIGEST + code, folder, home).splitlines()[-1])


def test_basicsr_folders(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    """BasicSR: the name is the text before the first space, and OpenCV reads it."""
    code = """
import cv2
found = {}
for split in ("train", "val"):
    for line in open(f"{split}/meta_info.txt"):
        name, size = line.strip().split(" ", 1)
        hr, lr = (cv2.imread(f"{split}/{side}/{name}", cv2.IMREAD_COLOR)[..., ::-1] for side in ("hr", "lr"))
        assert size == "({},{},{})".format(*hr.shape)
        found.setdefault(split, {})[name.removesuffix(".png")] = [digest(hr), digest(lr)]
    records = [json.loads(line) for line in open(f"{split}/records.jsonl")]
    assert [record["key"] for record in records] == list(found[split])
    assert all(json.loads(record["program"])["ops"] for record in records)
print(json.dumps(found))
"""  # noqa: E501
    assert read(code, exported("folder"), tmp_path) == sealed


@pytest.mark.parametrize(
    ("form", "listed"), [("folder", "meta_info_pair.txt"), ("realesrgan-meta", "meta_info.txt")]
)
def test_realesrgan_pairs(
    exported: Export, sealed: Pixels, tmp_path: Path, form: str, listed: str
) -> None:
    """Real-ESRGAN: `gt, lq` per line, both below the data roots."""
    code = f"""
import cv2
found = {{}}
for split in ("train", "val"):
    for line in open(f"{{split}}/{listed}"):
        gt, lq = line.strip().split(", ")
        pair = [cv2.imread(f"{{split}}/{{name}}")[..., ::-1] for name in (gt, lq)]
        found.setdefault(split, {{}})[gt.split("/")[-1].split(".")[0]] = [digest(image) for image in pair]
print(json.dumps(found))
"""  # noqa: E501
    assert read(code, exported(form), tmp_path) == sealed


def test_kair_folders(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    """KAIR: all files below both roots, sorted, paired by position."""
    code = """
import os
found = {}
for split in ("train", "val"):
    roots = [sorted(os.path.join(at, name) for at, _, names in os.walk(f"{split}{side}") for name in names) for side in "HL"]
    assert len(roots[0]) == len(roots[1])
    for high, low in zip(*roots):
        key = os.path.basename(high).removesuffix(".png")
        found.setdefault(split, {})[key] = [digest(open(path, "rb").read()) for path in (high, low)]
print(json.dumps(found))
"""  # noqa: E501
    assert read(code, exported("kair"), tmp_path) == sealed


def test_lmdb_by_the_rule_of_basicsr(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    """Keys of the list before the first dot; read-only, without locks or read-ahead."""
    code = """
import os, lmdb, cv2
found = {}
for split in ("train", "val"):
    for side in ("hr", "lr"):
        folder = f"{split}/{side}.lmdb"
        assert set(os.listdir(folder)) == {"data.mdb", "lock.mdb", "meta_info.txt"}
        with lmdb.open(folder, readonly=True, lock=False, readahead=False) as database, database.begin() as values:
            lines = [line.strip() for line in open(f"{folder}/meta_info.txt")]
            assert values.stat()["entries"] == len(lines)
            for line in lines:
                name, size, level = line.split(" ")
                key = line.split(".")[0]
                image = cv2.imdecode(np.frombuffer(values.get(key.encode("ascii")), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
                assert name == f"{key}.png" and size == "({},{},{})".format(*image.shape) and int(level) in range(10)
                found.setdefault(split, {}).setdefault(key, []).append(digest(image))
print(json.dumps(found))
"""  # noqa: E501
    assert read(code, exported("basicsr-lmdb"), tmp_path) == sealed


def test_hugging_face_datasets(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    code = """
from datasets import load_dataset
import os
data = load_dataset(os.getcwd())
for rows in data.values():
    assert {type(rows.features[side]).__name__ for side in ("hr", "lr")} == {"Image"}
    assert {type(rows.features[name]).__name__ for name in ("key", "program", "scale")} == {"Value"}
names = {"train": "train", "validation": "val"}
print(json.dumps({names[s]: {row["key"]: [digest(row["hr"]), digest(row["lr"])] for row in rows} for s, rows in data.items()}))
"""  # noqa: E501
    assert read(code, exported("huggingface"), tmp_path) == sealed


def test_pandas(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    code = """
import hashlib, pandas
found = {}
for split in ("train", "val"):
    table = pandas.read_parquet(split)
    assert not table.isna().any().any()
    assert set(table["split"]) == {split}
    found[split] = {row.key: [digest(row.hr), digest(row.lr)] for row in table.itertuples()}
    assert all(found[split][row.key] == [row.hr_sha256, row.lr_sha256] for row in table.itertuples())
    for side in ("hr", "lr"):
        digests = [hashlib.sha256(png).hexdigest() for png in table[side]]
        assert digests == list(table[f"{side}_file_sha256"])
print(json.dumps(found))
"""  # noqa: E501
    assert read(code, exported("parquet"), tmp_path) == sealed


def test_mosaic_streaming(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    """`streaming.base` holds the format. The package's own `__init__` imports its model zoo's data
    sets as well, and with them a torchvision that must be built for the very same torch, so the
    package is entered by its base."""
    code = """
import importlib.util, sys, types
package = types.ModuleType("streaming")
package.__path__ = importlib.util.find_spec("streaming").submodule_search_locations
sys.modules["streaming"] = package
from streaming.base import StreamingDataset
found = {}
for split in ("train", "val"):
    rows = StreamingDataset(local=".", split=split, batch_size=1, validate_hash="sha256")
    found[split] = {row["key"]: [digest(row["hr"]), digest(row["lr"])] for row in rows}
    assert all(rows[number]["record"]["key"] == rows[number]["key"] for number in range(len(rows)))
    assert len(found[split]) == len(rows)
print(json.dumps(found), flush=True)
"""
    assert read(code, exported("mds"), tmp_path) == sealed


def test_litdata(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    code = """
if __name__ == "__main__":
    import litdata
    found = {}
    for split in ("train", "val"):
        rows = litdata.StreamingDataset(split)
        found[split] = {row["key"]: [digest(bytes(row["hr"])), digest(bytes(row["lr"]))] for row in rows}
        assert all(json.loads(rows[number]["record"])["key"] == rows[number]["key"] for number in range(len(rows)))
        assert len(found[split]) == len(rows)
    print(json.dumps(found))
"""  # noqa: E501
    assert read(code, exported("litdata"), tmp_path) == sealed


def test_croissant(exported: Export, sealed: Pixels, tmp_path: Path) -> None:
    code = """
import mlcroissant
data = mlcroissant.Dataset("croissant.json")
text = lambda value: value.decode() if isinstance(value, bytes) else value
found = {}
for split in ("train", "val", "train", "val"):
    found[split] = {
        text(row[f"{split}/key"]): [digest(row[f"{split}/{side}"]) for side in ("hr", "lr")]
        for row in data.records(split)
    }
print(json.dumps(found))
"""
    assert read(code, exported("croissant"), tmp_path) == sealed


def test_croissant_of_the_corpus_itself(tiny: Tiny, sealed: Pixels, tmp_path: Path) -> None:
    """Rows from the table, HR and LR images out of the tars, brought together by their keys; a
    second pass over a record set is as the first."""
    code = """
import mlcroissant
data = mlcroissant.Dataset("croissant.json")
assert not data.metadata.issues.errors, data.metadata.issues.errors
assert not data.metadata.issues.warnings, data.metadata.issues.warnings
text = lambda value: value.decode() if isinstance(value, bytes) else value
names = [records.uuid for records in data.metadata.record_sets]
assert names.pop(0) == "samples"
for _ in range(2):
    pictures = {"hr": {}, "lr": {}}
    for name in names:
        rows = {text(row[f"{name}/key"]): digest(row[f"{name}/image"]) for row in data.records(name)}
        assert rows and not rows.keys() & pictures[name[:2]].keys()
        pictures[name[:2]].update(rows)
    found = {}
    for row in data.records("samples"):
        key = text(row["samples/key"])
        found.setdefault(text(row["samples/split"]), {})[key] = [pictures[side].pop(key) for side in ("hr", "lr")]
    assert pictures == {"hr": {}, "lr": {}}
print(json.dumps(found))
"""  # noqa: E501
    assert read(code, tiny.version, tmp_path) == sealed


def test_croissant_says_its_version_as_catalogues_take_it(tiny: Tiny) -> None:
    """The day, and the beginning of the digest; no more than x.y.z is read by TFDS."""
    said = json.loads((tiny.version / "croissant.json").read_text())
    finished = tiny.manifest.circumstance.finished
    assert said["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert said["identifier"] == tiny.manifest.digest
    year, day, begins = said["version"].split(".")
    assert finished[:10] == f"{year}-{day[:-2]:0>2}-{day[-2:]}"
    assert tiny.manifest.digest.startswith(f"{int(begins):07x}")


def test_wids_reads_the_index_of_the_corpus(tiny: Tiny, sealed: Pixels, tmp_path: Path) -> None:
    """Random access through `wids.json`, which lists all splits in order."""
    code = """
import wids
rows = wids.ShardListDataset("wids.json", cache_dir="CACHE")
found = {}
for number in reversed(range(len(rows))):
    row = rows[number]
    found[row["__key__"]] = [digest(row[f".{side}.png"]) for side in ("hr", "lr")]
assert len(found) == len(rows)
print(json.dumps(found))
""".replace("CACHE", str(tmp_path / "wids"))
    found = read(code, tiny.version, tmp_path)
    assert found == {key: pair for pairs in sealed.values() for key, pair in pairs.items()}


def test_kernels_are_arrays_of_files_and_tables(exported: Export, kernels: Kernels) -> None:
    files = exported("folder", LABELS).glob("*/kernel/*.npy")
    check_kernels({file.stem: np.load(file) for file in files}, kernels)
    tables = [pq.read_table(file) for file in exported("parquet", LABELS).glob("*/*.parquet")]
    rows = [row for table in tables for row in table.select(["key", "kernel"]).to_pylist()]
    check_kernels({row["key"]: row["kernel"] for row in rows}, kernels)


@pytest.mark.slow
def test_hugging_face_reads_kernels(exported: Export, kernels: Kernels, tmp_path: Path) -> None:
    code = """
import os
from datasets import load_dataset
splits = load_dataset(os.getcwd()).values()
found = {row["key"]: row["kernel"] for split in splits for row in split.select_columns(["key", "kernel"])}
print(json.dumps(found).replace("NaN", "null"))
"""  # noqa: E501
    check_kernels(read(code, exported("huggingface", LABELS), tmp_path), kernels)


@pytest.fixture(scope="module")
def kernels(tiny: Tiny) -> Kernels:
    """What the labels of the version say, by key."""
    found: Kernels = {}
    for split in ("train", "val"):
        labels = open_labels(tiny.storage, tiny.manifest, split, LABELS.with_(place="tile"))
        found |= {key.decode(): labels.of_tile(key.decode()) for key in labels.keys}
    return found


def check_kernels(found: Mapping[str, object], wanted: Kernels) -> None:
    assert set(found) == set(wanted)
    for key, kernel in wanted.items():
        np.testing.assert_array_equal(np.array(found[key], float), kernel)
    assert any(np.isnan(kernel).any() for kernel in wanted.values())


def test_formats_without_a_place_for_kernels_say_so(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no place in this format"):
        plan(tiny.storage, tiny.manifest, "basicsr-lmdb", str(tmp_path), (), LABELS)
