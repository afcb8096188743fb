"""Files of a workspace: the same promises on disk and in any fsspec store."""

from __future__ import annotations

import errno
import os
import pickle
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import zarr
from botocore.exceptions import HTTPClientError, NoCredentialsError
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import LocalFileSystem

from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import StoreError, UnreachableError, UserError
from tests.support.object_store import BUCKET, object_store


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """URL of a bucket in a server of its own."""
    with object_store() as env, pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"


@pytest.fixture(params=["local", "file", "memory", "s3", "plain"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A store of each kind; `plain` is one whose files are visible while they are written."""
    folder = f"{tmp_path}/work space"
    if request.param == "s3":
        return Storage(f"{request.getfixturevalue('s3')}/{uuid.uuid4().hex}/w")
    fsspec.register_implementation("plain", Plain, clobber=True)
    urls = {
        "local": folder,
        "file": f"file://{folder}",
        "memory": f"memory://{uuid.uuid4().hex}/w",
        "plain": f"plain://{folder}",
    }
    return Storage(urls[request.param])


class Plain(ArrowFSWrapper):  # type: ignore[misc]
    """Arrow's file system for local disks, as one that the storage knows nothing about."""

    protocol, fsid = "plain", "plain"

    def __init__(self, **options: Any) -> None:
        super().__init__(LocalFileSystem(), **options)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return super()._open(path, mode, **options | {"seekable": True})


def test_what_is_written_is_read(storage: Storage) -> None:
    storage.write("a/b/c.bin", b"\0\xff" * 500)
    assert storage.exists("a/b/c.bin")
    assert storage.read("a/b/c.bin") == b"\0\xff" * 500
    assert storage.size("a/b/c.bin") == 1000
    with storage.open("a/b/c.bin") as file:
        assert file.read(3) == b"\0\xff\0"
        file.seek(-1, os.SEEK_END)
        assert file.read() == b"\xff"
    storage.write("a/b/c.bin", b"")  # replaces
    assert storage.read("a/b/c.bin") == b""


def test_names_files_and_absence(storage: Storage) -> None:
    assert storage.names("") == storage.names("nowhere") == storage.files("nowhere") == []
    assert not storage.exists("nowhere")
    for name in ("x/b.txt", "x/a/deep/c.txt", "x/a.txt", "y.txt"):
        storage.write(name, b"1")
    assert storage.names("x") == ["a", "a.txt", "b.txt"]
    assert storage.files("x") == ["a.txt", "a/deep/c.txt", "b.txt"]
    assert storage.names("") == ["x", "y.txt"]


def test_a_dot_is_no_folder(storage: Storage) -> None:
    storage.write("./dots/./a/b.txt", b"1")
    storage.link("dots/a/./b.txt", "./dots/c.txt")
    assert storage.path("./dots/./a") == storage.path("dots/a")
    assert storage.names("./dots") == storage.names("dots") == ["a", "c.txt"]
    assert storage.files("dots/.") == storage.files("dots") == ["a/b.txt", "c.txt"]
    assert storage.read("dots/a/b.txt") == storage.read("./dots/c.txt") == b"1"
    assert all("/./" not in name for name in storage.fs.find(f"{storage.root}/dots"))


def test_links_and_trees(storage: Storage) -> None:
    storage.write("from/a", b"one")
    storage.write("from/b/c", b"two")
    storage.link("from/a", "to/new/a")
    storage.link("from/a", "to/new/a")  # again, as a rerun does
    storage.link_tree("from", "copy")
    assert (storage.read("to/new/a"), storage.read("copy/a"), storage.read("copy/b/c")) == (
        b"one",
        b"one",
        b"two",
    )
    storage.remove("from")
    assert storage.read("copy/b/c") == b"two"
    storage.write("from/a", b"three")  # a new file, not new content of the linked one
    assert storage.read("copy/a") == b"one"
    assert storage.files("to") == ["new/a"]


def test_remove(storage: Storage) -> None:
    storage.write("x/a", b"1")
    storage.write("x/b/c", b"1")
    storage.remove("x/a")
    assert storage.files("x") == ["b/c"]
    storage.remove("x")
    storage.remove("x")  # not there: fine
    assert not storage.exists("x/b/c")


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_an_error_while_writing_leaves_nothing(storage: Storage, error: BaseException) -> None:
    storage.write("x/old", b"old")

    def fail(name: str) -> None:
        with storage.create(name) as file:
            file.write(b"half")
            raise error

    for name in ("x/old", "x/new"):
        with pytest.raises(type(error)):
            fail(name)
    assert storage.files("x") == ["old"]
    assert storage.names("x") == ["old"]
    assert storage.read("x/old") == b"old"
    storage.write("x/new", b"new")
    assert storage.read("x/new") == b"new"


def test_nothing_is_visible_before_the_end(storage: Storage) -> None:
    with storage.create("x/new") as file:
        file.write(b"1" * 100_000)
        file.flush()
        assert not storage.exists("x/new")
        assert storage.files("x") == []
    assert storage.size("x/new") == 100_000


def test_zarr_groups(storage: Storage) -> None:
    storage.write("x/pool.zarr/a/c/9/0", b"what a killed run left")
    with storage.new_zarr("x/pool.zarr") as store:
        group = zarr.open_group(store, mode="w", zarr_format=3)
        group.create_array("a", shape=(3, 4), chunks=(2, 4), dtype="f8")[...] = np.arange(
            12
        ).reshape(3, 4)
    again = zarr.open_group(storage.zarr_store("x/pool.zarr"), mode="r", zarr_format=3)
    np.testing.assert_array_equal(again["a"][...], np.arange(12).reshape(3, 4))
    assert storage.files("x/pool.zarr") == ["a/c/0/0", "a/c/1/0", "a/zarr.json", "zarr.json"]


def test_links_survive_a_file_system_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    storage = Storage(str(tmp_path))
    storage.write("a", b"1")
    storage.link("a", "b")
    assert storage.read("b") == b"1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_linking_twice_leaves_no_rests(tmp_path: Path) -> None:
    """rename(2) does nothing, and removes nothing, where both names are the same file already."""
    storage = Storage(str(tmp_path))
    storage.write("a", b"1")
    for _ in range(3):
        storage.link("a", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    assert Storage(f"file://{tmp_path}/").url == Storage(f"{tmp_path}/").url == str(tmp_path)
    assert Storage("memory://a/b/").url == "memory://a/b"


ELSEWHERE = "choose another one (a workspace with --workspace)"
FAILURES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EACCES: ELSEWHERE,
    errno.EROFS: ELSEWHERE,
    errno.EIO: "run the same command again",
}


@pytest.mark.parametrize("code", FAILURES)
def test_failures_say_what_to_do_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    storage = Storage(str(tmp_path))
    storage.write("a", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StoreError) as caught:
            storage.write("a", b"new")
    error = caught.value
    assert FAILURES[code] in error.todo
    assert os.strerror(code) in str(error)
    assert f"{tmp_path}/a" in str(error)
    assert error.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert storage.read("a") == b"old"


@pytest.mark.parametrize("verb", ["read", "size", "link", "link_tree"])
def test_missing_files_are_clear_errors(storage: Storage, verb: str) -> None:
    storage.write("here", b"1")
    with pytest.raises(StoreError, match=r"(?m)cannot \w+( at)? a file$"):
        {
            "read": lambda: storage.read("x/gone"),
            "size": lambda: storage.size("x/gone"),
            "link": lambda: storage.link("x/gone", "y"),
            "link_tree": lambda: storage.link("x/gone/zarr.json", "y"),
        }[verb]()
    assert not storage.exists("y")


def test_a_folder_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        Storage(str(tmp_path / "file")).write("a", b"1")


def test_a_file_in_the_way_of_a_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"mine")
    with pytest.raises(StoreError, match="a file lies where a folder must be"):
        Storage(str(tmp_path / "taken")).write("a/b.bin", b"x")
    assert (tmp_path / "taken").read_bytes() == b"mine"


@pytest.mark.parametrize("letter", ["n", "é", "\N{CAMERA}"])
def test_names_may_be_as_long_as_the_disk_allows(tmp_path: Path, letter: str) -> None:
    name = letter * (255 // len(letter.encode()))
    Storage(str(tmp_path)).write(name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failing_link_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: Any, target: Any) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")

    storage = Storage(str(tmp_path))
    storage.write("a", b"1")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no")))
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(StoreError):
        storage.link("a", "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_storage_errors_travel_between_processes() -> None:
    error = StoreError("cannot write", where="here", got="full", wanted="room", todo="make room")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.rows()) == (StoreError, str(error), error.rows())


def test_a_request_is_repeated_until_the_store_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three refusals of each kind, then an answer; the pauses double."""
    pauses: list[float] = []
    monkeypatch.setattr("pairmill.pipeline.workspace.stores.time.sleep", pauses.append)
    for error in (
        ConnectionResetError(),
        TimeoutError(),
        OSError(errno.EBUSY, "SlowDown"),
        HTTPClientError(error="cut off"),
    ):
        storage, answers = (
            Storage(f"memory://{uuid.uuid4().hex}"),
            iter([error, error, error, b"1"]),
        )

        def cat(*_: Any, answers: Iterator[Any] = answers, **__: Any) -> bytes:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return bytes(answer)

        with monkeypatch.context() as patch:
            patch.setattr(storage.fs, "cat_file", cat)
            assert storage.read("a") == b"1"
    assert pauses == [0.25, 0.5, 1.0] * 4


LASTING = [
    PermissionError("no"),
    FileNotFoundError("none"),
    NoCredentialsError(),
    OSError(errno.EINVAL, "no"),
]


@pytest.mark.parametrize("error", LASTING)
def test_what_will_not_pass_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> bytes:
        raise error

    monkeypatch.setattr(
        "pairmill.pipeline.workspace.stores.time.sleep", lambda _: pytest.fail("waited")
    )
    storage = Storage(f"memory://{uuid.uuid4().hex}")
    with monkeypatch.context() as patch:
        patch.setattr(storage.fs, "cat_file", fail)
        with pytest.raises(StoreError) as caught:
            storage.read("a")
    assert not isinstance(caught.value, UnreachableError)
    assert ("AWS_ACCESS_KEY_ID" in caught.value.todo) == isinstance(
        error, PermissionError | NoCredentialsError
    )


def test_a_store_that_was_given_up_is_asked_once_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def fail(*_: Any, **__: Any) -> bytes:
        asked.append("")
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    monkeypatch.setenv("PAIRMILL_PATIENCE", "0.6")
    storage = Storage(f"memory://{uuid.uuid4().hex}")
    for tries in (2, 3, 4):  # 0 s, 0.25 s; then once; then once
        with monkeypatch.context() as patch:
            patch.setattr(storage.fs, "cat_file", fail)
            with pytest.raises(UnreachableError, match="gave up after") as caught:
                storage.read("a")
        assert len(asked) == tries
    assert "PAIRMILL_PATIENCE" in caught.value.todo
    assert not storage.exists("a")  # it answers again
    monkeypatch.setattr(storage.fs, "cat_file", fail)
    with pytest.raises(UnreachableError):
        storage.read("a")
    assert len(asked) == 6


def test_another_writer_is_seen_at_once(s3: str) -> None:
    """No listing is kept: what was looked for in vain is there as soon as somebody else has written
    it."""
    url = f"{s3}/{uuid.uuid4().hex}"
    mine, other = Storage(url), fsspec.filesystem("s3", skip_instance_cache=True)
    assert (mine.names("x"), mine.files("x"), mine.exists("x/a")) == ([], [], False)
    for name in ("x/a", "x/b/c"):
        other.pipe_file(f"{url}/{name}", b"1")
    assert (mine.names("x"), mine.files("x"), mine.exists("x/a")) == (
        ["a", "b"],
        ["a", "b/c"],
        True,
    )
    other.rm(f"{url}/x/a")
    assert (mine.names("x"), mine.exists("x/a")) == (["b"], False)


def test_of_many_that_create_one_file_one_succeeds(storage: Storage) -> None:
    if not (storage.local or storage.url.startswith("s3:")):
        pytest.skip("a store without conditional writes")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: storage.create_new("x/one", b"%d" % number), range(8)))
    assert won.count(True) == 1
    assert storage.read("x/one") == b"%d" % won.index(True)


def test_a_lost_answer_to_a_conditional_write_is_no_defeat(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was made and the answer lost: the second try finds the name taken, by ourselves."""
    storage = Storage(f"{s3}/{uuid.uuid4().hex}")
    pipe, lost = storage.fs.pipe_file, [True]

    def once_lost(*arguments: Any, **options: Any) -> Any:
        pipe(*arguments, **options)
        if lost:
            lost.pop()
            raise ConnectionResetError(errno.ECONNRESET, "lost")

    monkeypatch.setattr(storage.fs, "pipe_file", once_lost)
    assert storage.create_new("a", b"mine")
    assert not storage.create_new("a", b"other")
    assert storage.read("a") == b"mine"


@pytest.mark.slow
def test_large_files_go_up_in_parts_and_come_whole(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairmill.pipeline.workspace.storage.ONE_REQUEST", 1 << 20)
    storage, data = Storage(f"{s3}/{uuid.uuid4().hex}"), os.urandom(9 << 20)
    with storage.create("a") as file:
        for start in range(0, len(data), 1 << 20):
            file.write(data[start : start + (1 << 20)])
        assert not storage.exists("a")
    with storage.open("a") as file:
        file.seek(5 << 20)
        assert file.read(7) == data[5 << 20 : (5 << 20) + 7]
        file.seek(0)
        assert file.read() == data
    assert storage.files("") == ["a"]


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str, **_: Any) -> None:
        raise ImportError(f"Install {'s3fs' if url.startswith('s3') else 'adlfs'} to access it")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(UserError, match=r"pip install 'pairmill\[s3\]'"):
        Storage("s3://bucket/w")
    with pytest.raises(UserError, match="fix: Install adlfs to access it, with pip"):
        Storage("abfs://bucket/w")
