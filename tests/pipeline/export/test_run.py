"""Exports that are killed, repeated, misdirected or fed damaged shards."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lmdb
import pytest

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.export import journal
from pairmill.pipeline.export.ahead import BATCH, ahead
from pairmill.pipeline.export.chunks import chunked, with_offsets, with_sizes
from pairmill.pipeline.export.formats import FORMATS
from pairmill.pipeline.export.run import Exported, export, plan
from pairmill.pipeline.shards.tar import read_members
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError, StoreError, UserError
from tests.support.make import Tiny, build, tree
from tests.support.paths import ROOT

Version = tuple[Storage, CorpusManifest]


@pytest.fixture(scope="module")
def version(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The tiny corpus in shards of three."""
    workspace = shutil.copytree(tiny.workspace, tmp_path_factory.mktemp("shards") / "workspace")
    manifest = build(tiny.recipe.with_(shards={"samples": 3}), workspace)
    assert len(manifest.shard_names) > 3
    return Storage(str(workspace)), manifest


def run(version: Version, form: str, out: Path, **options: Any) -> Exported:
    return export(plan(*version, form, str(out)), **options)


def content(folder: Path) -> dict[str, Any]:
    """All that an export made: files as bytes, databases as what they hold."""
    files: dict[str, Any] = tree(folder, leave_out=["data.mdb", "lock.mdb"])
    for path in sorted(folder.rglob("*.lmdb")):
        with (
            lmdb.open(str(path), readonly=True, lock=False) as database,
            database.begin() as values,
        ):
            files[str(path.relative_to(folder))] = dict(values.cursor())
    return files


def killed(work: Callable[[], object]) -> None:
    """Run in a child process that must end by SIGKILL."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("form", FORMATS)
def test_killed_exports_end_as_others(
    version: Version, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while a pair is written, between a file and its name, and before the last line; then
    continued."""
    whole = run(version, form, tmp_path / "whole")
    assert whole.fresh == whole.pairs
    out, seen = tmp_path / "out", list[int]()

    def at_the_fifth(_: int) -> None:
        seen.append(1)
        if len(seen) == 5:
            die()

    killed(lambda: run(version, form, out, advanced=at_the_fifth))
    for path in out.rglob("*.png"):  # in a folder that has no name yet
        assert any(part.startswith(".") for part in path.relative_to(out).parts)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", die)
        if form != "basicsr-lmdb":  # its pairs are in databases
            killed(lambda: run(version, form, out))
    with monkeypatch.context() as patched:
        patched.setattr(journal.Journal, "end", die)
        killed(lambda: run(version, form, out))
    found: list[int] = []
    again = run(version, form, out, found=found.append)
    assert again.fresh == 0
    assert found == [again.pairs]
    assert content(out) == content(tmp_path / "whole")


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("form", "size"), [("folder", 10), *((form, 1000) for form in FORMATS)])
def test_a_full_disk_is_told_and_the_rerun_finishes(
    version: Version, form: str, size: int, tmp_path: Path
) -> None:
    with (
        room(size),
        pytest.raises(StoreError, match=r"File too large[\s\S]*free some space") as caught,
    ):
        run(version, form, tmp_path / "out")
    assert "workspace" not in caught.value.what + caught.value.todo
    run(version, form, tmp_path / "out")
    run(version, form, tmp_path / "undisturbed")
    assert content(tmp_path / "out") == content(tmp_path / "undisturbed")


def test_a_torn_line_of_the_journal_is_done_again(version: Version, tmp_path: Path) -> None:
    run(version, "mds", tmp_path / "out")
    before, path = content(tmp_path / "out"), tmp_path / "out" / journal.NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:7])
    assert run(version, "mds", tmp_path / "out").fresh > 0
    assert content(tmp_path / "out") == before


@pytest.mark.parametrize("form", FORMATS)
def test_png_files_are_in_the_export_as_they_were(
    version: Version, form: str, tmp_path: Path
) -> None:
    storage, manifest = version
    run(version, form, tmp_path / "out")
    written = content(tmp_path / "out")
    values = [
        v
        for value in written.values()
        for v in (value.values() if isinstance(value, dict) else [value])
    ]
    everything = b"\0".join(values)
    for shard in manifest.shard_names:
        with storage.open(
            layout.shard_path(manifest.identity.name, manifest.version, shard)
        ) as file:
            for _, fields in read_members(file):
                assert fields["hr.png"] in everything
                assert fields["lr.png"] in everything


def test_one_split(version: Version, tmp_path: Path) -> None:
    done = export(plan(*version, "folder", str(tmp_path / "out"), ("val",)))
    keys = [row.key for row in read_table(*version) if row.split == "val"]
    assert done.pairs == len(keys)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {journal.NAME, "val"}
    assert sorted(path.stem for path in (tmp_path / "out/val/hr").iterdir()) == sorted(keys)


