"""What a fit of ReDegNet has come to, as a table."""

from __future__ import annotations

from pairmill.flows import terminal
from pairmill.flows.cli.build import make_pool
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.stages import fit_redegnet as fitting
from pairmill.pipeline.stages import pool_redegnet
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.redegnet import RedegnetConfig, RedegnetManifest


def fit_redegnet(
    recipe_path: str, workspace: str, engine: str, workers: int | None, device: str
) -> None:
    """Fit, or find the fit, and show the verdict."""
    recipe, _ = load_recipe(recipe_path)
    if recipe.redegnet.vgg_weights is None:
        terminal.line("  no redegnet.vgg_weights: the perceptual and the style loss are off")
    key = make_pool("redegnet", recipe_path, workspace, engine, workers, device)
    storage = Storage(workspace)
    manifest = RedegnetManifest.model_validate_json(
        storage.read(layout.stage_manifest(pool_redegnet.STAGE.name, key))
    )
    show(manifest, recipe.redegnet)
    folder = storage.path(layout.unit_folder(fitting.STAGE.name, manifest.unit))
    terminal.line(
        f"  pictures   {folder}/grid-*.png (HQ, real LQ, made with its own representation, with "
        "another's)"
    )
    terminal.line(f"  networks   {folder}/{fitting.NETWORKS} (for redegnet.from_checkpoint)\n")


def show(manifest: RedegnetManifest, config: RedegnetConfig) -> None:
    """The measures against the gates, and what to do about those that failed."""
    measures, verdict = manifest.verdict.measures, manifest.verdict
    said = "accepted" if verdict.accepted else f"failed: {', '.join(verdict.reasons)}"
    rows = (
        []
        if measures is None
        else pool_redegnet.rows(measures, config.gates, specific=config.use == "specific")
    )
    title = f"ReDegNet {manifest.digest[:12]}, {manifest.count} degradations: {said}"
    terminal.table(title, ["what", "measured", "gate"], rows)
    if not verdict.accepted:
        terminal.line(f"  {pool_redegnet.refused(manifest, config.gates).todo}")
