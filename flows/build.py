"""The main flow: recipe and images in, sealed corpus out; and a flow that stops at the pools."""

from __future__ import annotations

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect import flow  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402

from pairmill.flows.prefect_support.artifacts import publish as publish_artifacts  # noqa: E402
from pairmill.flows.session import carrying, stage_task  # noqa: E402
from pairmill.pipeline.build.build import limited, make  # noqa: E402
from pairmill.pipeline.build.pinned_pools import pinned_pools  # noqa: E402
from pairmill.pipeline.build.previous_splits import earlier_keys  # noqa: E402
from pairmill.pipeline.build.publish import publish  # noqa: E402
from pairmill.pipeline.build.select_images import select_images  # noqa: E402
from pairmill.pipeline.pools.base import Making  # noqa: E402
from pairmill.pipeline.pools.make_pools import make_pool  # noqa: E402
from pairmill.pipeline.recipe.load import load_recipe  # noqa: E402
from pairmill.pipeline.report.write import write_report  # noqa: E402
from pairmill.pipeline.training.recipe import TRIAL, following  # noqa: E402
from pairmill.pipeline.workspace import provenance  # noqa: E402
from pairmill.pipeline.workspace.lock import POOLS, making  # noqa: E402
from pairmill.pipeline.workspace.storage import Storage  # noqa: E402
from pairmill.schemas.corpus import CorpusManifest  # noqa: E402


@flow(name="build", flow_run_name="build-{recipe_path}", validate_parameters=False)
def build(
    recipe_path: str,
    workspace: str = "data",
    engine_address: str = "local",
    workers: int | None = None,
    limit: int | None = None,
    device: str = "cpu",
) -> CorpusManifest:
    """Run all stages of a recipe and seal a version.

    Args:
        recipe_path: YAML file.
        workspace: Folder or fsspec URL of the workspace.
        engine_address: `local` or the address of a Dask scheduler.
        workers: Number of local workers; none means one per processor.
        limit: Most images per role; the corpus gets a name of its own.
        device: `cpu`, `cuda` or `auto`, for kernel estimation.

    Returns:
        The manifest of the version.
    """
    recipe, base = load_recipe(recipe_path)
    training = following(recipe, base)
    started = provenance.now()
    whole, storage = limited(recipe, limit), Storage(workspace)
    with (
        making(storage, whole.name) as lock,
        carrying(workspace, engine_address, workers, device) as session,
    ):
        earlier = earlier_keys(storage, recipe, whole.name)
        made = make(whole, base, session.run, limit, pinned_pools(storage, recipe), earlier)
        run_id = str(flow_run.id or "")
        circumstance = provenance.circumstance(
            started, session.title, run_id, tuple(session.timings.rows)
        )
        lock.check()
        manifest: CorpusManifest = stage_task("seal corpus")(
            lambda: publish(made, session.profile, circumstance, write_report)
        )()
    publish_artifacts(storage, manifest)
    if training:
        from pairmill.flows.train import train

        train(
            training,
            workspace,
            device,
            None if limit is None else TRIAL,
            f"{manifest.identity.name}@{manifest.version}",
        )
    return manifest


@flow(name="pools", flow_run_name="{kind}-{recipe_path}", validate_parameters=False)
def pools(
    kind: str,
    recipe_path: str,
    workspace: str = "data",
    engine_address: str = "local",
    workers: int | None = None,
    device: str = "cpu",
) -> str:
    """Run a recipe up to one kind of pool, see `pairmill.pipeline.pools.POOLS`.

    Returns:
        The pool's stage key.
    """
    recipe, base = load_recipe(recipe_path)
    lock = making(Storage(workspace), f"{recipe.name}-{kind}", POOLS)
    with lock, carrying(workspace, engine_address, workers, device) as session:
        earlier = earlier_keys(Storage(workspace), recipe, recipe.name)
        images = select_images(recipe, base, session.run, None, earlier).images.manifest
        pools_made = Making(recipe=recipe, images=images, base=base, run=session.run)
        return make_pool(kind, pools_made).key
