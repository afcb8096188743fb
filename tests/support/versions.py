"""Versions of corpora that grow or differ by their seed alone, and a bench to reproduce them on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairmill.pipeline.build.reproduce import Bench
from pairmill.pipeline.runner.execution import SerialExecutor
from pairmill.pipeline.runner.stage import Profile, ProgressListener
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from tests.support.make import Tiny, build, photograph, save, tiny_recipe

PLAIN: dict[str, Any] = {
    "degraders": [{"kind": "bicubic"}],
    "tiles": {"size": 16},
    "shards": {"samples": 8},
}


@dataclass(frozen=True)
class Growing:
    """A workspace and a folder of clean images that grows."""

    folder: Path
    storage: Storage

    def add(self, *seeds: int) -> None:
        for seed in seeds:
            save(photograph(seed, 97, 81, noise=0), self.folder / f"clean/{seed}.png")

    def build(self, **changes: Any) -> CorpusManifest:
        recipe = tiny_recipe(
            self.folder, images={"clean": [f"{self.folder}/clean"]}, **PLAIN | changes
        )
        return build(recipe, self.storage.url)


def bench(folder: Path, device: str = "cpu", watcher: ProgressListener | None = None) -> Bench:
    return Bench(
        Profile(str(folder / "bench"), device), SerialExecutor(), watcher or ProgressListener()
    )


def version(tiny: Tiny, seed: int) -> CorpusManifest:
    identity = tiny.manifest.identity.with_(recipe=tiny.manifest.identity.recipe | {"seed": seed})
    digest = identity.content_digest()
    return tiny.manifest.with_(identity=identity, digest=digest, version=digest[:12])
