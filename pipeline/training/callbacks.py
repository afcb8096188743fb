"""What is done alongside the steps of a run: the log, validation, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from pairmill.models.archs.layers import MultiScale
from pairmill.models.training.checkpoint import state_bytes
from pairmill.models.training.joint.partner import ACCURACY, Partner
from pairmill.models.training.loop import Listener, Meter, checked
from pairmill.models.training.training import Training
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.shards.reader import Told
from pairmill.pipeline.training.data import Feed, Source
from pairmill.pipeline.training.distributed import SingleProcess
from pairmill.pipeline.training.folder import Folder
from pairmill.pipeline.training.joint import hr_crops, real_above_fake
from pairmill.pipeline.training.tensorboard import Board
from pairmill.pipeline.training.validation import Image, below, look, together
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.schemas.training import Score, TrainingRun

ALARM = "alarm/"
"""What the names of alarms begin with in the log."""


@dataclass
class RunContext:
    """What the listeners of a run share."""

    run: TrainingRun
    folder: Folder
    ranks: SingleProcess
    board: Board
    watcher: TrainingListener
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The log so far."""
    scores: list[Score] = field(default_factory=list)
    """All validations so far."""

    @property
    def best(self) -> Score | None:
        """The best validation so far; the first of equals."""
        return max(self.scores, key=lambda score: (score.psnr_y, -score.step), default=None)

    def exhausted(self) -> str:
        """Why no further step is worth while; empty if it may be."""
        patience = self.run.config.validation.patience
        if (
            patience
            and self.best is not None
            and len(self.scores) - 1 - self.scores.index(self.best) >= patience
        ):
            return f"no better PSNR in {patience} validations"
        return ""

    def write(self, line: dict[str, Any]) -> None:
        """Add a line to the log."""
        if self.ranks.first:
            self.lines.append(line)
            self.folder.write_metrics(self.lines)
            self.board.scalars(line)

    def alarm(self, step: int, alarms: dict[str, str]) -> None:
        """Add alarms to the log, in words by gate."""
        self.write({"step": step} | {f"{ALARM}{name}": words for name, words in alarms.items()})
        self.watcher.alarmed(step, alarms)


class MetricLogger(Listener):
    """Writes a line of the log every so many steps, and stops at the first loss that is no
    number.
    """

    def __init__(self, desk: RunContext) -> None:
        self.desk, self.every = desk, desk.run.config.log_every

    def stepped(self, training: Training, tally: Meter) -> None:
        """See `Listener.stepped`."""
        self.desk.watcher.stepped(training.step, tally.last * self.desk.ranks.count)
        if self.desk.ranks.count == 1:
            tally.stop = tally.stop or self.desk.watcher.stop
        if (
            training.device == "cpu"
            and self.desk.ranks.count == 1
            and not math.isfinite(float(tally.sums["loss"]))
        ):
            checked(training, tally)
        if training.step % self.every == 0 or training.done:
            self._write(training, tally)

    def _write(self, training: Training, tally: Meter) -> None:
        means = checked(training, tally, self.desk.ranks.mean)
        names = ["loss", *sorted(set(means) - {"loss"})]
        line = {"step": training.step} | {name: float(f"{means[name]:.6g}") for name in names}
        line["learning_rate"] = float(f"{training.rate:.6g}")
        line["images_per_second"] = round(
            tally.images * self.desk.ranks.count / max(1e-9, tally.seconds), 2
        )
        line["waiting"] = round(tally.waited / max(1e-9, tally.seconds), 4)
        self.desk.write(line)
        self.desk.watcher.logged(line)
        tally.clear()
        if training.partner is not None and training.partner.won(means, training.step):
            won = f"discriminator right in {means[ACCURACY]:.0%} of places"
            self.desk.alarm(training.step, {"discriminator-won": won})


