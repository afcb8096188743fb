"""What is to be evaluated on what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pairmill.pipeline.evaluate.networks import Array, Told
from pairmill.pipeline.evaluate.sources import (
    Group,
    corpus_groups,
    guessed_scale,
    hr_folder,
    paired_folders,
    real_images,
)
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import EvaluationConfig


@dataclass(frozen=True)
class Request:
    """What to evaluate on what."""

    checkpoints: tuple[str, ...]
    """Files, or `bicubic`, which takes part in any case."""
    pairs: tuple[tuple[str, str], ...] = ()
    """HR and LR patterns."""
    hr: tuple[str, ...] = ()
    """HR patterns, whose LR is made here."""
    corpora: tuple[tuple[str, str], ...] = ()
    """Corpus versions, and the split of each."""
    real: tuple[str, ...] = ()
    """Patterns of real images."""
    base: str = "."
    """Folder that relative patterns start at."""
    config: EvaluationConfig = field(default_factory=EvaluationConfig)
    """How."""
    told: Told | None = None
    """What networks that take kernels are told of all images; none lets them assume."""
    pca: Array | None = None
    """Components of kernels, for published SRMDs, which lack them."""
    lpips: tuple[str, ...] = ()
    """Weight files of LPIPS; empty leaves it out."""
    niqe: str = ""
    """Parameter file of NIQE."""
    pristine: tuple[str, ...] = ()
    """Pristine images to fit NIQE's parameters to, instead of a file."""
    notes: tuple[str, ...] = ()
    """What else the page says, a sentence each."""
    title: str = ""
    """Name of the evaluation; made of the networks' names without one."""


def groups_of(request: Request, workspace: Storage) -> list[Group]:
    """All that is evaluated on, under names that differ.

    Raises:
        UserError: if it is nothing, or a folder or corpus cannot be used.
    """
    uses = Counter(hr for hr, _ in request.pairs)
    groups = [paired_folders(hr, lr, request.base, by_lr=uses[hr] > 1) for hr, lr in request.pairs]
    labels = request.config.labels == "told"
    groups += [hr_folder(hr, request.base, labels=labels) for hr in request.hr]
    groups += [
        group
        for reference, split in request.corpora
        for group in corpus_groups(workspace, reference, split, labels=labels)
    ]
    groups += [real_images(real, request.base) for real in request.real]
    if not groups:
        raise UserError(
            "nothing to evaluate on",
            wanted="pairs, HR, a corpus or real images",
            todo="name some: --hr FOLDER --lr FOLDER, --corpus NAME@VERSION or --real FOLDER",
        )
    return _renamed(groups)


def _renamed(groups: list[Group]) -> list[Group]:
    """Groups, and cases in each, under names that differ."""
    out, taken = [], dict[str, int]()
    for group in groups:
        taken[group.name] = taken.get(group.name, 0) + 1
        if taken[group.name] > 1:
            name = f"{group.name} ({taken[group.name]})"
        else:
            name = group.name
        counts: dict[str, int] = {}
        cases = []
        for case in group.cases:
            counts[case.name] = counts.get(case.name, 0) + 1
            cases.append(
                replace(case, name=f"{case.name} ({counts[case.name]})")
                if counts[case.name] > 1
                else case
            )
        out.append(Group(name, group.about, group.kind, tuple(cases), group.scale))
    return out


def scale_of(config: EvaluationConfig, groups: Sequence[Group]) -> int | None:
    """The scale that the settings and corpora say; else none, so that the networks say it, and
    after them the pairs.

    Raises:
        UserError: if they differ.
    """
    said = {group.scale for group in groups if group.scale}
    if config.scale:
        said.add(config.scale)
    if len(said) > 1:
        listed = {f"{group.about} x{group.scale}" for group in groups if group.scale}
        got = ", ".join(sorted(listed))
        if config.scale:
            got += f"; --scale {config.scale}"
        raise UserError(
            "scales differ",
            got=got,
            wanted="one scale for all",
            todo="evaluate one scale at a time",
        )
    return said.pop() if said else guessed_scale(groups)