def test_unknown_words(version: Version, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such export format") as wrong:
        plan(*version, "lmdb", str(tmp_path))
    assert "basicsr-lmdb" in wrong.value.wanted
    with pytest.raises(UserError, match="no such split"):
        plan(*version, "folder", str(tmp_path), ("test",))
    with pytest.raises(UserError, match="a folder of this machine"):
        plan(*version, "folder", "s3://bucket/out")


def test_folders_of_others_are_left_alone(version: Version, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("do not touch")
    with pytest.raises(UserError, match="holds something else"):
        run(version, "folder", tmp_path)
    with pytest.raises(UserError, match="holds something else"):
        run(version, "folder", tmp_path / "mine.txt")
    assert tree(tmp_path) == {"mine.txt": b"do not touch"}


def test_two_versions_formats_or_splits_do_not_mix(
    version: Version, tiny: Tiny, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(version, "parquet", out)
    before = tree(out)
    for other in (
        plan(tiny.storage, tiny.manifest, "parquet", str(out)),
        plan(*version, "folder", str(out)),
        plan(*version, "parquet", str(out), ("val",)),
    ):
        with pytest.raises(UserError, match="holds another export"):
            export(other)
    assert tree(out) == before


def test_two_exports_at_once(version: Version, tmp_path: Path) -> None:
    exporter = plan(*version, "kair", str(tmp_path / "out"))
    with (
        journal.Journal(exporter.job, "kair"),
        pytest.raises(UserError, match="another export is writing"),
    ):
        export(exporter)
    assert export(exporter).fresh > 0


def test_a_damaged_shard_ends_in_a_clear_error_and_is_exported_once_repaired(
    version: Version, tmp_path: Path
) -> None:
    storage, manifest = version
    name = manifest.shard_names[2]
    path = Path(storage.path(layout.shard_path(manifest.identity.name, manifest.version, name)))
    honest = path.read_bytes()
    try:
        for damaged in (
            honest[:-1] + b"x",
            honest[: len(honest) // 2],
            honest.replace(b"hr.png", b"hr.pnk", 1),
        ):
            path.unlink()  # a hard link to the stage's own file
            path.write_bytes(damaged)
            with pytest.raises(IntegrityError, match="not as it was sealed") as error:
                run(version, "parquet", tmp_path / "out")
            assert error.value.where == name
            assert "corpus verify" in error.value.todo
    finally:
        path.write_bytes(honest)
    first = sum(shard.samples for shard in manifest.identity.shards[:2])
    again = run(version, "parquet", tmp_path / "out")
    assert again.fresh == again.pairs - first
    run(version, "parquet", tmp_path / "whole")
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_missing_library_names_the_command(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(UserError, match="basicsr-lmdb needs a library") as error:
        run(version, "basicsr-lmdb", tmp_path / "out")
    assert error.value.todo == "pip install 'pairmill[export]'"
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_was_made_where_and_how_to_read_it(
    tiny: Tiny, tmp_path: Path
) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [
            sys.executable,
            "-m",
            "pairmill.flows.cli",
            "corpus",
            "export",
            *words,
            "--workspace",
            str(tiny.workspace),
        ]
        return subprocess.run(
            line, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"COLUMNS": "300"}
        )

    first = command("tiny", str(tmp_path / "out"), "--to", "huggingface", "--split", "train")
    count = tiny.manifest.identity.samples["train"]
    assert first.returncode == 0, first.stderr
    assert (
        f"tiny@{tiny.manifest.version} as huggingface: {count} pairs ({count} train)"
        in first.stdout
    )
    assert f'datasets.load_dataset("{tmp_path / "out"}")' in first.stdout
    again = command("tiny", str(tmp_path / "out"), "--to", "huggingface", "--split", "train")
    assert f"{count} found, 0 written now" in again.stdout
    wrong = command("tiny", str(tmp_path / "out"), "--to", "kair")
    assert wrong.returncode == 2
    assert "holds another export" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_chunks_have_their_bytes_where_the_formats_want_them() -> None:
    """Worked by hand: two samples of one and three bytes, the second in two pieces."""
    assert b"".join(with_sizes([b"A", b"BCD"])) == b"\1\0\0\0\3\0\0\0ABCD"
    assert (
        b"".join(with_offsets([[b"A"], [b"B", b"CD"]], b"{}"))
        == b"\2\0\0\0" + b"\x12\0\0\0\x13\0\0\0\x16\0\0\0" + b"{}" + b"ABCD"
    )
    assert list(chunked([[b"aa", b"aa"], [b"bb"], [b"c" * 50], [b"d"]], most=16)) == [
        [[b"aa", b"aa"], [b"bb"]],
        [[b"c" * 50]],
        [[b"d"]],
    ]
    assert list(chunked([])) == []


def test_entries_made_ahead_arrive_in_order_and_so_does_an_error() -> None:
    """Entries of size 0 end a batch: they and all before arrive, though the next cannot be made."""

    def entries() -> Iterator[int]:
        yield from [3, 1, 0]
        raise ValueError("the fourth")

    stream = ahead(entries(), lambda size: size)
    assert [next(stream) for _ in range(3)] == [3, 1, 0]
    with pytest.raises(ValueError, match="the fourth"):
        next(stream)
    assert list(ahead(iter(range(1000)), lambda _: BATCH)) == list(range(1000))


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_shard_stops_after_those_before_it(
    version: Version, form: str, tmp_path: Path
) -> None:
    """The shard before, settled by a thread, is in the journal all the same."""
    storage = Storage(str(shutil.copytree(version[0].root, tmp_path / "workspace")))
    manifest = version[1]
    name = layout.shard_path(manifest.identity.name, manifest.version, manifest.shard_names[1])
    data = bytearray(storage.read(name))
    data[700] ^= 1  # inside a picture
    Path(storage.path(name)).unlink()
    storage.write(name, bytes(data))
    with pytest.raises(IntegrityError, match="not as it was sealed"):
        run((storage, manifest), form, tmp_path / "out")
    lines = (tmp_path / "out" / journal.NAME).read_text().splitlines()
    assert [json.loads(line).get("shard") for line in lines] == [None, manifest.shard_names[0]]
