"""The flow `train`: a corpus version in, checkpoints and a page of their evaluation out."""

from __future__ import annotations

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect import flow  # noqa: E402

from pairmill.flows.prefect_support.artifacts import publish_training  # noqa: E402
from pairmill.flows.progress import heard  # noqa: E402
from pairmill.flows.session import stage_task  # noqa: E402
from pairmill.pipeline.corpora.log import find_version  # noqa: E402
from pairmill.pipeline.evaluate.run import evaluate_on_corpus  # noqa: E402
from pairmill.pipeline.training.recipe import load_training, on_version  # noqa: E402
from pairmill.pipeline.training.run import Trained, train_run  # noqa: E402
from pairmill.pipeline.training.watch import INTERRUPTED  # noqa: E402
from pairmill.pipeline.workspace import layout  # noqa: E402
from pairmill.pipeline.workspace.storage import Storage  # noqa: E402
from pairmill.schemas.evaluation import EvaluationConfig, InferenceConfig  # noqa: E402


@flow(name="train", flow_run_name="train-{recipe_path}", validate_parameters=False)
def train(
    recipe_path: str,
    workspace: str = "data",
    device: str = "cpu",
    limit: int | None = None,
    corpus: str = "",
) -> tuple[Trained, str]:
    """Train a network, or go on with a run that was killed.

    Args:
        recipe_path: training recipe, a YAML file.
        workspace: folder or fsspec URL of the workspace.
        device: `cpu`, `cuda` or `auto`.
        limit: most steps; the run gets a name of its own.
        corpus: version to train on instead of the recipe's; the run gets a name of its own.

    Returns:
        The run, and the page of its evaluation.
    """
    storage = Storage(workspace)
    config, base = load_training(recipe_path, limit)
    if corpus:
        config = on_version(config, find_version(storage, corpus))
    trained: Trained = stage_task("train")(
        lambda: train_run(config, base, storage, device, heard.get())
    )()
    if trained.stopped == INTERRUPTED:
        return trained, ""
    page = stage_task("evaluate")(lambda: _evaluated(storage, trained, device))()
    publish_training(trained.run, trained.scores, trained.folder.path, page)
    return trained, page


def _evaluated(storage: Storage, trained: Trained, device: str) -> str:
    """The page of the best network on the split that was validated; found if it is of these very
    weights.
    """
    run = trained.run
    checkpoint = trained.folder.checkpoint("best" if trained.best else "last")
    page = f"{layout.evaluation_folder(run.config.name)}/index.html"
    if not trained.made and storage.exists(page):
        return storage.path(page)
    limits = EvaluationConfig(
        limit=run.config.validation.images,
        inference=InferenceConfig.model_validate({"device": device}),
    )
    _, page = evaluate_on_corpus(
        checkpoint,
        f"{run.corpus}@{run.version}",
        storage,
        run.config.name,
        split=run.config.validation.split,
        config=limits,
    )
    return storage.path(page)
