"""The networks of `benchmarks.told_cameras`, each trained for the same processor seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.common import best_by_turns
from pairmill.pipeline.export.files import put
from pairmill.pipeline.training.data import Feed, open_split
from pairmill.pipeline.training.labels import open_both
from pairmill.pipeline.training.run import Trained, train_run
from pairmill.pipeline.training.start import begin
from pairmill.pipeline.training.versions import versions_of
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.training import TrainConfig

EDSR: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("in_domain.yaml").read_text(encoding="utf-8")
)["training"]
"""The settings of `benchmarks.in_domain`; batch and crop are those of all networks."""
SRMD = {"arch": "srmd", "noise": False, "residual": True, "features": 32, "depth": 6, "code": 10}
SFTMD = {"arch": "sftmd", "features": 16, "blocks": 2, "modulation": 8, "code": 10}
IKC = {"arch": "ikc", "network": SFTMD, "features": 16, "corrections": 2}
WARM = {"warm_up": 50}
LEARNING: dict[str, dict[str, Any]] = {
    "edsr": {"network": EDSR["network"], "optimiser": {"learning_rate": EDSR["rate"]}},
    "srmd": {"network": SRMD, "optimiser": {"learning_rate": 2e-3, "schedule": WARM}},
    "sftmd": {"network": SFTMD, "optimiser": {"learning_rate": 1e-3, "clip": 1, "schedule": WARM}},
    "ikc": {"network": IKC, "optimiser": {"learning_rate": 1e-3, "clip": 1, "schedule": WARM}},
}
"""What differs between the networks. Rates of the told ones are those of
`benchmarks.kernel_aware` and `benchmarks.ikc`."""
STAGES = ("edsr", "srmd", "sftmd-whole", "sftmd", "ikc")
"""What is trained; `sftmd` and `ikc` share a time, `sftmd-whole` is SFTMD alone."""
ROUNDS = 8
"""Steps of each network that are timed, by turns; the shortest counts."""
SCALE = 2
LEAST = 20
"""Steps that any network is trained for."""


@dataclass(frozen=True)
class Corpus:
    """A version to train on."""

    name: str
    version: str

    @property
    def words(self) -> str:
        """As training recipes name it."""
        return f"{self.name}@{self.version}"


def recipe(who: str, corpus: Corpus, steps: int, start: str = "", seed: int = 0) -> TrainConfig:
    """The training recipe of a network; the schedule falls to 0 as a cosine.

    Args:
        who: of `LEARNING`.
        corpus: what it learns from.
        steps: how long.
        start: checkpoint to start from.
        seed: of weights, order and crops.
    """
    own = LEARNING[who]
    schedule = {"kind": "cosine", "periods": [steps], **own["optimiser"].get("schedule", {})}
    schedule["warm_up"] = min(schedule.get("warm_up", 0), steps // 4)
    return TrainConfig.model_validate(
        {
            "name": f"{corpus.name}-{corpus.version}-{who}-{steps}-{seed}",
            "corpus": corpus.words,
            "seed": seed,
            "network": own["network"],
            "steps": steps,
            "batch": EDSR["batch"],
            "crop": EDSR["crop"],
            "loading": {"workers": 0},
            "ema": 0.99,
            "optimiser": {**own["optimiser"], "schedule": schedule},
            "start_from": {"file": start} if start else None,
            "validation": {"every": steps, "images": 4, "pictures": 0},
            "checkpoints": {"every": max(1, steps // 4), "keep": 0},
            "log_every": max(1, steps // 8),
        }
    )


class Trainer:
    """Trains for equal times in a workspace; what is finished is found again.

    Args:
        workspace: where corpora and runs lie, and `equal_time.json`: the seconds of a step of
            each network, measured once, and those that each run took.
        seconds: of a processor, for each network with all of its stages.
        share: of them, for SFTMD; the rest is for IKC's predictor and corrector.
    """

    def __init__(self, workspace: Path, seconds: float, share: float) -> None:
        self.workspace, self.seconds, self.share = workspace, seconds, share
        self.file = workspace / "equal_time.json"
        self.step_seconds, self.spent = self._known()

    def measure(self, corpus: Corpus) -> None:
        """Find the seconds of a step of each network, once for all turns."""
        unknown = [who for who in LEARNING if who not in self.step_seconds]
        if not unknown:
            return
        # IKC steps as long from random weights: these are never looked at.
        configs = {
            who: recipe(who, corpus, ROUNDS, start="none" if who == "ikc" else "")
            for who in unknown
        }
        storage = Storage(str(self.workspace))
        steps = [stepping(config, storage) for config in configs.values()]
        for step in steps:
            step()  # the first allocates
        times = best_by_turns(lambda: None, *steps, repeats=ROUNDS, clock=time.process_time)
        self.step_seconds |= zip(configs, times, strict=True)
        self._save()

    def steps(self, who: str) -> int:
        """How many of a network, or of a stage of one, fit into its time."""
        shares = {"sftmd-whole": 1.0, "sftmd": self.share, "ikc": 1 - self.share}
        kind = who.removesuffix("-whole")
        return steps_within(self.seconds * shares.get(who, 1.0), self.step_seconds[kind])

    def train(self, who: str, corpus: Corpus) -> str:
        """The checkpoint of a network; `ikc` is trained after SFTMD, within the same time, and
        `sftmd-whole` is SFTMD alone.
        """
        start = self.train("sftmd", corpus) if who == "ikc" else ""
        kind = who.removesuffix("-whole")
        begin = str(Path(start).resolve()) if start else ""
        return self.run(kind, corpus, self.steps(who), start=begin).folder.checkpoint("last")

    def run(self, who: str, corpus: Corpus, steps: int, start: str = "") -> Trained:
        """A run, timed unless it was finished before."""
        config = recipe(who, corpus, steps, start)
        began = time.process_time()
        done = train_run(config, ".", Storage(str(self.workspace)))
        took = time.process_time() - began
        if done.made:
            self.spent[config.name] = round(self.spent.get(config.name, 0.0) + took, 1)
            self._save()
            print(f"  {config.name}: {took:.0f} s of a processor", flush=True)
        return done

    def _known(self) -> tuple[dict[str, float], dict[str, float]]:
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        return known.get("step_seconds", {}), known.get("spent", {})

    def _save(self) -> None:
        """Write it whole or not at all; other turns, in other processes, write there too."""
        self.step_seconds = self._known()[0] | self.step_seconds
        self.spent = self._known()[1] | self.spent
        document = {"step_seconds": self.step_seconds, "spent": self.spent}
        put(self.file, (json.dumps(document, indent=1) + "\n").encode())


def stepping(config: TrainConfig, storage: Storage) -> Callable[[], object]:
    """Makes a step of a training at each call, a batch read and learned from."""
    version = versions_of(storage, config, None)[SCALE]
    source, labels = (
        open_split(storage, version, "train"),
        open_both(config, storage, version, SCALE),
    )
    kernels = labels.kernels()
    training = begin(config, ".", SCALE, "cpu", lambda one: one, fresh=False, kernels=kernels)
    batches = iter(Feed(config, {SCALE: source}, labels=labels.train))
    return lambda: training.advance(*next(batches))


def steps_within(seconds: float, each: float) -> int:
    """Steps of `each` seconds within some seconds, in tens, at least `LEAST`."""
    return max(LEAST, round(seconds / each / 10) * 10)
