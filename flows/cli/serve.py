"""`pairmill serve` and `pairmill nightly`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pairmill.flows.cli.options import Device, Engine, Workers, Workspace

if TYPE_CHECKING:
    from pairmill.schemas.nightly import NightlyReport

Days = Annotated[
    int, typer.Option(min=1, help="Days for which runs are kept in Prefect's history.")
]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("serve")(serve)
    app.command("nightly")(nightly)


def serve(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Recipe files (YAML).")],
    cron: Annotated[
        str | None, typer.Option(help='When to build, as cron in local time: "0 3 * * *".')
    ] = None,
    every: Annotated[
        str | None, typer.Option(help="How often to build instead: 6h, 90m, 1d.")
    ] = None,
    nightly: Annotated[
        str | None, typer.Option(help='When to check all corpora, as cron: "30 4 * * *".')
    ] = None,
    workspace: Workspace = "data",
    engine: Engine = "local",
    workers: Workers = None,
    device: Device = "cpu",
    keep_days: Days = 90,
) -> None:
    """Keep corpora up to date on a schedule, with Prefect and its UI, until Ctrl-C."""
    keep_up(
        recipes,
        cron=cron,
        every=every,
        nightly=nightly,
        workspace=workspace,
        engine=engine,
        workers=workers,
        device=device,
        keep_days=keep_days,
    )


def nightly(
    workspace: Workspace = "data",
    share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of each version's samples to replay."),
    ] = 0.01,
    date: Annotated[
        str,
        typer.Option(help="Day whose samples are drawn, such as 2026-11-21; by default today."),
    ] = "",
    keep_days: Days = 90,
) -> None:
    """Verify the newest and the tagged versions, replay samples; exit 1 if one differs."""
    check_once(workspace, share, date, keep_days)


def keep_up(
    recipes: Sequence[str],
    *,
    cron: str | None,
    every: str | None,
    nightly: str | None,
    workspace: str,
    engine: str,
    workers: int | None,
    device: str,
    keep_days: int,
) -> None:
    """Serve deployments on the user's Prefect server, or on one that ends with this command."""
    _settle()
    from pairmill.flows import terminal
    from pairmill.flows.prefect_support.ephemeral_server import import_prefect

    import_prefect()
    from pairmill.flows import serve as served
    from pairmill.flows.prefect_support.local_server import api
    from pairmill.flows.prefect_support.retention import forget

    place = absolute(workspace)
    kept = [
        served.Kept(name, path, place, engine, workers, device)
        for name, path in named(recipes).items()
    ]
    when = served.schedule(cron, every)
    deployments = [served.build_deployment(each, when) for each in kept]
    if nightly:
        night = served.cron_schedule(nightly, "--nightly")
        deployments.append(served.nightly_deployment(kept[0].name, place, night, keep_days))
    with api(terminal.line) as (url, ours):
        if ours:
            served.bury(deployments)
        forget(keep_days)
        lines = [
            f"[bold]{each.name}[/]  {schedule_words(cron, every)}, into {place}" for each in kept
        ]
        lines += [f"[bold]nightly[/]  at {nightly}, all corpora in {place}"] if nightly else []
        lines += [
            f"  UI       {url.removesuffix('/api')}",
            "  end      Ctrl-C" + ("; the server ends as well" if ours else ""),
        ]
        served.run_until_stopped(deployments, lambda: terminal.line("\n".join(lines)))
    terminal.line("stopped; finished work is kept, and the same command continues from there")


def _settle() -> None:
    """The runs' own log goes to Prefect, whose UI shows it, and not to the terminal."""
    from pairmill.flows.prefect_support.environment import settle

    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    settle()


def named(recipes: Sequence[str]) -> dict[str, str]:
    """Absolute paths of recipes by the names of their corpora.

    Raises:
        UserError: if a recipe is wrong, or two make corpora of the same name.
    """
    from pairmill.pipeline.recipe.load import load_recipe
    from pairmill.schemas.errors import UserError

    found: dict[str, str] = {}
    for path in recipes:
        name = load_recipe(path)[0].name
        if name in found:
            raise UserError(
                "two recipes make corpora of the same name",
                where=path,
                got=f"name: {name}, as in {found[name]}",
                todo="give one of them another `name:`",
            )
        found[name] = str(Path(path).expanduser().resolve())
    return found


def absolute(workspace: str) -> str:
    """A workspace that means the same in every folder."""
    return workspace if "://" in workspace else str(Path(workspace).expanduser().resolve())


def schedule_words(cron: str | None, every: str | None) -> str:
    """The schedule in words."""
    return f"every {every}" if every else f"at {cron} (cron, local time)"


def check_once(workspace: str, share: float, date: str, keep_days: int) -> None:
    """Run the nightly check by hand and show its table.

    Raises:
        SystemExit: with code 1 if anything differs.
    """
    from pairmill.flows import terminal
    from pairmill.flows.cli.carried import carried_by_prefect
    from pairmill.pipeline.corpora.nightly import refuse_nonsense
    from pairmill.pipeline.workspace import layout
    from pairmill.pipeline.workspace.storage import Storage

    if date:
        refuse_nonsense(date, share)
    report = carried_by_prefect(lambda: _night(absolute(workspace), share, date, keep_days))
    _show(report)
    terminal.line(f"  report   {Storage(workspace).path(layout.nightly_report(report.date))}")
    if not report.ok:
        raise SystemExit(1)


def _night(workspace: str, share: float, date: str, keep_days: int) -> NightlyReport:
    from pairmill.flows.nightly import nightly as flow
    from pairmill.schemas.errors import BusyError

    state = flow(workspace, share, date, keep_days, return_state=True)
    if state.name == "Refused":
        raise BusyError(state.message or "another process is working")
    found = state.result(raise_on_failure=False)
    if isinstance(found, BaseException):
        raise found
    return cast("NightlyReport", found)


def _show(report: NightlyReport) -> None:
    from pairmill.flows import terminal
    from pairmill.flows.rows import night_row

    rows = [night_row(version) for version in report.versions]
    if rows:
        columns = ["corpus", "version", "tags", "samples", "replayed", "result", "found"]
        terminal.table("", columns, [[row[column] for column in columns] for row in rows])
    mark = "[green]✓[/]" if report.ok else "[bold red]✗[/]"
    terminal.line(f"{mark} {report.words()}")
