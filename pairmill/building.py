"""Building and previewing from Python, in this process or in worker processes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairmill.corpus import Corpus, Place
from pairmill.models.device import resolve_device
from pairmill.pipeline.build.libraries import check_libraries
from pairmill.pipeline.build.plan import (
    BuildPlan,
    find_corpus,
    make_planned,
    plan_build,
    renewed,
)
from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.recipe.load import checked, load_recipe
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.execution import (
    ProcessExecutor,
    SerialExecutor,
    local_profile,
    runner,
)
from pairmill.pipeline.runner.stage import Profile, Run, Stage
from pairmill.pipeline.runner.threads import single_thread
from pairmill.pipeline.runner.timings import Timings
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import POOLS, making
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.chain_fit import ChainFitConfig
from pairmill.schemas.errors import UserError
from pairmill.schemas.preview import PreviewData
from pairmill.schemas.recipe import Recipe

if TYPE_CHECKING:
    from pairmill.pipeline.fitted.run import FittedChain

Progress = Callable[[str, float, int], None]
"""Called with the title of a stage, how many of its units are done, and how many there are."""
AnyRecipe = Place | Recipe | Mapping[str, Any]
"""A YAML file, whose relative patterns start at its folder; or a recipe or the values of one, whose
patterns start at the current folder."""


def build(
    recipe: AnyRecipe,
    workspace: Place = "data",
    *,
    limit: int | None = None,
    device: str = "cpu",
    workers: int = 1,
    progress: Progress | None = None,
) -> Corpus:
    """Build the corpus of a recipe, or find it; the version is the one that `pairmill build` makes.

    Whatever is finished already is found, so a build that was interrupted continues. A recipe's
    `train` is not followed.

    Args:
        recipe: YAML file, recipe, or the values of one.
        workspace: Folder or URL that gets stages and corpora.
        limit: Maximum number of images per role: a small run on the same path, as a corpus of its
            own name.
        device: Where kernels are estimated and networks fitted: `cpu`, `cuda` or `auto`.
        workers: Processes; one works in this process. A script that asks for more must start under
            `if __name__ == "__main__":`, as it is imported by them.
        progress: Hears how each stage continues; `print` will do.

    Raises:
        UserError: if recipe, images or device are wrong, or an extra is not installed.
        BusyError: if another process builds this corpus, or `gc` is deleting.
        StoreError: if the workspace fails.
    """
    chosen, base, _ = _read(recipe)
    storage = Storage(fspath(workspace))
    plan = plan_build(chosen, base, storage, limit)
    manifest = find_corpus(plan, storage)
    if manifest is not None:
        return Corpus(storage, manifest)
    check_libraries(chosen)
    profile = local_profile(storage.url, resolve_device(device), _checked(workers))
    executor = ProcessExecutor(workers) if workers > 1 else SerialExecutor()
    heard = _Heard(progress)
    return _built(plan, profile, runner(profile, executor, heard), heard)


def _built(plan: BuildPlan, profile: Profile, run: Run, timings: Timings) -> Corpus:
    started, storage = now(), Storage(profile.workspace)
    with making(storage, plan.recipe.name) as lock, single_thread():
        made = make_planned(renewed(plan, storage), run)
        processes = f"{profile.workers} process{'es' * (profile.workers > 1)}"
        about = circumstance(started, processes, "", tuple(timings.rows))
        lock.check()
        return Corpus(storage, publish(made, profile, about, write_report))


class _Heard(Timings):
    """Keeps times, and passes on how stages go."""

    def __init__(self, progress: Progress | None) -> None:
        super().__init__()
        self.progress = progress
        self.done, self.units = 0.0, 0

    def started(self, stage: Stage[Any, Any, Any, Any, Any], units: int, todo: int) -> None:
        """See `ProgressListener.started`."""
        self.done, self.units = float(units - todo), units
        self.advanced(stage, 0.0)

    def advanced(
        self,
        stage: Stage[Any, Any, Any, Any, Any],
        units: float,
        note: str = "",  # noqa: ARG002
    ) -> None:
        """See `ProgressListener.advanced`."""
        self.done += units
        if self.progress is not None:
            self.progress(stage.title, round(self.done, 3), self.units)


def _checked(workers: int) -> int:
    if workers < 1:
        raise UserError(
            "a build needs a worker", where="workers", got=str(workers), wanted="1 or more"
        )
    return workers


@dataclass(frozen=True)
class Preview:
    """A page that shows what a recipe's degraders do, and the numbers on it."""

    page: str
    """Path or URL of the page."""
    data: PreviewData
    """All that the page says: programs, pools, expected time and space, warnings."""


