"""A training run: from a training recipe and a corpus version to checkpoints; a run that was killed
is resumed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from pairmill.models.device import resolve_device
from pairmill.models.training.checkpoint import restore
from pairmill.models.training.loop import Meter, train
from pairmill.models.training.training import Training
from pairmill.pipeline.shards.reader import Told
from pairmill.pipeline.training.callbacks import (
    ALARM,
    Checkpointer,
    MetricLogger,
    RunContext,
    Validator,
    take_up,
)
from pairmill.pipeline.training.data import Feed, Source, open_split, spread
from pairmill.pipeline.training.distributed import SingleProcess, ranks
from pairmill.pipeline.training.folder import STATE, Folder, check_same
from pairmill.pipeline.training.joint import Joint, check_reals, read_joint
from pairmill.pipeline.training.labels import open_both
from pairmill.pipeline.training.start import begin, parameters
from pairmill.pipeline.training.tensorboard import Board
from pairmill.pipeline.training.versions import check_apart, trained_on, versions_of
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.pipeline.workspace.lock import GC, holding, refuse
from pairmill.pipeline.workspace.provenance import now, software
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.training import Score, TrainConfig, TrainingRun

TRAIN = "train-"
"""Name of the lock of a run."""


@dataclass(frozen=True)
class Trained:
    """What a run has come to."""

    run: TrainingRun
    folder: Folder
    step: int
    """Steps made in all."""
    made: int
    """Steps made now."""
    scores: list[Score]
    """All validations."""
    stopped: str
    """Why it ended before its last step; empty if it did not."""
    judged: bool
    """Whether validation tells which network is the best one: not in joint training, where its LR
    are no photographs."""

    @property
    def chosen(self) -> str:
        """The checkpoint to go on with."""
        return "best" if self.best is not None and self.judged else "last"

    @property
    def alarms(self) -> tuple[str, ...]:
        """What joint training complained of at the last step, a few words each."""
        last = [line for line in self.folder.read_metrics(self.step) if line["step"] == self.step]
        return tuple(
            f"{key.removeprefix(ALARM)}: {words}"
            for line in last
            for key, words in line.items()
            if key.startswith(ALARM)
        )

    @property
    def best(self) -> Score | None:
        """The best validation; the first of equals."""
        return max(self.scores, key=lambda score: (score.psnr_y, -score.step), default=None)


def train_run(
    config: TrainConfig,
    base: str,
    storage: Storage,
    device: str = "cpu",
    watcher: TrainingListener | None = None,
) -> Trained:
    """Train, or continue a run that was killed, or find a finished one.

    On the CPU with one thread the result is the same, bit for bit, however often the run was
    killed.

    Args:
        config: the training recipe.
        base: folder that relative files start at.
        storage: the workspace.
        device: `cpu`, `cuda` or `auto`.
        watcher: who is notified how it progresses.

    Raises:
        UserError: if corpus, network and recipe do not fit together.
        DivergedError: if a loss is no number any more; the last checkpoint is as it was.
        StoreError: if there is no space left; the last checkpoint is as it was.
    """
    together = ranks(resolve_device(device), partial=bool(config.corpora))
    with _alone(storage, config, together):
        watcher = watcher or TrainingListener()
        opened = _open(config, base, storage, together, watcher)
        desk, training, start = opened.desk, opened.training, opened.training.step
        if together.first:
            desk.folder.write_run(desk.run)
        stopped = desk.exhausted()
        if not training.done and not stopped:
            stopped = _train(opened, storage.local and together.first)
        made = training.step - start
        return Trained(
            desk.run, desk.folder, training.step, made, desk.scores, stopped, opened.judged
        )


def _train(opened: Opened, boarding: bool) -> str:
    """All steps that are left; says why it ended before the last one."""
    desk, training = opened.desk, opened.training
    if boarding:
        desk.board = Board(f"{desk.folder.path}/tensorboard", training.step)
    desk.watcher.begun(desk.run, desk.folder.path, training.step)
    listeners = [
        MetricLogger(desk),
        Validator(desk, opened.validated, opened.labels),
        Checkpointer(desk, opened.feed),
    ]
    try:
        train(training, opened.feed, listeners, opened.tally)
    finally:
        opened.feed.close()
        desk.board.close()
        desk.watcher.ended()
    return "" if training.done else opened.tally.stop


@dataclass
class Opened:
    """A run at the step that its state says, or at step 0."""

    desk: RunContext
    training: Training
    feed: Feed
    validated: dict[int, Source]
    """By scale."""
    labels: Told | None
    """How their LR were made, for a network that is told."""
    tally: Meter
    judged: bool
    """See `Trained`."""


def _alone(
    storage: Storage, config: TrainConfig, together: SingleProcess
) -> AbstractContextManager[object]:
    if not together.first:
        return nullcontext()
    refuse(storage, GC)
    return holding(storage, f"{TRAIN}{config.name}", f"training of {config.name}")


def check(config: TrainConfig, storage: Storage) -> None:
    """Tell at once what does not fit, as far as the manifest of the corpus and the record of the
    run say it.

    Raises:
        UserError: as `train_run`.
    """
    versions_of(storage, config, _known(config, Folder(storage, config.name)))


def _known(config: TrainConfig, folder: Folder) -> TrainingRun | None:
    """The run that this one continues; one that ended before its first checkpoint binds
    nobody.
    """
    known = folder.read_run() if folder.kept() else None
    if known is not None:
        check_same(known, config, folder.path)
    return known


def _open(
    config: TrainConfig,
    base: str,
    storage: Storage,
    together: SingleProcess,
    watcher: TrainingListener,
) -> Opened:
    folder = Folder(storage, config.name)
    known = _known(config, folder)
    versions = versions_of(storage, config, known)
    scale = max(versions)
    manifest = versions[scale]
    sources, validated = (
        {each: open_split(storage, version, split) for each, version in versions.items()}
        for split in ("train", config.validation.split)
    )
    if config.validation.split != "train":
        check_apart(sources, validated)
    joint = read_joint(config, base, storage, manifest, scale)
    _alone_if(joint, together)
    state = folder.read_state()
    labels = open_both(config, storage, manifest, scale)
    training = begin(
        config,
        base,
        scale,
        together.device,
        together.wrap,
        joint,
        fresh=state is None,
        kernels=labels.kernels(),
    )
    if known is not None:
        check_reals(known, joint)
        run = known.with_(config=config)
    else:
        *smaller, last = (trained_on(version) for version in versions.values())
        run = TrainingRun(
            config=config,
            **last.model_dump(),
            scale=scale,
            smaller=dict(zip(versions, smaller, strict=False)),
            parameters=parameters(training.network),
            real=joint.digest if joint is not None else None,
            started=now(),
            software=software(),
        )
    desk = RunContext(run, folder, together, Board(), watcher)
    notes = None
    if state is not None:
        notes = _restored(training, state, folder)
    if notes:
        tally = take_up(desk, notes, training.step, training.device)
    else:
        tally = Meter()
    feed = Feed(
        config,
        sources,
        training.step,
        notes["feed"] if notes else None,
        pin=together.device != "cpu",
        margin=training.partner.margin if training.partner is not None else None,
        labels=labels.train,
    )
    judged = joint is None or _photographed(manifest, validated[scale])
    looked_at = {
        each: spread(source, config.validation.images) for each, source in validated.items()
    }
    return Opened(desk, training, feed, looked_at, labels.validation, tally, judged)


def _photographed(manifest: CorpusManifest, source: Source) -> bool:
    """Whether all LR of a split are photographs."""
    real = {
        degrader.get("name") or degrader["kind"]
        for degrader in manifest.identity.recipe["degraders"]
        if CONFIGS[degrader["kind"]].own_hr
    }
    return set(source.degraders.tolist()) <= real


def _alone_if(joint: Joint | None, together: SingleProcess) -> None:
    """Joint training is for one process.

    Raises:
        UserError: if there are several.
    """
    if joint is not None and together.count > 1:
        raise UserError(
            "joint training runs in one process",
            where="joint",
            got=f"{together.count} processes",
            todo="start it without torchrun",
        )


def _restored(training: Training, state: bytes, folder: Folder) -> dict[str, Any]:
    try:
        return restore(training, state)
    except ValueError as error:
        raise IntegrityError(
            "the state of a training run cannot be resumed",
            where=f"{folder.path}/{STATE}",
            got=str(error),
            todo="delete this file to start afresh, or give the run another name",
        ) from error
