"""The log of versions, and finding one by what people type."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairmill.pipeline.corpora.log import append_log, corpus_names, find_version, read_log
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError, UserError
from tests.support.make import Tiny
from tests.support.versions import version


@pytest.fixture
def store(tiny: Tiny, tmp_path: Path) -> Storage:
    """Three versions, the first one sealed again at the end."""
    storage = Storage(str(tmp_path))
    for number in (1, 2, 3, 3, 1):
        manifest = version(tiny, number)
        storage.write(
            f"corpora/tiny/{manifest.version}/manifest.json", manifest.canonical_json().encode()
        )
        append_log(storage, manifest, f"2026-01-0{number}T00:00:00Z")
    return storage


def test_lines_are_oldest_first_with_parents(store: Storage, tiny: Tiny) -> None:
    one, two, three = (version(tiny, number).version for number in (1, 2, 3))
    entries = read_log(store, "tiny")
    assert [entry.version for entry in entries] == [one, two, three, one]
    assert [entry.parent for entry in entries] == ["", one, two, three]
    assert read_log(store, "nothing") == []
    assert corpus_names(store) == ["tiny"]


def test_finding(store: Storage, tiny: Tiny) -> None:
    two = version(tiny, 2)
    assert find_version(store, "tiny") == version(tiny, 1)  # the newest line
    assert find_version(store, f"tiny@{two.version}") == two
    assert find_version(store, f"tiny@{two.version[:6]}") == two


def test_not_finding(store: Storage, tiny: Tiny) -> None:
    with pytest.raises(UserError, match="no corpus called 'tinny'") as caught:
        find_version(store, "tinny")
    assert "did you mean tiny" in caught.value.todo
    with pytest.raises(UserError, match="no versions of tiny fit 'zzz'") as caught:
        find_version(store, "tiny@zzz")
    assert version(tiny, 2).version in caught.value.wanted
    assert caught.value.exit_code == 2


def test_an_empty_workspace(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no corpus called 'x'") as caught:
        find_version(Storage(str(tmp_path)), "x")
    assert "pairmill build" in caught.value.todo


def test_ambiguous_digits(store: Storage, tiny: Tiny) -> None:
    versions = [version(tiny, number) for number in range(1, 40)]
    first = next(
        v for v in versions if sum(w.version[0] == v.version[0] for w in versions) > 1
    ).version[0]
    for manifest in versions:
        append_log(store, manifest, "2026-01-09T00:00:00Z")
    with pytest.raises(UserError, match=r"[0-9]+ versions of tiny fit"):
        find_version(store, f"tiny@{first}")


@pytest.mark.parametrize("damage", [None, b"", b"{", b'{"version": "x"}'])
def test_a_damaged_or_missing_manifest(store: Storage, tiny: Tiny, damage: bytes | None) -> None:
    name = f"corpora/tiny/{version(tiny, 2).version}/manifest.json"
    if damage is None:
        store.remove(name)
    else:
        store.write(name, damage)
    with pytest.raises(IntegrityError) as caught:
        find_version(store, f"tiny@{version(tiny, 2).version}")
    assert name in caught.value.where
    assert caught.value.todo


def test_a_damaged_log(store: Storage) -> None:
    store.write("corpora/tiny/log.jsonl", store.read("corpora/tiny/log.jsonl")[:-30])
    with pytest.raises(IntegrityError) as caught:
        find_version(store, "tiny")
    assert "log.jsonl" in caught.value.where
    assert caught.value.todo
