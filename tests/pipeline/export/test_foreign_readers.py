"""Readers of other people that take versions, exports and pools as they are, each in an environment
of its own with the version that `docs/reference/readers.md` names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.export.run import export, plan
from tests.support.isolated import DIGEST
from tests.support.make import Tiny
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/reference/readers.md").read_text("utf-8")


@dataclass(frozen=True)
class Reader:
    """A library, and how its users read our files by it."""

    packages: tuple[str, ...]
    """What pip gets, with versions; nothing of a library that the tests have."""
    reads: str
    """A format of export, `version` for its shards, or `pool`."""
    code: str
    """Fills `rows` of a table, or `found`: digests of HR and LR pixels by key, or a `sum`."""
    alone: bool = False
    """Without what it asks for, which would hold back much else."""
    python: str = ""
    """The Python whose wheel is laid beside, where that of the tests is too old and only the
    library inside is asked."""


TABLE = "\nfound = {key: [digest(hr), digest(lr)] for key, hr, lr in rows}"
"""How programs for tables end, which fill `rows`."""
DUCKDB = """
import duckdb
files = "'train/*.parquet'"
rows = duckdb.sql(f"SELECT key, hr, lr FROM {files}").fetchall()
other = "sha256(hr) <> hr_file_sha256 OR sha256(lr) <> lr_file_sha256"
assert duckdb.sql(f"SELECT count(*) FROM {files} WHERE {other}").fetchall() == [(0,)]
"""
POLARS = """
import polars
rows = polars.read_parquet("train/*.parquet").select("key", "hr", "lr").rows()
"""
DASK = """
import dask.dataframe
rows = dask.dataframe.read_parquet("train")[["key", "hr", "lr"]].compute().itertuples(index=False)
"""
DATAFUSION = """
from datafusion import SessionContext
context = SessionContext()
context.register_parquet("pairs", "train/")
rows = [row.values() for row in context.sql("SELECT key, hr, lr FROM pairs").to_pylist()]
"""
DAFT = """
import daft
table = daft.read_parquet("train/*.parquet").select("key", "hr", "lr").to_pydict()
rows = zip(table["key"], table["hr"], table["lr"])
"""
LANCE = """
import lance, pyarrow.dataset
lance.write_dataset(pyarrow.dataset.dataset("train").to_table(), "lance")
table = lance.dataset("lance")
taken = table.take(range(table.count_rows()), ["key", "hr", "lr"])
rows = [row.values() for row in taken.to_pylist()]
"""
RAY = """
import ray
ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100 << 20, logging_level="error")
rows = ray.data.read_webdataset(sorted(glob.glob("shards/*-train-*.tar"))).take_all()
found = {row["__key__"]: [digest(row["hr.png"]), digest(row["lr.png"])] for row in rows}
ray.shutdown()
"""
DALI = """
from nvidia.dali import fn, pipeline_def
import tarfile
shards = sorted(glob.glob("shards/*-train-*.tar"))

@pipeline_def(batch_size=1, num_threads=1, device_id=None)
def pipeline():
    hr, lr, record = fn.readers.webdataset(paths=shards, ext=["hr.png", "lr.png", "json"], missing_component_behavior="error")
    return fn.decoders.image(hr, device="cpu"), fn.decoders.image(lr, device="cpu"), record

made = pipeline()
made.build()
count = sum(name.endswith(".json") for shard in shards for name in tarfile.open(shard).getnames())
for _ in range(count):
    hr, lr, record = (part.as_array()[0] for part in made.run())
    found[json.loads(record.tobytes())["key"]] = [digest(hr), digest(lr)]
"""  # noqa: E501
ENERGON = """
import os, shutil
from dataclasses import dataclass
from megatron.energon import Cooker, DefaultTaskEncoder, Sample, SampleDecoder, WorkerConfig
from megatron.energon import basic_sample_keys, get_loader, get_val_dataset, stateless
from megatron.energon.tools.prepare import command

os.chdir(shutil.copytree("shards", os.path.expanduser("~/shards")))  # it writes beside them
parts = ["--split-parts", "train:.*-train-.*", "--split-parts", "val:.*-val-.*"]
options = ["--non-interactive", "--num-workers", "1", "--sample-type", "CrudeWebdataset", *parts]
command.main([*options, "."], standalone_mode=False)

@dataclass
class Pair(Sample):
    hr: object
    lr: object

@stateless
def pair(sample):
    return Pair(**basic_sample_keys(sample), hr=sample["hr.png"], lr=sample["lr.png"])

class Pairs(DefaultTaskEncoder):
    decoder = SampleDecoder(image_decode="pilrgb")
    cookers = [Cooker(pair)]

config = WorkerConfig(rank=0, world_size=1, num_workers=0)
options = {"split_part": "train", "worker_config": config, "batch_size": None}
for row in get_loader(get_val_dataset(".", task_encoder=Pairs(), **options)):
    found[row.__key__.rpartition("/")[2]] = [digest(np.asarray(row.hr)), digest(np.asarray(row.lr))]
