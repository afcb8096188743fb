"""From a corpus version to a trained network and a page of its evaluation."""

from __future__ import annotations

from collections.abc import Callable

from pairmill.flows.progress import heard, listener
from pairmill.flows.tracker import RunInfo, Tracker
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.evaluate.run import Advanced, evaluate_on_corpus
from pairmill.pipeline.runner.listeners import under_way
from pairmill.pipeline.runner.stage import ProgressListener
from pairmill.pipeline.training.recipe import on_version
from pairmill.pipeline.training.run import Trained, train_run
from pairmill.pipeline.training.watch import INTERRUPTED
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import EvaluationConfig, InferenceConfig
from pairmill.schemas.training import TrainConfig


def run_info(
    recipe_path: str, workspace: str, device: str, limit: int | None, corpus: str
) -> RunInfo:
    """What a history shows of a training."""
    parameters = {
        "recipe_path": recipe_path,
        "workspace": workspace,
        "device": device,
        "limit": limit,
        "corpus": corpus,
    }
    return RunInfo("train", f"train-{recipe_path}", parameters)


def train_network(
    config: TrainConfig,
    base: str,
    storage: Storage,
    device: str,
    tracker: Tracker,
    corpus: str = "",
) -> tuple[Trained, str]:
    """Train a network, or continue a run that was killed, and evaluate it.

    Args:
        config: Training recipe.
        base: Folder that its relative files start at.
        storage: The workspace.
        device: `cpu`, `cuda` or `auto`.
        tracker: Carries the steps, and shows what came of them.
        corpus: Version to train on instead of the recipe's; the run gets a name of its own.

    Returns:
        The run, and the page of its evaluation; empty if the run was interrupted.
    """
    if corpus:
        config = on_version(config, find_version(storage, corpus))
    trained = tracker.step("train", lambda: train_run(config, base, storage, device, heard.get()))
    if trained.stopped == INTERRUPTED:
        return trained, ""
    page = tracker.step("evaluate", lambda: _evaluated(storage, trained, base, device))
    tracker.trained(trained, page)
    return trained, page


def _evaluated(storage: Storage, trained: Trained, base: str, device: str) -> str:
    """The page of the network to go on with, on the split that was validated, and of joint
    training on its real photographs; found if it is of these very weights.
    """
    run = trained.run
    checkpoint = trained.folder.checkpoint(trained.chosen)
    page = f"{layout.evaluation_folder(run.config.name)}/index.html"
    if not trained.made and storage.exists(page):
        return storage.path(page)
    limits = EvaluationConfig(
        limit=run.config.validation.images,
        labels=run.config.labels,
        inference=InferenceConfig.model_validate({"device": device}),
    )
    with under_way(listener.get() or ProgressListener(), "evaluate") as next_:
        _, page = evaluate_on_corpus(
            checkpoint,
            f"{run.corpus}@{run.version}",
            storage,
            run.config.name,
            split=run.config.validation.split,
            config=limits,
            advanced=_each_tenth(next_),
            base=base,
            real=run.config.joint.real if run.config.joint is not None else (),
            notes=tuple(f"Alarm at the last step, {words}." for words in trained.alarms),
        )
    return storage.path(page)


def _each_tenth(said: Callable[[str], None]) -> Advanced:
    """Says how many images are done, ten times in all, so that logs stay short."""
    last = -1

    def advanced(done: int, total: int, name: str) -> None:  # noqa: ARG001
        nonlocal last
        tenth = 10 * done // max(1, total)
        if tenth > last:
            last = tenth
            said(f"{done} of {total} images")

    return advanced
