"""Commands on a corpus that was built, and lives, in an S3-compatible store: each works, or says
why not; and its locks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
import torch
from typer.testing import CliRunner

import pairmill
from pairmill.flows.cli.main import app
from pairmill.flows.cli.new import folder_of
from pairmill.pipeline.corpora.log import find_version, read_log
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.html.text import file_name
from pairmill.pipeline.images.find import find_files
from pairmill.pipeline.workspace import heartbeat, layout
from pairmill.pipeline.workspace.lock import acquire, holding, making
from pairmill.pipeline.workspace.process import this_process
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import BusyError, PairmillError, UserError
from tests.support.make import build, photograph, save, tiny_recipe
from tests.support.object_store import BUCKET, object_store

FEW = {"degraders": [{"kind": "realsr"}], "clean_up": {"factor": 1}, "realism": {"enabled": False}}


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    with object_store() as env, pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def shelf(s3: None, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """Two versions; the second has one more image."""
    folder, storage = tmp_path_factory.mktemp("shelf"), Storage(f"s3://{BUCKET}/shelf")
    for seed in range(3):
        save(photograph(seed, 71, 67), folder / f"real/{seed}.png")
        if seed:
            build(tiny_recipe(folder, images={"real": [str(folder / "real")]}, **FEW), storage.url)
    return storage


def told(storage: Storage, *arguments: object, code: int = 0) -> str:
    """What a command says, in one line."""
    done = CliRunner().invoke(
        app, [*map(str, arguments), "--workspace", storage.url], catch_exceptions=False
    )
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def test_markers_of_folders_are_no_files(s3: None) -> None:
    store = fsspec.filesystem("s3")
    for key in ("photos/", "photos/2024/", "photos/2024_$folder$", "photos/2024/a#1.jpg"):
        body = b"x" if key.endswith(".jpg") else b""
        store.call_s3("put_object", Bucket=BUCKET, Key=f"marked/{key}", Body=body)
    (file,) = find_files([f"s3://{BUCKET}/marked/photos"], "/", "images.real")
    assert (file.url, file_name(file.url)) == (
        f"s3://{BUCKET}/marked/photos/2024/a#1.jpg",
        "a#1.jpg",
    )
    assert folder_of(f"s3://{BUCKET}/marked/photos/") == f"s3://{BUCKET}/marked/photos"


def test_commands_that_look_at_a_version(shelf: Storage, tmp_path: Path) -> None:
    old, new = (f"tiny@{entry.version}" for entry in read_log(shelf, "tiny"))
    manifest = find_version(shelf, new)
    pairs = sum(manifest.identity.samples.values())
    page = f"{shelf.url}/corpora/tiny/{manifest.version}/report/index.html"
    assert new in told(shelf, "corpus", "list").replace(" ", "").replace("tiny", "tiny@")
    assert manifest.digest in told(shelf, "corpus", "show", "tiny")
    assert told(shelf, "corpus", "report", "tiny") == page
    assert shelf.exists(page.removeprefix(f"{shelf.url}/"))
    assert f"{pairs} samples, all checksums match" in told(shelf, "corpus", "verify", "tiny")
    assert "LR images identical" in told(
        shelf, "corpus", "replay", "tiny", "--out", tmp_path / "replayed"
    )
    assert "1 added, 0 removed" in told(shelf, "corpus", "diff", old, new, code=1)
    assert f"as folder: {pairs} pairs" in told(
        shelf, "corpus", "export", "tiny", tmp_path / "exported", "--to", "folder"
    )
    assert len(list((tmp_path / "exported").rglob("*.png"))) == 2 * pairs
    (key, *_) = (row.key for row in read_table(shelf, manifest))
    assert key in told(shelf, "explain", "tiny", key)
    assert shelf.exists(f"{layout.explain_folder('tiny', manifest.version, key)}/index.html")
    assert key in told(shelf, "explain", "tiny", key, "--out", tmp_path / "page")
    assert (tmp_path / "page/index.html").exists()
    assert "page" in told(
        shelf, "corpus", "realism", "tiny", "--patches", 100, "--folds", 2, "--no-network"
    )
    assert shelf.exists(f"corpora/tiny/{manifest.version}/report/realism/index.html")


def two_epochs(shards: list[str], workers: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    loader = pairmill.Loader(pairmill.Pairs(shards, crop=16, seed=1), 3, workers=workers)
    batches = [batch for _ in range(2) for batch in loader]
    loader.close()
    return batches


def test_a_loader_gives_the_batches_of_a_local_copy(shelf: Storage, tmp_path: Path) -> None:
    """With a worker, which is forked while the store is in use."""
    shards = pairmill.open("tiny", shelf.url).shards("train")
    assert all(shard.startswith("s3://") for shard in shards)
    shelf.fs.get(shards, str(tmp_path))
    near = two_epochs([str(tmp_path / shard.rpartition("/")[2]) for shard in shards], 0)
    assert len(near) > 2
    for workers in (0, 1):
        far = two_epochs(shards, workers)
        assert len(far) == len(near)
        for one, other in zip(far, near, strict=True):
            assert all(map(torch.equal, one, other))


def test_a_network_is_trained_and_scored_on_a_version(shelf: Storage, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        "{name: net, corpus: tiny, network: {arch: espcn}, steps: 2, batch: 2, crop: 16,"
        " validation: {every: 2, images: 2, split: train}, loading: {workers: 1}}"
    )
    said = told(shelf, "train", tmp_path / "net.yaml", "--device", "cpu", "--no-prefect")
    assert "best PSNR-Y" in said
    assert shelf.exists("runs/train/net/checkpoints/best.safetensors")
    said = told(
        shelf, "evaluate", "--checkpoint", "bicubic", "--corpus", "tiny", "--split", "train"
    )
    assert "PSNR" in said


def test_pages_go_to_a_store_under_plain_names(shelf: Storage, tmp_path: Path) -> None:
    """A store takes `a/./b` for another object than `a/b`."""
    save(photograph(3, 71, 67), tmp_path / "hr/3.png")
    out = Storage(f"s3://{BUCKET}/pages")
    options = (
        "evaluate",
        "--checkpoint",
        "bicubic",
        "--hr",
        tmp_path / "hr",
        "--scale",
        2,
        "--out",
        out.url,
    )
    assert f"page {out.url}/index.html tables {out.url}/table.md" in told(shelf, *options)
    keys = [key.removeprefix(f"{out.root}/") for key in out.fs.find(out.root)]
    assert {"index.html", "evaluation.json", "scores.csv", "table.md"} <= set(keys)
    assert {key.partition("/")[0] for key in keys if "/" in key} == {"img", "records"}
    assert "1 of 1 scores are from an earlier run" in told(shelf, *options)
    assert out.files("") == sorted(keys)


def test_what_cannot_be_done_in_a_store_is_said(shelf: Storage, tmp_path: Path) -> None:
    *_, key = (row.key for row in read_table(shelf, find_version(shelf, "tiny")))
    for arguments, problem, todo in (
        (
            ("explain", "tiny", key, "--open"),
            "a page in an object store cannot be opened from here",
            "--out FOLDER",
        ),
        (
            ("corpus", "report", "tiny", "--open"),
            "a page in an object store cannot be opened from here",
            "/report to this machine",
        ),
        (("corpus", "export", "tiny", f"s3://{BUCKET}/out", "--to", "folder"), "", "folder"),
    ):
        with pytest.raises(UserError) as caught:
            told(shelf, *arguments)
        assert problem in caught.value.what
        assert todo in caught.value.text()
    assert not shelf.files(layout.explain_folder("tiny", find_version(shelf, "tiny").version, key))


def test_tag_gc_and_a_version_that_was_deleted(shelf: Storage) -> None:
    """On a copy of the workspace, made inside the store."""
    copy = Storage(f"s3://{BUCKET}/copy")
    shelf.fs.copy(f"{BUCKET}/shelf", f"{BUCKET}/copy", recursive=True)
    old, new = (f"tiny@{entry.version}" for entry in read_log(copy, "tiny"))
    keep = ("--keep", 1, "--keep-days", 0)
    assert "first" in told(copy, "corpus", "tag", old, "first")
    assert "tagged first" in told(copy, "corpus", "gc", *keep)
    told(copy, "corpus", "tag", old, "first", "--delete")
    with making(copy, "tiny"), pytest.raises(BusyError, match="another process is working"):
        told(copy, "corpus", "gc", "--yes", *keep)
    assert "are free now" in told(copy, "corpus", "gc", "--yes", *keep)
    with pytest.raises(PairmillError, match="was deleted by `pairmill corpus gc`"):
        told(copy, "corpus", "show", old)
    assert "all checksums match" in told(copy, "corpus", "verify", new)
    assert not copy.files(layout.version_folder("tiny", old[5:]))
    assert copy.files("locks") == []


@pytest.mark.slow
def test_a_version_is_reproduced_in_another_place_of_the_store(shelf: Storage) -> None:
    into = f"s3://{BUCKET}/again"
    said = told(shelf, "corpus", "reproduce", "tiny", "--workers", 1, "--into", into)
    assert (
        f"identical: all {sum(find_version(shelf, 'tiny').identity.samples.values())} samples"
        in said
    )
    assert Storage(into).files("stages/synthesize")


def test_of_many_that_take_a_lock_at_once_one_wins(s3: None) -> None:
    storage = Storage(f"s3://{BUCKET}/race")

    def attempt(_: int) -> bool:
        try:
            acquire(Storage(storage.url), "a", "x")
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_a_builder_elsewhere_is_waited_for_until_it_has_been_silent_for_long(
    s3: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(f"s3://{BUCKET}/elsewhere")
    far = this_process("build of tiny").with_(host="elsewhere")
    storage.write(layout.lock_file("build-tiny"), far.canonical_json().encode())
    with pytest.raises(BusyError, match="working on this") as caught, making(storage, "tiny"):
        pass
    assert "on elsewhere" in caught.value.got
    assert "counts as dead after 15 silent minutes" in caught.value.todo
    monkeypatch.setattr(heartbeat, "LEASE", 0.5)
    time.sleep(2)  # the store tells times in whole seconds
    with holding(storage, "build-tiny", "build of tiny") as lock:
        lock.check()
    assert storage.files("locks") == []
