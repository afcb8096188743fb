"""What the stages share that judge a fit by its gates and seal its checkpoint with the verdict: a
checkpoint is a pool of one, (1, bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import write_pool
from pairmill.pipeline.runner.stage import Context, Unit
from pairmill.pipeline.stages.checkpoint import read_checkpoint
from pairmill.pipeline.workspace import layout
from pairmill.schemas.errors import UserError
from pairmill.schemas.learned import UnpairedMeasures
from pairmill.schemas.work import Payload

Ms = TypeVar("Ms", contravariant=True)
G = TypeVar("G", contravariant=True)
R = TypeVar("R")


class AucGate(Protocol):
    """Gates that ask for an AUC."""

    @property
    def max_auc(self) -> float:
        """Largest one; 1 asks for none."""


class JudgePayload(Payload):
    """One fit."""

    ref: Any
    """What was fitted: a `PdmFitRef` or the like, with the `key` of its unit and a `fit`."""

    @property
    def label(self) -> str:
        """See `Payload.label`."""
        return f"checkpoint {self.ref.fit.digest[:12]}"

    def identity(self) -> Any:
        """See `Payload.identity`."""
        return [self.ref.key, self.ref.fit.digest]


def plan(ref: Any, config: Any) -> list[JudgePayload]:
    """One unit per fit."""
    return [JudgePayload(ref=ref)]


def pool_checkpoint(
    unit: Unit[JudgePayload], context: Context, fit_stage: str, kind: str
) -> NDArray[np.uint8]:
    """Write the checkpoint of a fit as a pool of one into the unit; its items."""
    ref = unit.payload.ref
    items = read_checkpoint(context.storage, fit_stage, ref.key, ref.fit.digest)
    group = f"{layout.unit_folder(context.stage, unit.key)}/pool.zarr"
    write_pool(context.storage, group, kind, items, {})
    return items


def link_pools(
    units: Sequence[Unit[JudgePayload]], context: Context, key: str, names: Sequence[str]
) -> None:
    """Give the pools of a unit their place."""
    for name in names:
        source = f"{layout.unit_folder(context.stage, units[0].key)}/{name}.zarr"
        context.storage.link_tree(source, layout.pool_group(context.stage, key, name))


def seal(
    units: Sequence[Unit[JudgePayload]],
    records: Sequence[R],
    config: Any,
    context: Context,
    key: str,
) -> R:
    """Give the checkpoint its place."""
    link_pools(units, context, key, ("pool",))
    return records[0]


MUCH = 0.5
"""Share of the usual samples below which a fit is told that it saw too few."""
Advice = str | Callable[[Any], str]
"""What to change, or what says so of the section of the recipe."""


class Verdict(Protocol):
    """Whether a fit may be drawn from."""

    @property
    def reasons(self) -> Sequence[Any]:
        """Gates that it failed."""

    @property
    def measures(self) -> Any:
        """What was measured; none if the fit left the finite numbers."""

    @property
    def accepted(self) -> bool:
        """Whether it passed all gates."""


def usual_samples(settings: Any) -> int:
    """Samples of a fit that says nothing of them."""
    return int(type(settings).model_fields["samples"].default)


@dataclass(frozen=True)
class Gates(Generic[Ms, G]):
    """The gates of one kind of fit in words; measures and thresholds are those of the kind."""

    name: str
    """Such as `PDM`."""
    section: str
    """Section of the recipe."""
    found: Mapping[Any, Callable[[Ms, G], str]]
    """What was measured, by the reason to refuse the fit."""
    advice: Mapping[Any, Advice]
    """What to change, by reason."""
    usual: Callable[[Any], int] = usual_samples
    """Samples that a fit with such settings sees if they do not say."""

    def refused(self, verdict: Verdict, settings: Any) -> UserError:
        """What to tell somebody whose fit failed: what was measured, and what to change.

        Args:
            verdict: What became of the fit.
            settings: The section of the recipe; nothing is advised that it says already.
        """
        said = [
            self.found[reason](verdict.measures, settings.gates)
            for reason in verdict.reasons
            if verdict.measures is not None
        ]
        return UserError(
            f"the {self.name} fit failed its gates and is not drawn from",
            where=f"recipe section {self.section}",
            got="; ".join(said or ["losses that are not finite"]),
            wanted=f"a fit that passes {self.section}.gates",
            todo="; ".join([*self._sooner(settings), *self._changes(verdict, settings)])
            + "; or set accept_failed: true at the degrader to draw from it all the same",
        )

    def _sooner(self, settings: Any) -> list[str]:
        """A fit that saw far less than usual needs more of it before anything else."""
        usual = self.usual(settings)
        if settings.samples >= MUCH * usual:
            return []
        share = f"{settings.samples:,} is {settings.samples / usual:.1%} of the usual {usual:,}"
        return [f"raise {self.section}.samples first: {share}"]

    def _changes(self, verdict: Verdict, settings: Any) -> list[str]:
        said = (self.advice[reason] for reason in verdict.reasons)
        return list(dict.fromkeys(one if isinstance(one, str) else one(settings) for one in said))


def told_apart(measures: UnpairedMeasures, gates: AucGate) -> str:
    """What was measured of a fit whose patches are distinguished from real ones."""
    telling = ", ".join(measures.telling)
    found = f"an AUC of {measures.auc:.3f}, most {gates.max_auc}"
    return found + (f" (drawn patches have {telling})" if telling else "")


def not_measured(measures: UnpairedMeasures, gates: Any) -> str:
    """What was measured of a fit that has no AUC."""
    real, hr = measures.images
    return f"no AUC, for {real} real and {hr} HR images give too few patches"


def realism_rows(measures: UnpairedMeasures, gates: AucGate) -> list[tuple[str, str, str]]:
    """How real a fit looks, and how much it saw."""
    auc = auc_words(measures.auc, measures.interval)
    return [
        ("AUC, 95 % interval", auc, f"at most {gates.max_auc}"),
        ("told by, with the AUC of each alone", "; ".join(measures.telling) or "–", ""),
        ("AUC at the checks", trend(measures.aucs), ""),
        ("real and HR images", f"{measures.images[0]} and {measures.images[1]}", ""),
        ("crops seen", seen(measures.samples, measures.kept), ""),
    ]


def auc_words(auc: float | None, interval: tuple[float, float] | None) -> str:
    """An AUC and its interval, such as `0.873 (0.81 to 0.93)`."""
    if auc is None or interval is None:
        return "not measured"
    return f"{auc:.3f} ({interval[0]:.2f} to {interval[1]:.2f})"


def share(value: float | None) -> str:
    """A share, such as `87.3%`; a dash where there is none."""
    return "–" if value is None else f"{value:.1%}"


def trend(aucs: Sequence[float | None], most: int = 8) -> str:
    """The last AUCs in a row."""
    return " ".join("–" if value is None else f"{value:.2f}" for value in aucs[-most:])


def seen(samples: int, kept: int) -> str:
    """How much a fit saw, and which check is sealed."""
    return f"{samples:,}" if kept == samples else f"{samples:,}; the check after {kept:,} is sealed"
