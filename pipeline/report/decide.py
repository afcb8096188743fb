"""What a user decides by: what was rejected and why, and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from pairmill.pipeline.chains.settings import FITTABLE
from pairmill.pipeline.html.markup import Raw, chips, el, join, number, section, table
from pairmill.schemas.report import ReportData

POOR = 0.8
"""AUC above which a degrader is worth a word: its LR is often distinguishable."""
CONTROL = "bicubic"


@dataclass(frozen=True)
class Taken:
    """How many of something took part, and why the others did not."""

    what: str
    anchor: str
    used: int
    rejected: int
    reasons: Mapping[str, int]


def rejected_html(data: ReportData) -> Raw:
    """A row for everything that may be rejected."""
    found = list(_taken(data))
    lost = [one.what for one in found if one.rejected]
    lead = "Nothing was rejected."
    if lost:
        lead = "Nothing is dropped silently: every reason is counted here, and listed below."
    rows = [
        [
            el("a", one.what, href=f"#{one.anchor}"),
            number(one.used),
            number(one.rejected),
            chips({reason.replace("-", " "): n for reason, n in one.reasons.items()}),
        ]
        for one in found
    ]
    head = ("what", "used", "rejected", "why, with counts")
    return section(
        "rejected",
        "What was rejected, and why",
        lead,
        table(head, rows, "What was used and what was rejected", frozenset({1, 2})),
    )


def _taken(data: ReportData) -> Iterator[Taken]:
    images = data.images
    yield Taken(
        "source images",
        "images",
        sum(images.roles.values()),
        images.rejected_total,
        images.reasons,
    )
    skipped = images.skipped
    yield Taken("HR tiles", "images", images.tiles, sum(skipped.values()), skipped)
    if data.aligned is not None:
        reasons = Counter(str(pair.reason) for pair in data.aligned.rejected)
        used, lost = data.aligned.pairs_used, data.aligned.pairs_rejected
        yield Taken("real pairs", "aligned", used, lost, reasons)
    if data.kernels is not None:
        kernels = data.kernels
        yield Taken(
            "photos for kernels", "kernels", kernels.accepted, kernels.rejected, kernels.reasons
        )
    if data.noise is not None:
        lost = data.noise.images - data.noise.giving
        why = {"no patch flat enough": lost} if lost else {}
        yield Taken("photos for noise patches", "noise", data.noise.giving, lost, why)
    if data.fits is not None:
        bad = [fit for fit in data.fits.fits if fit.reasons]
        reasons = Counter(reason for fit in bad for reason in fit.reasons)
        good = len(data.fits.fits) - len(bad)
        yield Taken("learned degradations", "fits", good, len(bad), reasons)


def next_html(data: ReportData) -> Raw:
    """What would make the corpus better, then the commands that come next."""
    advice = [el("li", text) for text in _advice(data)]
    commands = [el("li", el("code", command), el("span", why)) for command, why in _commands(data)]
    return section(
        "next",
        "What to do next",
        None,
        el("ul", *advice, class_="list") if advice else None,
        el("ul", *commands, class_="commands"),
    )


def _advice(data: ReportData) -> Iterator[Raw]:
    kinds = kinds_of(data.making.recipe)
    for row in data.realism.rows if data.realism is not None else ():
        auc = row.result.auc
        if row.control or auc is None or auc <= POOR:
            continue
        yield join([el("b", row.name), f" is {row.result.words()}. ", _remedy(row.name, kinds)])
    if data.kernels is not None and data.kernels.rejected > data.kernels.accepted:
        yield join(
            [
                "Most photos gave no kernel: give sharp photos of detailed scenes. ",
                el("code", "pairmill camera PHOTOS"),
                " says of each whether it shows the blur of the camera.",
            ]
        )


def _remedy(name: str, kinds: Mapping[str, str]) -> Raw:
    kind = kinds.get(name, name)
    if kind == CONTROL:
        return join(["It is the usual baseline: keep its weight small in training."])
    if kind in FITTABLE:
        command = el("code", f"pairmill fit chain RECIPE --degrader {name}")
        return join([command, " narrows its ranges to your photos; or give it less weight."])
    return join(["Give more photos of the camera, or give it less weight in the recipe."])


def kinds_of(recipe: str) -> dict[str, str]:
    """Kinds of degraders by name, of a resolved recipe in YAML."""
    degraders = (yaml.safe_load(recipe) or {}).get("degraders", ())
    return {one.get("name") or one["kind"]: one["kind"] for one in degraders}


def _commands(data: ReportData) -> Iterator[tuple[str, str]]:
    name, key = f"{data.head.name}@{data.head.version}", data.making.example
    yield f"pairmill corpus verify {name}", "check that every file is as it was sealed"
    if key:
        yield f"pairmill explain {name} {key}", "see how one LR was made, step by step"
    yield f"pairmill corpus export {name} OUT --to folder", "write the pairs for your own trainer"
    yield "pairmill train RECIPE", "train a network on the corpus with pairmill"