def preview(
    recipe: AnyRecipe,
    workspace: Place = "data",
    *,
    images: Sequence[Place] = (),
    draws: int = 3,
    out: Place | None = None,
    workers: int | None = None,
) -> Preview:
    """Draw programs of each degrader, run them on a few images, and estimate what a build costs.

    Nothing is built.

    Args:
        recipe: As for `build`.
        workspace: Folder or URL whose finished stages are looked at.
        images: Images to take instead of the recipe's; relative ones start at the current folder.
        draws: Programs per degrader.
        out: Folder for the page; by default in the workspace.
        workers: Workers that the time is estimated for; all processors without it.

    Raises:
        UserError: if the recipe is wrong or no image can be used.
    """
    from pairmill.pipeline.preview.preview import Request  # late: a build does without
    from pairmill.pipeline.preview.preview import preview as write_preview

    chosen, base, name = _read(recipe)
    given = tuple(fspath(image) for image in images)
    request = Request(chosen, base, name, given, str(Path.cwd()), draws, workers)
    storage = Storage(fspath(workspace))
    target, folder = storage, layout.preview_folder(chosen.name)
    if out is not None:
        target, folder = Storage(fspath(out)), "."
    with single_thread():  # a worker has one too, and times are to be those of workers
        data = write_preview(request, storage, target, folder)
    return Preview(target.path(f"{folder}/index.html"), data)


def fit_chain(
    recipe: AnyRecipe,
    degrader: str,
    workspace: Place = "data",
    *,
    settings: ChainFitConfig | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> FittedChain:
    """Narrow the ranges of a hand-made chain to what makes its LR like the recipe's photographs.

    Whatever is finished already is found, so a fit that was interrupted continues.

    Args:
        recipe: As for `build`.
        degrader: Label of one of its degraders, or a kind: bsrgan, realesrgan, codec, custom.
        workspace: Folder or URL that gets stages.
        settings: How to fit.
        workers: As for `build`.
        progress: As for `build`.

    Returns:
        The chain, the recipe with it, which `build` takes, and the table of before and after.

    Raises:
        UserError: if recipe or degrader are wrong, or photographs too few.
        BusyError: if another process fits a chain of this recipe, or `gc` is deleting.
        StoreError: if the workspace fails.
    """
    from pairmill.pipeline.fitted.run import fit_chain as fitted  # late: a build does without

    chosen, base, _ = _read(recipe)
    storage = Storage(fspath(workspace))
    profile = local_profile(storage.url, "cpu", _checked(workers))
    executor = ProcessExecutor(workers) if workers > 1 else SerialExecutor()
    run = runner(profile, executor, _Heard(progress))
    with making(storage, f"{chosen.name}-chain", POOLS), single_thread():
        return fitted(chosen, base, degrader, run, storage, settings or ChainFitConfig())


def _read(recipe: AnyRecipe) -> tuple[Recipe, str, str]:
    """The recipe, the folder that its relative patterns start at, and what its file is called."""
    if isinstance(recipe, str | PathLike):
        path = Path(recipe)
        return *load_recipe(str(path)), path.name
    if not isinstance(recipe, Recipe):
        recipe = checked(Recipe, dict(recipe), "the recipe's values")
    return recipe, str(Path.cwd()), recipe.name
