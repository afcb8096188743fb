"""The section of provenance: recipe, stages, software, pools and commands."""

from __future__ import annotations

from pairmill.pipeline.html.charts import Row, rows
from pairmill.pipeline.html.markup import (
    Raw,
    counted,
    definitions,
    el,
    figure,
    join,
    number,
    section,
    table,
    titled,
    unfolded,
)
from pairmill.schemas.provenance import StageTiming
from pairmill.schemas.report import Head, MakingSection


def making_html(making: MakingSection, head: Head) -> Raw:
    """How it was made, and how to check it."""
    lead = (
        "What it takes to check this version, or to make it again: recipe, pools, stages, software."
    )
    return section(
        "making",
        "How it was made",
        lead,
        _commands(head, making.example),
        el("div", *_charts(making), class_="charts"),
        _pools(making) if making.pools else None,
        unfolded("Recipe, with every default", el("pre", making.recipe, tabindex="0")),
        _software(making),
        folded=True,
    )


def _commands(head: Head, example: str) -> Raw:
    name = f"{head.name}@{head.version}"
    commands = [(f"pairmill corpus verify {name}", "check all byte and pixel checksums")]
    if example:
        commands.append(
            (
                f"pairmill corpus replay {name} {example}",
                "make one LR again from its HR and its program",
            )
        )
    if head.parents:
        commands.append(
            (
                f"pairmill corpus diff {head.name}@{head.parents[0]} {name}",
                "what changed since the previous version",
            )
        )
    return el(
        "ul",
        *(el("li", el("code", command), el("span", note)) for command, note in commands),
        class_="commands",
    )


def _charts(making: MakingSection) -> list[Raw]:
    c = making.circumstance
    facts = definitions(
        [
            ("started", c.started.replace("T", " ").replace("Z", " UTC")),
            ("finished", c.finished.replace("T", " ").replace("Z", " UTC")),
            ("engine", c.engine or "–"),
            ("machine", c.platform),
            *([("run", c.run_id)] if c.run_id else []),
        ]
    )
    versions = ", ".join(
        f"{stage.replace('_', ' ')} {version}" for stage, version in making.stages.items()
    )
    charts = [
        figure(
            join([facts, el("p", f"Stage versions: {versions}.", class_="quiet small gap")]), "Run"
        )
    ]
    if c.timings:
        chart = rows([_timing(timing) for timing in c.timings], "time of every stage")
        charts.insert(0, figure(chart, "Stages", "time of the run that sealed this version"))
    return charts


def _timing(timing: StageTiming) -> Row:
    found = timing.units - timing.computed
    if timing.computed:
        parts = [f"{timing.computed:,} made"]
    else:
        parts = []
    parts += [f"{found:,} kept from before"] if found else []
    return Row(
        timing.stage.replace("_", " "),
        (("seconds", timing.seconds),),
        f"{duration(timing.seconds)} · {', '.join(parts)}",
    )


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 1:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s"


def _pools(making: MakingSection) -> Raw:
    body = [
        [
            pool.kind.replace("_", " "),
            number(pool.count),
            f"{pool.side} × {pool.side}",
            el("code", pool.digest, class_="digest"),
        ]
        for pool in making.pools
    ]
    head = ("pool", "items", "size, px", "SHA-256")
    return titled("Pools", "", table(head, body, "Pools", frozenset({1})))


def _software(making: MakingSection) -> Raw:
    software = making.circumstance.software
    versions = definitions((name, version) for name, version in software.items())
    return unfolded(f"Software: {counted(len(software), 'package')}", versions)
