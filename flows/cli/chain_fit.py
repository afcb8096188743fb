"""`pairmill fit chain`: a hand-made chain narrowed to what makes its LR like the photographs."""

from __future__ import annotations

from pathlib import Path

from pairmill.flows import terminal
from pairmill.flows.tracker import RunInfo
from pairmill.pipeline.fitted.choose import chosen
from pairmill.pipeline.fitted.recipe_text import recipe_text
from pairmill.pipeline.fitted.run import FittedChain
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.recipe.yaml_text import load_yaml
from pairmill.schemas.chain_fit import ChainFitConfig, ChainFitReport
from pairmill.schemas.errors import UserError

UNCHANGED = 0.995
"""Share kept above which a setting counts as left alone."""


def run_chain_fit(
    recipe_path: str,
    degrader: str,
    out: str,
    workspace: str,
    engine: str,
    workers: int | None,
    config: ChainFitConfig,
) -> FittedChain:
    """Fit, print the table, and write the recipe.

    Raises:
        UserError: if recipe, degrader, photographs or `out` are wrong.
    """
    recipe, base = load_recipe(recipe_path)
    chosen(recipe, degrader)  # mistakes are reported before anything heavy is imported
    target = _free(out)

    from pairmill.flows.chain_fit import fit_chain_of
    from pairmill.flows.cli.carried import carried
    from pairmill.flows.engine import EngineChoice
    from pairmill.pipeline.workspace.lock import check_room
    from pairmill.pipeline.workspace.storage import Storage

    check_room(Storage(workspace))
    choice = EngineChoice(engine, workers, "cpu")
    parameters = {"recipe_path": recipe_path, "degrader": degrader, "workspace": workspace}
    info = RunInfo("pools", f"chain-{recipe_path}", parameters)
    fitted = carried(
        info,
        lambda tracker: fit_chain_of(recipe, base, degrader, workspace, choice, tracker, config),
    )
    written = load_yaml(Path(recipe_path).expanduser().read_text("utf-8"), recipe_path)
    target.write_text(recipe_text(fitted, written, base, str(target.parent)), "utf-8")
    show(fitted.report)
    terminal.line(f"\n  recipe   {target}\n  next     pairmill preview {target}")
    return fitted


def _free(out: str) -> Path:
    target = Path(out).expanduser()
    if target.exists():
        raise UserError(
            "this file is there already",
            where=f"--out {out}",
            todo="name another one, or remove it",
        )
    if not target.parent.is_dir():
        raise UserError("there is no such folder", where=f"--out {out}", got=str(target.parent))
    return target


def show(report: ChainFitReport) -> None:
    """The table of before and after, and the distances."""
    rows = [
        [row.path, row.before, row.after, "" if row.kept > UNCHANGED else f"{row.kept:.0%}"]
        for row in report.settings
    ]
    title = f"{report.degrader}, fitted to {report.photographs} photographs"
    terminal.table(title, ["setting", "before", "after", "kept"], rows)
    terminal.table(
        "Fréchet distance; lower is nearer",
        ["LR of", "to the camera", "to the photographs"],
        [[row.label, f"{row.camera:.2f}", _number(row.photographs)] for row in report.distances],
    )
    for note in report.notes:
        terminal.warning(note)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
