"""What a fit of a learned degradation has come to, as a table."""

from __future__ import annotations

from pairmill.flows import terminal
from pairmill.flows.cli.build import make_pool
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.stages import fit_pdm as fitting
from pairmill.pipeline.stages import pool_pdm
from pairmill.pipeline.stages.checkpoint import CHECKPOINT
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.pdm import PdmGateConfig, PdmManifest


def fit_pdm(
    recipe_path: str, workspace: str, engine: str, workers: int | None, device: str
) -> None:
    """Fit, or find the fit, and show the verdict."""
    recipe, _ = load_recipe(recipe_path)
    key = make_pool("pdm", recipe_path, workspace, engine, workers, device)
    storage = Storage(workspace)
    manifest = PdmManifest.model_validate_json(
        storage.read(layout.stage_manifest(pool_pdm.STAGE.name, key))
    )
    show(manifest, recipe.pdm.gates)
    folder = layout.unit_folder(fitting.STAGE.name, manifest.unit)
    terminal.line(f"  pictures   {storage.path(folder)}/grid-*.png (real above, drawn below)")
    terminal.line(f"  checkpoint {storage.path(folder)}/{CHECKPOINT}\n")


def show(manifest: PdmManifest, gates: PdmGateConfig) -> None:
    """The measures against the gates, and what to do about those that failed."""
    measures, verdict = manifest.verdict.measures, manifest.verdict
    said = "accepted" if verdict.accepted else f"failed: {', '.join(verdict.reasons)}"
    rows = [] if measures is None else pool_pdm.rows(measures, gates)
    terminal.table(
        f"PDM {manifest.digest[:12]}, x{manifest.scale}: {said}", ["what", "measured", "gate"], rows
    )
    if not verdict.accepted:
        terminal.line(f"  {pool_pdm.refused(manifest, gates).todo}")
