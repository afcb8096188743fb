"""Fifty SIGKILLs at random moments over one build: one digest, nothing half-written at any time,
nothing finished done again."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pairmill.pipeline.corpora.log import corpus_names, find_version, read_log, read_manifest
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.workspace.storage import Storage
from tests.support.dask_cluster import scheduler
from tests.support.make import build, photograph, save
from tests.support.object_store import BUCKET, object_store
from tests.support.paths import ROOT
from tests.support.program import wait_until
from tests.support.work_log import begun, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("PAIRMILL_TESTS_KILLS", "50"))
SEED = int(os.environ.get("PAIRMILL_TESTS_SEED", "2026"))
WORKERS = 2
RECIPE = """name: tiny
scale: 2
seed: 3
images: {{real: [{photos}]}}
tiles: {{size: 32}}
kernels: {{iterations: 10, restarts: 1, crop: 40}}
kernel_quality:
  {{max_sum_error: 10, max_offset: 9, max_border: 1, max_negative: 1, max_raw_negative: 1, max_support: 400, max_disagreement: 3, max_shift: 9,
    max_mismatch: 99,
    min_support: 1}}
noise: {{patch: 16, max_per_image: 6}}
realism: {{enabled: false}}
degraders:
  - {{kind: realsr, weight: 2}}
  - {{kind: bicubic, weight: 1}}