"""
MLX = """
import mlx.data
for shard in sorted(glob.glob("shards/*-train-*.tar")):
    names = [bytes(row["file"]).decode() for row in mlx.data.files_from_tar(shard)]
    keys = sorted({name.partition(".")[0] for name in names})
    files = [{"key": key.encode(), "hr": f"{key}.hr.png".encode(), "lr": f"{key}.lr.png".encode()} for key in keys]
    rows = mlx.data.buffer_from_vector(files)
    for side in ("hr", "lr"):
        rows = rows.read_from_tar(shard, side, side).load_image(side, from_memory=True)
    for row in rows:
        found[bytes(row["key"]).decode()] = [digest(row["hr"]), digest(row["lr"])]
"""  # noqa: E501
TENSORSTORE = """
import tensorstore
place = {"driver": "file", "path": "pools/kernels.zarr/kernel/"}
found = {"sum": float(tensorstore.open({"driver": "zarr3", "kvstore": place}).result().read().result().sum())}
"""  # noqa: E501
ZARRS = """
import zarr, zarrs
zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
found = {"sum": float(zarr.open("pools/kernels.zarr")["kernel"][:].sum())}
"""
ZARRITA = """
import zarrita
found = {"sum": float(zarrita.Array.open(zarrita.LocalStore("pools/kernels.zarr") / "kernel")[:].sum())}
"""  # noqa: E501
GDAL = """
import ctypes, sysconfig
import numpy as np
(library,) = glob.glob(sysconfig.get_path("purelib") + "/rasterio.libs/libgdal-*")
gdal = ctypes.CDLL(library)
gdal.GDALAllRegister()
gdal.GDALOpenEx.restype = gdal.GDALGetRasterBand.restype = ctypes.c_void_p
gdal.GDALOpenEx.argtypes = [ctypes.c_char_p, ctypes.c_uint, *[ctypes.c_void_p] * 3]
for size in (gdal.GDALGetRasterXSize, gdal.GDALGetRasterYSize, gdal.GDALGetRasterCount):
    size.argtypes = [ctypes.c_void_p]
gdal.GDALGetRasterBand.argtypes = [ctypes.c_void_p, ctypes.c_int]
gdal.GDALRasterIO.argtypes = [ctypes.c_void_p, *[ctypes.c_int] * 5, ctypes.c_void_p, *[ctypes.c_int] * 5]
RASTER, VERBOSE, FLOAT64 = 2, 64, 7
pool = gdal.GDALOpenEx(b'ZARR:"pools/kernels.zarr":/kernel', RASTER | VERBOSE, None, None, None)
wide, high = gdal.GDALGetRasterXSize(pool), gdal.GDALGetRasterYSize(pool)
kernels = np.zeros((gdal.GDALGetRasterCount(pool), high, wide))
for number, kernel in enumerate(kernels):
    band = gdal.GDALGetRasterBand(pool, number + 1)
    assert gdal.GDALRasterIO(band, 0, 0, 0, wide, high, kernel.ctypes.data, wide, high, FLOAT64, 0, 0) == 0
found = {"sum": float(kernels.sum())}
"""  # noqa: E501
STAND_IN = """
import sys
from unittest.mock import MagicMock
names = "transforms transforms.functional transforms.functional_tensor models models.vgg ops utils"
for name in ("torchvision", *(f"torchvision.{part}" for part in names.split())):
    sys.modules[name] = MagicMock()  # a build fits one torch alone; data sets use none
"""
OF_TENSORS = """
def pixels(image):
    return np.rint(255 * image.numpy()).astype(np.uint8).transpose(1, 2, 0)

for number in range(len(data)):
    row = data[number]
    key = row["gt_path"].rpartition("/")[2].partition(".")[0]
    found[key] = [digest(pixels(row["gt"])), digest(pixels(row["lq"]))]
