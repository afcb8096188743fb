"""Versions by the real command line: two builders at once, a killed one, and a corpus that
lives."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from pairmill.schemas.corpus import CorpusManifest
from tests.support.program import Run, photograph, run, start, wait_until

RECIPE = """name: plain
scale: 2
images:
  clean: [{photos}]
tiles: {{size: 32}}
degraders:
  - kind: bicubic
shards: {{samples: 16}}
splits: {{train: 1, val: 0}}
"""


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory, prefect: dict[str, str]) -> Path:
    """A workspace with two versions of a corpus; the second has one more image."""
    import cv2

    folder = tmp_path_factory.mktemp("living")
    (folder / "photos").mkdir()
    (folder / "plain.yaml").write_text(RECIPE.format(photos=folder / "photos"))
    for seed in range(5):
        cv2.imwrite(str(folder / f"photos/{seed}.png"), photograph(seed))
        if seed >= 3:
            done = run(
                "build",
                folder / "plain.yaml",
                "--workspace",
                folder / "ws",
                "--workers",
                1,
                env=prefect,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return folder


def manifests(workspace: Path) -> list[CorpusManifest]:
    lines = (workspace / "corpora/plain/log.jsonl").read_text().splitlines()
    paths = [
        workspace / "corpora/plain" / json.loads(line)["version"] / "manifest.json"
        for line in lines
    ]
    return [
        CorpusManifest.model_validate_json(path.read_bytes()) for path in paths if path.exists()
    ]


@pytest.mark.slow
def test_diff_tag_list_and_reproduce(living: Path, pairmill: Run, tmp_path: Path) -> None:
    old, new = manifests(living / "ws")
    place = ("--workspace", living / "ws")
    tagged = pairmill("corpus", "tag", f"plain@{old.version[:5]}", "first", *place)
    assert tagged.returncode == 0, tagged.stderr
    assert "first" in pairmill("corpus", "list", "plain", *place).stdout
    found = pairmill("corpus", "diff", "plain@first", "plain", *place)
    assert found.returncode == 1
    assert "1 added, 0 removed" in found.stdout
    assert "4.png" in found.stdout
    alone = pairmill("corpus", "diff", "plain", "--json", *place)
    told = json.loads(alone.stdout)
    assert (told["old"], told["new"]) == (f"plain@{old.version}", f"plain@{new.version}")
    assert told["samples"]["equal"] == sum(old.identity.samples.values())
    assert told["samples"]["changed"] == told["samples"]["removed"] == 0
    assert pairmill("corpus", "diff", "plain@first", "plain@first", *place).returncode == 0
    again = pairmill("corpus", "reproduce", "plain@first", "--workers", 1, *place)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "identical" in again.stdout
    assert old.digest in again.stdout
    shutil.copytree(living / "photos", tmp_path / "kept")
    hidden = (living / "photos").rename(living / "hidden")
    try:
        missing = pairmill("corpus", "reproduce", "plain@first", *place)
        assert missing.returncode == 2
        assert "4 of 4 images of this version cannot be found" in missing.stderr
        assert "gone" in missing.stderr
        moved = pairmill(
            "corpus",
            "reproduce",
            "plain@first",
            "--images",
            tmp_path / "kept",
            "--workers",
            1,
            *place,
        )
        assert moved.returncode == 0, moved.stdout + moved.stderr
    finally:
        hidden.rename(living / "photos")


def test_gc_says_first_and_deletes_then(living: Path, pairmill: Run, tmp_path: Path) -> None:
    subprocess.run(["cp", "-a", living / "ws", tmp_path / "ws"], check=True)
    old, new = manifests(tmp_path / "ws")
    place = ("--workspace", tmp_path / "ws", "--keep", 1, "--keep-days", 0)
    shutil.rmtree(tmp_path / "ws/corpora/plain/tags", ignore_errors=True)
    assert "nothing to delete" in pairmill("corpus", "gc", "--workspace", tmp_path / "ws").stdout
    said = pairmill("corpus", "gc", *place)
    assert re.search(r"[0-9.]+ MB would become free; --yes deletes", said.stdout)
    assert len(manifests(tmp_path / "ws")) == 2
    assert "are free now" in pairmill("corpus", "gc", "--yes", *place).stdout
    assert manifests(tmp_path / "ws") == [new]
    gone = pairmill("corpus", "show", f"plain@{old.version}", "--workspace", tmp_path / "ws")
    assert gone.returncode == 2
    assert "was deleted by `pairmill corpus gc`" in gone.stderr
    assert pairmill("corpus", "verify", "plain", "--workspace", tmp_path / "ws").returncode == 0
    assert (
        "nothing new to do"
        in pairmill("build", living / "plain.yaml", "--workspace", tmp_path / "ws").stdout
    )


@pytest.mark.slow
def test_two_builders_of_one_corpus(
    living: Path, prefect: dict[str, str], pairmill: Run, tmp_path: Path
) -> None:
    """The second is told who is at work; another corpus is built meanwhile; a killed holder is
    taken over."""
    import cv2

    (tmp_path / "photos").mkdir()
    for seed in range(8):
        cv2.imwrite(str(tmp_path / f"photos/{seed}.png"), photograph(seed))
    (tmp_path / "plain.yaml").write_text(RECIPE.format(photos=tmp_path / "photos"))
    other = tmp_path / "other.yaml"
    other.write_text((living / "plain.yaml").read_text().replace("name: plain", "name: other"))
    place, lock = ("--workspace", tmp_path / "ws"), tmp_path / "ws/locks/build-plain.json"
    one = (*place, "--workers", 1)
    first = start("build", tmp_path / "plain.yaml", *one, env=prefect)
    assert wait_until(lambda: lock.exists() or first.poll() is not None, 120)
    first.send_signal(signal.SIGSTOP)  # alive, and still at it
    try:
        second = pairmill("build", tmp_path / "plain.yaml", *place)
        assert second.returncode == 75, second.stdout + second.stderr
        assert "another process is working on this" in second.stderr
        assert f"build of plain, process {first.pid} on " in second.stderr
        assert "unlock build-plain" in second.stderr
        busy = pairmill("corpus", "gc", "--yes", *place)
        assert busy.returncode == 75
        assert pairmill("build", other, *one).returncode == 0
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert lock.exists()
    done = pairmill("build", tmp_path / "plain.yaml", *one)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not lock.exists()
    assert len(manifests(tmp_path / "ws")) == 1
    assert pairmill("corpus", "verify", "plain", *place).returncode == 0


@pytest.mark.slow
def test_two_builders_that_start_together(
    living: Path, prefect: dict[str, str], pairmill: Run, tmp_path: Path
) -> None:
    """One makes the corpus; the other is refused, or finds it made."""
    builders = [
        start("build", living / "plain.yaml", "--workspace", tmp_path, env=prefect)
        for _ in range(2)
    ]
    codes = sorted(builder.wait(240) for builder in builders)
    assert codes in ([0, 75], [0, 0])
    assert len(manifests(tmp_path)) == 1
    assert pairmill("corpus", "verify", "plain", "--workspace", tmp_path).returncode == 0


def test_unlock(pairmill: Run, living: Path) -> None:
    lock = living / "ws/locks/build-plain.json"
    lock.write_text(
        '{"what":"build of '
        'plain","host":"gone","machine":"","boot":"","space":"","pid":1,"born":"1",'
        '"since":"2026-01-01T00:00:00Z","token":"x"}'
    )
    refused = pairmill("corpus", "gc", "--yes", "--workspace", living / "ws")
    assert refused.returncode == 75
    assert "process 1 on gone, since 2026-01-01T00:00:00Z" in refused.stderr
    assert (
        "build of plain"
        in pairmill("corpus", "unlock", "build-plain", "--workspace", living / "ws").stdout
    )
    assert not lock.exists()
    unknown = pairmill("corpus", "unlock", "build-plain", "--workspace", living / "ws")
    assert unknown.returncode == 2
    assert "there is no lock" in unknown.stderr