splits: {{train: 0.7, val: 0.3}}
samples_per_tile: {repeats}
shards: {{samples: 2}}
"""  # noqa: E501


@dataclass
class Reference:
    """An undisturbed build, made in this process by the serial executor."""

    file: Path
    digest: str
    sums: dict[str, str]
    """Digests of all files of the stages, by name."""

    @property
    def units(self) -> set[str]:
        """All units, as `STAGE KEY`."""
        return units_of(self.sums)


def units_of(names: Iterable[str]) -> set[str]:
    """The finished units among the files of the stages."""
    places = (name.split("/") for name in names if name.endswith("/result.json"))
    return {f"{stage} {key}" for stage, _, _, key, _ in places}


def reference(folder: Path, photos: int, repeats: int) -> Reference:
    for seed in range(photos):
        save(photograph(seed, 97 + 2 * seed, 113), folder / f"photos/{seed}.png")
    file = folder / "tiny.yaml"
    file.write_text(RECIPE.format(photos=folder / "photos", repeats=repeats))
    manifest = build(load_recipe(str(file))[0], folder / "once")
    storage = Storage(str(folder / "once"))
    return Reference(
        file,
        manifest.digest,
        {name: _sum(storage, f"stages/{name}") for name in storage.files("stages")},
    )


def _sum(storage: Storage, name: str) -> str:
    return hashlib.sha256(storage.read(name)).hexdigest()


@dataclass
class Watch:
    """Looks at a workspace that is being built, as any reader may at any time."""

    storage: Storage
    reference: Reference
    known: dict[str, str] = field(default_factory=dict)
    looks: int = 0

    def look(self) -> set[str]:
        """Every file of the stages is whole and right, every version verifies, every line of a log
        leads to one.

        Returns:
            The finished units, as `STAGE KEY`.
        """
        names = self.storage.files("stages")
        new = [name for name in names if name not in self.known]
        self.known |= zip(
            new,
            self.storage.each(lambda name: _sum(self.storage, f"stages/{name}"), new),
            strict=True,
        )
        wrong = [name for name in new if self.known[name] != self.reference.sums.get(name)]
        assert not wrong
        assert self.known.keys() <= set(names)  # nothing that was seen is lost
        for corpus in corpus_names(self.storage):
            for path in self.storage.files(f"corpora/{corpus}"):
                if path.endswith("/manifest.json"):
                    manifest = read_manifest(self.storage, corpus, path.partition("/")[0])
                    assert manifest.digest == self.reference.digest
                    assert verify(self.storage, manifest).findings == ()
            assert all(
                read_manifest(self.storage, corpus, entry.version)
                for entry in read_log(self.storage, corpus)
            )
        self.looks += 1
        return units_of(names)


def builder(
    reference: Reference, url: str, env: dict[str, str], *options: str
) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "pairmill.flows.cli",
        "build",
        str(reference.file),
        "--workspace",
        url,
        *options,
    ]
    with reference.file.with_name("said.txt").open("wb") as said:
        return subprocess.Popen(
            command,
            env=os.environ | env | {"PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdout=said,
            stderr=said,
        )


@dataclass
class StressTest:
    """A build whose builder is killed again and again, and perhaps its workers."""

    watch: Watch
    start: Callable[[], subprocess.Popen[bytes]]
    log: Path
    rng: np.random.Generator
    kill_worker: Callable[[], None] | None = None
    lives: list[int] = field(default_factory=list)
    """Lines of the work log at each kill."""
    finished: list[set[str]] = field(default_factory=list)
    """Finished units at each kill."""
    process: subprocess.Popen[bytes] = field(init=False)
    """The builder of now."""

    def run(self, kills: int, while_it_seals: int = 5) -> None:
        """Kill so often while units are left, and then some times more, then let the build end."""
        began, self.process = time.monotonic(), self.start()
        try:
            for number in range(kills + while_it_seals):
                self.wait(self.process, kills - number)
                if self.process.poll() is not None:
                    break
                self.kill(left=kills - number)
            assert self.process.wait(900) == 0, self.watch.reference.file.with_name(
                "said.txt"
            ).read_text()
        finally:
            self.process.kill()
            self.process.wait()
        assert len(self.lives) >= kills
        self.watch.known.clear()  # what was seen before is looked at once more
        self.watch.look()
        print(self.words(time.monotonic() - began))  # noqa: T201

    def kill(self, left: int) -> None:
        """The builder, which is started afresh, or one time in three a worker while units are left;
        and look."""
        if self.kill_worker is not None and left > 0 and self.rng.random() < 0.3:
            self.kill_worker()
            self.note()
            return
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.note()
        self.process = self.start()

    def wait(self, process: subprocess.Popen[bytes], left: int) -> None:
        """Until the moment of the next kill: one time in five any since the start, else one after
        some more units were begun.

        When all units are finished, any moment since the builder has got its lock.
        """
        todo = len(self.watch.reference.units) - (len(self.finished[-1]) if self.finished else 0)
        if left > 0 and self.rng.random() < 0.2:
            time.sleep(self.rng.uniform(0, 6))
        elif todo:
            aim = begun(self.log).total() + int(
                self.rng.integers(1, max(2, min(todo, 2 + 2 * todo // max(left, 1))))
            )
            wait_until(lambda: begun(self.log).total() >= aim or process.poll() is not None, 60)
            time.sleep(self.rng.uniform(0, 0.3))
        else:
            wait_until(
                lambda: bool(self.watch.storage.files("locks")) or process.poll() is not None, 60
            )
            time.sleep(self.rng.uniform(0, 8))

    def note(self) -> None:
        self.lives.append(begun(self.log).total())
        self.finished.append(self.watch.look())

    def judge(self, most: int) -> None:
        """No unit was begun more than `most` times between two kills, and none that was finished at
        a kill was begun after it."""
        for line, finished, next_line in zip(
            [0, *self.lives], [set(), *self.finished], [*self.lives, None], strict=True
        ):
            lived = (
                begun(self.log, line)
                if next_line is None
                else begun(self.log, line) - begun(self.log, next_line)
            )
            assert max(lived.values(), default=0) <= most
            assert not finished & lived.keys()

    def words(self, seconds: float) -> str:
        counts = begun(self.log)
        return (
            f"seed {SEED}: {len(self.lives)} kills, {len(counts)} units begun {counts.total()} "
            "times, one of them "
            f"{max(counts.values())} times; looked {self.watch.looks} times; {seconds:.0f} s"
        )


def test_of_a_build_by_local_processes(tmp_path: Path, prefect: dict[str, str]) -> None:
    made, log = reference(tmp_path, 12, 4), tmp_path / "work.txt"
    env, url, rng = prefect | environment(log), str(tmp_path / "ws"), np.random.default_rng(SEED)
    stress_test = StressTest(
        Watch(Storage(url), made),
        lambda: builder(made, url, env, "--workers", str(WORKERS)),
        log,
        rng,
    )
    stress_test.run(KILLS)
    stress_test.judge(1)
    assert find_version(Storage(url), "tiny").digest == made.digest


def test_of_a_build_on_a_cluster(tmp_path: Path, prefect: dict[str, str]) -> None:
    """Builders are killed, and workers, which are replaced; workers continue without one, hence
    slowly."""
    made, log = reference(tmp_path, 36, 4), tmp_path / "work.txt"
    url, rng = str(tmp_path / "ws"), np.random.default_rng(SEED)
    with scheduler(tmp_path, environment(log, pause=1.5)) as (address, worker):
        workers = [worker() for _ in range(WORKERS)]

        def kill_worker() -> None:
            place = int(rng.integers(WORKERS))
            workers[place].send_signal(signal.SIGKILL)
            workers[place] = worker()

        stress_test = StressTest(
            Watch(Storage(url), made),
            lambda: builder(made, url, prefect, "--engine", address),
            log,
            rng,
            kill_worker,
        )
        stress_test.run(KILLS)
    stress_test.judge(2)
    assert find_version(Storage(url), "tiny").digest == made.digest


def test_of_a_build_in_an_object_store(
    tmp_path: Path, prefect: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, log = reference(tmp_path, 6, 2), tmp_path / "work.txt"
    with object_store() as store:
        for name, value in store.items():
            monkeypatch.setenv(name, value)
        env, url, rng = (
            prefect | store | environment(log),
            f"s3://{BUCKET}/killed",
            np.random.default_rng(SEED),
        )
        stress_test = StressTest(
            Watch(Storage(url), made),
            lambda: builder(made, url, env, "--workers", str(WORKERS)),
            log,
            rng,
        )
        stress_test.run(KILLS)
        stress_test.judge(1)
        assert find_version(Storage(url), "tiny").digest == made.digest
        assert Storage(url).files("locks") == []
