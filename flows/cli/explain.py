"""`pairmill explain`: how one LR was made."""

from __future__ import annotations

from rich.markup import escape

from pairmill.flows import terminal
from pairmill.flows.cli.pages import OUT, open_page, refuse_to_open
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.explain.explain import explain
from pairmill.pipeline.explain.page import sentence
from pairmill.pipeline.html.markup import number
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.preview import ExplainData


def run_explain(
    reference: str, key: str, workspace: str, *, out: str | None, open_: bool
) -> ExplainData:
    """Explain a sample, and say where the page is.

    Raises:
        UserError: if there is no such corpus, version or sample.
        SystemExit: with code 1 if the LR made now differs from the stored one.
    """
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    name, version = manifest.identity.name, manifest.version
    target, folder = (
        (Storage(out), ".") if out else (storage, layout.explain_folder(name, version, key))
    )
    refuse_to_open(target, OUT, open_=open_)
    data = explain(storage, manifest, key, target, folder)
    _say(data)
    page = target.path(f"{folder}/index.html")
    terminal.line(f"  page     {escape(page)}")
    if open_:
        open_page(page)
    if not data.identical:
        raise SystemExit(1)
    return data


def _say(data: ExplainData) -> None:
    strip, box = data.strip, data.strip
    terminal.line(
        f"[bold]{data.key}[/]  {data.degrader}, {data.split}, x{strip.scale}, {data.corpus}"
    )
    terminal.line(
        f"  HR       {box.hr_width} x {box.hr_height} at ({box.left}, {box.top}) of "
        f"{escape(data.origin.source)}"
    )
    for place, step in enumerate(strip.steps, 1):
        changed = (
            ""
            if step.change is None
            else f", changes {number(round(step.change, 2))} intensity levels rms"
        )
        terminal.line(
            f"  {place:>4}     {escape(step.words)}  [dim]{step.width} x {step.height}{changed}[/]"
        )
    for row in data.rows:
        facts = "".join(f", {term} {value}" for term, value in row.facts)
        terminal.line(
            f"  pool     {row.kind} #{row.index} of {row.count}  [dim]from "
            f"{escape(row.source)}{escape(facts)}[/]"
        )
    colour = "green" if data.identical else "bold red"
    terminal.line(
        f"  origin   {escape(data.origin.note)}\n  LR       [{colour}]{sentence(data)}[/]"
    )
