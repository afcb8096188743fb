"""The main flow: recipe and images in, sealed corpus out; and a flow that stops at the pools."""

from __future__ import annotations

import base64

from flows.quiet import settle

settle()

from prefect import flow  # noqa: E402
from prefect.artifacts import create_markdown_artifact  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402

from flows.session import carrying, stage_task  # noqa: E402
from pipeline import provenance  # noqa: E402
from pipeline.build import limited, make, make_compression, make_kernels, make_noise, make_pdm  # noqa: E402
from pipeline.corpora.seal import seal_corpus  # noqa: E402
from pipeline.recipes import load_recipe  # noqa: E402
from pipeline.report.sheet import contact_sheet  # noqa: E402
from pipeline.stages import clean_up, ingest  # noqa: E402
from pipeline.storage import Storage  # noqa: E402
from schemas.corpus import CorpusManifest  # noqa: E402
from schemas.hr import CutConfig  # noqa: E402


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
    started = provenance.now()
    with carrying(workspace, engine_address, workers, device) as session:
        made = make(limited(recipe, limit), base, session.run, limit)
        run_id = str(flow_run.id or "")
        circumstance = provenance.circumstance(started, session.title, run_id, tuple(session.timings.rows))
        manifest: CorpusManifest = stage_task("seal corpus")(lambda: seal_corpus(made, session.profile, circumstance))()
    publish_contact_sheet(Storage(workspace), manifest)
    return manifest


@flow(name="pools", flow_run_name="{kind}-{recipe_path}", validate_parameters=False)
def pools(
    kind: str, recipe_path: str, workspace: str = "data", engine_address: str = "local", workers: int | None = None,
    device: str = "cpu",
) -> str:  # fmt: skip
    """Run a recipe up to its kernel pool (`kernels`), noise pool (`noise`), compression pool (`compression`) or PDM (`pdm`).

    Returns:
        The pool's stage key.
    """
    recipe, base = load_recipe(recipe_path)
    with carrying(workspace, engine_address, workers, device) as session:
        images = session.run(ingest.STAGE, ingest.find(recipe.images, base), recipe.ingest).manifest
        if kind == "compression":
            return make_compression(recipe, images, session.run).key
        if kind == "pdm":
            hr = session.run(clean_up.STAGE, images, CutConfig(clean_up=recipe.clean_up, tiles=recipe.tiles)).manifest
            return make_pdm(recipe, images, hr, session.run).key
        maker = make_kernels if kind == "kernels" else make_noise
        return maker(recipe, images, session.run).key


def publish_contact_sheet(storage: Storage, manifest: CorpusManifest) -> None:
    """Show the corpus in Prefect: a few pairs, the counts, and where it lies."""
    picture = base64.b64encode(contact_sheet(storage, manifest, 6)).decode()
    rows = "\n".join(f"| {name.replace('_', ' ')} | {count} |" for name, count in manifest.counts.items())
    name = manifest.identity.name
    create_markdown_artifact(
        f"# {name}@{manifest.version}\n\n![pairs](data:image/png;base64,{picture})\n\n| what | count |\n|---|---|\n{rows}\n",
        key=f"corpus-{name.replace('_', '-')}",
        description=f"{sum(manifest.identity.samples.values())} pairs",
    )