class Validator(Listener):
    """Looks at tiles every so many steps and at the end, keeps the best network, and asks to stop
    when nothing gets better.
    """

    def __init__(
        self, desk: RunContext, sources: Mapping[int, Source], labels: Told | None = None
    ) -> None:
        self.desk, self.sources, self.config = desk, sources, desk.run.config.validation
        self.labels = labels

    def stepped(self, training: Training, tally: Meter) -> None:
        """See `Listener.stepped`."""
        if training.step % self.config.every == 0:
            self._look(training, tally)

    def ended(self, training: Training, tally: Meter) -> None:
        """See `Listener.ended`."""
        if training.done and not (self.desk.scores and self.desk.scores[-1].step == training.step):
            self._look(training, tally)

    def _look(self, training: Training, tally: Meter) -> None:
        checked(training, tally, self.desk.ranks.mean)
        if self.desk.ranks.first:
            self._score(training)
        tally.stop = self.desk.ranks.agree(tally.stop or self.desk.exhausted())

    def _score(self, training: Training) -> None:
        desk = self.desk
        score, picture = self._looked(training)
        desk.scores.append(score)
        best = desk.best is score
        desk.write(
            {"step": score.step, "psnr_y": score.psnr_y}
            | {f"psnr_y/x{scale}": value for scale, value in score.scales.items()}
            | {f"psnr_y/{k}": v for k, v in score.degraders.items()}
        )
        if training.partner is not None:
            picture = self._partner(training, training.partner, picture)
        if picture is not None:
            desk.folder.write_picture(score.step, encode_png(picture))
            desk.board.picture(picture, score.step)
        if best:
            keep_degradation(desk.folder, training, "best")
            desk.folder.write_checkpoint(
                "best", training.result.state_dict(), desk.run, training.step, score
            )
        desk.watcher.validated(score, best=best)

    def _looked(self, training: Training) -> tuple[Score, Image | None]:
        """What the tiles of each scale say, together."""
        found = {}
        for scale, source in self.sources.items():
            network = training.result
            if isinstance(network, MultiScale):
                network = network.at(scale)
            found[scale] = look(
                network,
                source,
                scale,
                training.step,
                self.config.pictures,
                training.device,
                self.labels,
            )
        return together(found)

    def _partner(self, training: Training, partner: Partner, picture: Image | None) -> Image | None:
        """Alarms about what the partner makes, and the picture with real and made LR below."""
        hr = hr_crops(partner, self.sources[self.desk.run.scale], training.config.crop)
        sight = partner.look(hr.to(training.device), training.step)
        if alarms := partner.alarms(sight):
            self.desk.alarm(training.step, alarms)
        if picture is None:
            return None
        return below(picture, real_above_fake(sight))


class Checkpointer(Listener):
    """Writes checkpoints, and last the state, so that no killed run continues from something half
    done.
    """

    def __init__(self, desk: RunContext, feed: Feed) -> None:
        self.desk, self.feed, self.config = desk, feed, desk.run.config.checkpoints

    def stepped(self, training: Training, tally: Meter) -> None:
        """See `Listener.stepped`."""
        if training.step % self.config.every == 0 and not training.done:
            self._keep(training, tally)

    def ended(self, training: Training, tally: Meter) -> None:
        """See `Listener.ended`."""
        self._keep(training, tally)

    def _keep(self, training: Training, tally: Meter) -> None:
        checked(training, tally, self.desk.ranks.mean)
        if not self.desk.ranks.first:
            return
        desk, weights = self.desk, training.result.state_dict()
        score = desk.scores[-1] if desk.scores else None
        if self.config.keep and training.step % self.config.every == 0:
            desk.folder.write_checkpoint(
                f"step-{training.step:07d}", weights, desk.run, training.step, score
            )
        keep_degradation(desk.folder, training, "last")
        desk.folder.write_checkpoint("last", weights, desk.run, training.step, score)
        notes = {
            "feed": self.feed.state(),
            "scores": [score.model_dump() for score in desk.scores],
            "tally": tally.state(),
        }
        desk.folder.write_state(state_bytes(training, notes))
        desk.folder.prune(self.config.keep)
        desk.watcher.kept(training.step)


def keep_degradation(folder: Folder, training: Training, which: str) -> None:
    """What the partner has learned, if there is one, beside the checkpoint of that name."""
    if training.partner is not None:
        folder.write_degradation(which, training.partner.checkpoint())


def take_up(desk: RunContext, notes: dict[str, Any], step: int, device: str) -> Meter:
    """Bring log, scores and sums to where a state was taken."""
    desk.scores = [Score.model_validate(score) for score in notes["scores"]]
    desk.lines = desk.folder.read_metrics(step)
    tally = Meter()
    tally.steps = notes["tally"]["steps"]
    tally.sums = {
        name: torch.tensor(value, device=device) for name, value in notes["tally"]["sums"].items()
    }
    return tally
