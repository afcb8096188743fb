"""The folder of a training run: what it was started with, its state, its checkpoints. Every file is
written whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from pairmill.models.archs.weights import write_for_others
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.network import NetworkSpec
from pairmill.schemas.training import CheckpointCard, Score, TrainConfig, TrainingRun

RUN, STATE, METRICS = "run.json", "state.safetensors", "metrics.jsonl"


class Folder:
    """One run in a workspace."""

    def __init__(self, storage: Storage, name: str) -> None:
        self.storage, self.name = storage, name

    @property
    def path(self) -> str:
        """Full path or URL."""
        return self.storage.path(layout.training_folder(self.name))

    def checkpoint(self, which: str) -> str:
        """Full path or URL of a checkpoint: `last`, `best`, `step-000500`."""
        return self.storage.path(layout.training_checkpoint(self.name, which))

    def read_run(self) -> TrainingRun | None:
        """What the run was started with; none if it was not.

        Raises:
            IntegrityError: if it cannot be read.
        """
        data = self._read(RUN)
        try:
            if data is not None:
                return TrainingRun.model_validate_json(data)
            return None
        except ValueError as error:
            raise IntegrityError(
                "the record of a training run is damaged",
                where=f"{self.path}/{RUN}",
                got=str(error).splitlines()[0],
                todo="give the run another name, or delete its folder",
            ) from error

    def kept(self) -> bool:
        """Whether the run has left something to continue from or to use: a state or weights."""
        checkpoints = layout.training_checkpoint(self.name, "").rpartition("/")[0]
        return self.storage.exists(layout.training_file(self.name, STATE)) or bool(
            self.storage.names(checkpoints)
        )

    def write_run(self, run: TrainingRun) -> None:
        """Note what the run is started with."""
        self._write(RUN, run.model_dump_json(indent=1).encode())

    def read_state(self) -> bytes | None:
        """What a killed run continues from; none before the first checkpoint."""
        return self._read(STATE)

    def write_state(self, data: bytes) -> None:
        """Put a new state in place of the old one, which stays if there is no space."""
        self._write(STATE, data)

    def read_metrics(self, step: int) -> list[dict[str, Any]]:
        """Lines of the log up to a step."""
        lines = [json.loads(line) for line in (self._read(METRICS) or b"").splitlines() if line]
        return [line for line in lines if line["step"] <= step]

    def write_metrics(self, lines: list[dict[str, Any]]) -> None:
        """The log."""
        self._write(METRICS, "".join(json.dumps(line) + "\n" for line in lines).encode())

    def write_picture(self, step: int, data: bytes) -> None:
        """A PNG of a validation."""
        self.storage.write(layout.training_picture(self.name, step), data)

    def write_checkpoint(
        self,
        which: str,
        weights: Mapping[str, Tensor],
        run: TrainingRun,
        step: int,
        score: Score | None,
    ) -> CheckpointCard:
        """Weights that other tools load, and what they are next to them."""
        spec = NetworkSpec(network=run.config.network, scale=run.scale)
        data = write_for_others(dict(weights), spec)
        card = CheckpointCard(
            run=run.config.name,
            network=run.config.network,
            scale=run.scale,
            corpus=run.versions[run.scale].reference,
            smaller={scale: one.reference for scale, one in run.smaller.items()},
            digest=run.digest,
            step=step,
            averaged=bool(run.config.ema),
            score=score,
            sha256=hashlib.sha256(data).hexdigest(),
        )
        name = layout.training_checkpoint(self.name, which)
        self.storage.write(name, data)
        self.storage.write(_beside(name), card.model_dump_json(indent=1).encode())
        return card

    def write_degradation(self, which: str, data: bytes) -> None:
        """What joint training has learned of degradations, beside a checkpoint of this name."""
        self.storage.write(layout.training_degradation(self.name, which), data)

    def prune(self, keep: int) -> None:
        """Delete all checkpoints of single steps but the newest."""
        folder = layout.training_checkpoint(self.name, "").rpartition("/")[0]
        steps = sorted(
            name.removesuffix(".safetensors")
            for name in self.storage.names(folder)
            if name.startswith("step-") and name.endswith(".safetensors")
        )
        for which in steps[: max(0, len(steps) - keep)]:
            name = layout.training_checkpoint(self.name, which)
            self.storage.remove(_beside(name))
            self.storage.remove(name)

    def _read(self, file: str) -> bytes | None:
        name = layout.training_file(self.name, file)
        if self.storage.exists(name):
            return self.storage.read(name)
        return None

    def _write(self, file: str, data: bytes) -> None:
        self.storage.write(layout.training_file(self.name, file), data)


def _beside(name: str) -> str:
    return f"{name.removesuffix('.safetensors')}.json"


def check_same(run: TrainingRun, config: TrainConfig, where: str) -> None:
    """Make sure that a run continues with what it was started with.

    Raises:
        UserError: naming the settings that differ.
    """
    was, now = _flat(run.config.identity()), _flat(config.identity())
    differing = [
        f"{key}: {was.get(key)} -> {now.get(key)}"
        for key in sorted(was | now)
        if was.get(key) != now.get(key)
    ]
    if differing:
        raise UserError(
            "a run of this name was started with different settings",
            where=where,
            got="\n       ".join(differing[:6]),
            todo="give this one another `name:`, set the keys back, or delete the folder",
        )


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {
            k: v
            for name, inner in value.items()
            for k, v in _flat(inner, f"{key}.{name}".lstrip(".")).items()
        }
    return {key: value}
