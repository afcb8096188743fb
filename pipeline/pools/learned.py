"""What the kinds of pools share that come of a learned degradation: a fit, gates that it must pass
before it is drawn from, and what a report and a terminal say of both.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.pools.base import PoolKind, PoolTable, Showing
from pairmill.pipeline.runner.stage import Stage
from pairmill.pipeline.stages.learned_pool import Gates, Verdict
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.recipe import Recipe

Rows = list[tuple[str, str, str]]
Charts = tuple[tuple[str, str, Mapping[str, str]], ...]
"""Title, unit, and by column of the curves the name to show."""


L = TypeVar("L", bound=Frozen)
"""The manifest of a judged fit, with a `verdict` and the `unit` of the fit."""


class LearnedKind(PoolKind[L]):
    """A pool that holds the checkpoint of a fit, (1, bytes) uint8."""

    origin = "Fitted to"
    fitted = True

    title: ClassVar[str]
    """Such as `PDM`."""
    noun: ClassVar[str]
    """What a sample of the fit is, such as `crops`."""
    caption: ClassVar[str]
    """What the rows of the images of a check are."""
    columns: ClassVar[Sequence[str]]
    """Columns of the curves of the fit."""
    files: ClassVar[Sequence[tuple[str, str]]]
    """Files of the fit's unit to point at in a terminal: terms, and names with a word."""
    fit_stage: Stage[Any, Any, Any, Any, Any]
    gates: Gates[Any, Any]

    @abstractmethod
    def section(self, recipe: Recipe) -> Any:
        """Its section of the recipe, with `samples`, `batch` and `gates`."""

    @abstractmethod
    def rows(self, recipe: Recipe, measures: Any) -> Rows:
        """What was measured and its gate, in words."""

    @abstractmethod
    def charts(self, manifest: L) -> Charts:
        """Charts of its curves."""

    @abstractmethod
    def heading(self, manifest: L) -> str:
        """What was fitted, in a few words."""

    def drawn(self, storage: Storage, manifest: L) -> NDArray[np.floating[Any]] | None:  # noqa: ARG002
        """(N, k, k) kernels that the fit draws, on the HR grid; none if it draws none."""
        return None

    def verdict(self, manifest: Any) -> Verdict:
        """Whether a fit may be drawn from."""
        verdict: Verdict = manifest.verdict
        return verdict

    def unit(self, manifest: Any) -> str:
        """Folder of the unit that the fit has left its files in."""
        return layout.unit_folder(self.fit_stage.name, manifest.unit)

    def measured(self, recipe: Recipe, manifest: L) -> Rows:
        """See `rows`; none if the fit left the finite numbers."""
        measures = self.verdict(manifest).measures
        return [] if measures is None else self.rows(recipe, measures)

    def advice(self, recipe: Recipe, manifest: L) -> str:
        """What to change about a fit that failed; empty if it passed."""
        verdict = self.verdict(manifest)
        if verdict.accepted:
            return ""
        return self.gates.refused(verdict, self.section(recipe)).todo

    def check(self, recipe: Recipe, manifest: L) -> None:
        """A fit that failed is drawn from only where the degrader says so.

        Raises:
            UserError: if it is drawn from all the same.
        """
        verdict = self.verdict(manifest)
        strict = any(
            self.name in degrader.draws_from and not getattr(degrader, "accept_failed", False)
            for degrader in recipe.degraders
        )
        if strict and not verdict.accepted:
            raise self.gates.refused(verdict, self.section(recipe))

    def tables(self, showing: Showing[L]) -> list[PoolTable]:
        """The measures against the gates, and what to do about those that failed."""
        if showing.sealed is None:
            return []
        manifest, recipe = showing.sealed.manifest, showing.making.recipe
        verdict, advice = self.verdict(manifest), self.advice(recipe, manifest)
        said = "accepted" if verdict.accepted else f"failed: {', '.join(verdict.reasons)}"
        rows, folder = self.measured(recipe, manifest), showing.storage.path(self.unit(manifest))
        notes = [f"  {advice}"] if advice else []
        notes += [f"  {term:<10} {folder}/{name}" for term, name in self.files]
        title = f"{self.heading(manifest)}: {said}"
        return [PoolTable(title, ("what", "measured", "gate"), rows, (*notes, ""))]