"""
BASICSR = f"""{STAND_IN}
from basicsr.data.paired_image_dataset import PairedImageDataset
roots = {{"dataroot_gt": "train/hr.lmdb", "dataroot_lq": "train/lr.lmdb", "io_backend": {{"type": "lmdb"}}}}
data = PairedImageDataset({{"phase": "val", "scale": 2, **roots}})
{OF_TENSORS}"""  # noqa: E501
REAL_ESRGAN = f"""{STAND_IN}
from realesrgan.data.realesrgan_paired_dataset import RealESRGANPairedDataset
roots = {{"dataroot_gt": "train", "dataroot_lq": "train", "io_backend": {{"type": "disk"}}}}
data = RealESRGANPairedDataset({{"phase": "val", "scale": 2, "meta_info": "train/meta_info.txt", **roots}})
{OF_TENSORS}"""  # noqa: E501
OLD = ("basicsr==1.4.2", "addict==2.4.0", "yapf==0.43.0")
READERS = {
    "duckdb": Reader(("duckdb==2.0.0",), "parquet", DUCKDB),
    "polars": Reader(("polars==2.1.0",), "parquet", POLARS),
    "dask": Reader((), "parquet", DASK),
    "datafusion": Reader(("datafusion==55.0.0",), "parquet", DATAFUSION),
    "daft": Reader(("daft==0.7.26",), "parquet", DAFT),
    "lance": Reader(("pylance==14.0.2",), "parquet", LANCE),
    "ray": Reader(("ray==2.60.0",), "version", RAY),
    "dali": Reader(("nvidia-dali-cuda120==2.4.0",), "version", DALI),
    "energon": Reader(("megatron-energon==7.4.1",), "version", ENERGON),
    "mlx-data": Reader(("mlx-data==0.1.0",), "version", MLX),
    "basicsr": Reader(OLD, "basicsr-lmdb", BASICSR, alone=True),
    "realesrgan": Reader(("realesrgan==0.3.0", *OLD), "realesrgan-meta", REAL_ESRGAN, alone=True),
    "tensorstore": Reader(("tensorstore==0.1.86",), "pool", TENSORSTORE),
    "zarrs": Reader(("zarrs==0.2.3",), "pool", ZARRS),
    "zarrita": Reader(("zarrita==0.2.7",), "pool", ZARRITA),
    "gdal": Reader(("rasterio==1.5.2",), "pool", GDAL, python="3.12"),
}
ALONE = ("--no-deps", "--no-build-isolation")
WHEELS = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python")
START = "import glob\nfound = {}\n"
END = "\nprint(json.dumps(found))"


@pytest.fixture(scope="module")
def folder(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where a reader of something starts."""
    exports = tmp_path_factory.mktemp("exports")

    def place(reads: str) -> Path:
        if reads in ("version", "pool"):
            return tiny.version
        export(plan(tiny.storage, tiny.manifest, reads, str(exports / reads)))
        return exports / reads

    return place


def environment(home: Path, reader: Reader) -> Path:
    """Python of an environment that has what a reader asks for, and the libraries of the tests."""
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    if reader.packages:
        pip = [sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install", "-qq"]
        options = ["--disable-pip-version-check", *(ALONE if reader.alone else [])]
        if reader.python:
            options += ["--python-version", reader.python, "--target", str(site), *WHEELS]
        subprocess.run([*pip, *options, *reader.packages], check=True)
    return home / "bin/python"


def answer(python: Path, code: str, place: Path, home: Path) -> Any:
    """What a program prints last, which is JSON."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-P", "-c", DIGEST + START + code + END],
        cwd=place,
        env=inherited | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", READERS)
def test_reads(name: str, tiny: Tiny, folder: Callable[[str], Path], tmp_path: Path) -> None:
    reader = READERS[name]
    python = environment(tmp_path / "environment", reader)
    code = reader.code + (TABLE if reader.reads == "parquet" else "")
    found = answer(python, code, folder(reader.reads), tmp_path)
    if reader.reads == "pool":
        kernels: Any = zarr.open(tiny.version / "pools/kernels.zarr", mode="r")
        assert found == {"sum": float(np.sum(kernels["kernel"][:]))}
        return
    rows = [row for row in read_table(tiny.storage, tiny.manifest) if row.split == "train"]
    assert found == {row.key: [row.hr_sha256, row.lr_sha256] for row in rows}


PARQUET_WASM = """
import crypto from "crypto"; import fs from "fs";
import { tableFromIPC } from "apache-arrow"; import { readParquet } from "parquet-wasm/node";
const sha256 = bytes => crypto.createHash("sha256").update(bytes).digest("hex");
const found = {};
for (const name of fs.readdirSync(process.argv[2]))
  for (const row of tableFromIPC(readParquet(fs.readFileSync(process.argv[2] + "/" + name)).intoIPCStream()))
    found[row.key] = sha256(row.hr) === row.hr_file_sha256 && sha256(row.lr) === row.lr_file_sha256;
console.log(JSON.stringify(found));
"""  # noqa: E501
NODE = ("parquet-wasm@0.8.0", "apache-arrow@21.2.0")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="no Node.js here")
def test_parquet_wasm_reads(tiny: Tiny, folder: Callable[[str], Path], tmp_path: Path) -> None:
    subprocess.run(["npm", "install", "--silent", *NODE], cwd=tmp_path, check=True)
    (tmp_path / "read.mjs").write_text(PARQUET_WASM)
    command = ["node", "read.mjs", str(folder("parquet") / "train")]
    found = json.loads(subprocess.check_output(command, cwd=tmp_path, text=True))
    rows = [row.key for row in read_table(tiny.storage, tiny.manifest) if row.split == "train"]
    assert found == dict.fromkeys(rows, True)


def test_the_page_names_what_is_tested() -> None:
    """Each reader by its name and version."""
    packages = {package for reader in READERS.values() for package in reader.packages[:1]}
    for package in (*packages, *NODE):
        assert re.search(rf"\b{re.escape(re.sub('==|@', ' ', package))}\b", PAGE), package
