"""Serving recipes on a schedule: deployments on a Prefect server, and a runner that carries their
runs on this machine.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pairmill.flows.prefect_support.environment import settle

settle()

import psutil  # noqa: E402
from prefect import Flow  # noqa: E402
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.client.schemas.filters import (  # noqa: E402
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import (  # noqa: E402
    ConcurrencyLimitConfig,
    ConcurrencyLimitStrategy,
    StateType,
)
from prefect.deployments.runner import RunnerDeployment  # noqa: E402
from prefect.runner import Runner  # noqa: E402
from prefect.schedules import Cron, Interval, Schedule  # noqa: E402
from prefect.server.schemas.schedules import CronSchedule  # noqa: E402
from prefect.states import Crashed  # noqa: E402
from prefect.types.entrypoint import EntrypointType  # noqa: E402
from tzlocal import get_localzone_name  # noqa: E402

from pairmill.flows.nightly import nightly  # noqa: E402
from pairmill.flows.prefect_support.ephemeral_server import TAG  # noqa: E402
from pairmill.flows.prefect_support.notes import notes_folder  # noqa: E402
from pairmill.flows.prefect_support.retention import DAYS  # noqa: E402
from pairmill.flows.scheduled import scheduled_build  # noqa: E402
from pairmill.schemas.errors import UserError  # noqa: E402

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
SHORTEST = timedelta(minutes=1)
"""Shortest interval: a run that finds nothing new takes about ten seconds, most of them to
start."""

AHEAD = timedelta(days=8 * 366)
"""How far ahead the next time of a schedule may lie: 29 February is up to eight years away."""

GRACE = 5.0
"""Seconds for runs to end on the first signal, and on the second."""


@dataclass(frozen=True)
class Kept:
    """One corpus that is kept up to date."""

    name: str
    recipe_path: str
    """Absolute path of the recipe."""
    workspace: str
    """Absolute path or URL of the workspace."""
    engine: str
    workers: int | None
    device: str


def schedule(cron: str | None, every: str | None) -> Schedule:
    """When to run; cron counts in the local time zone.

    Raises:
        UserError: if none or both are given, or one cannot be read.
    """
    if (cron is None) == (every is None):
        raise UserError(
            "a schedule needs either a time or an interval",
            where="--cron, --every",
            got="both" if cron else "neither",
            todo='give one of them, such as `--cron "0 3 * * *"` for every night at three',
        )
    return Interval(interval(every)) if every is not None else cron_schedule(cron or "", "--cron")


def cron_schedule(cron: str, option: str) -> Schedule:
    """A cron schedule in the local time zone.

    Raises:
        UserError: if it is not five fields of cron, or names a day that never comes.
    """
    zone = get_localzone_name()
    try:
        found = Cron(cron, timezone=zone)
    except ValueError as error:
        raise UserError(
            "this is not a cron expression",
            where=option,
            got=cron,
            wanted='minute, hour, day, month and weekday, such as "0 3 * * *" for every night at '
            "three",
        ) from error
    if not _comes(CronSchedule(cron=cron, timezone=zone)):
        raise UserError(
            "this schedule never comes due due",
            where=option,
            got=cron,
            wanted="a day that exists in its month",
            todo='correct day and month, such as "0 3 28 2 *" for 28 February at three',
        )
    return found


def _comes(schedule: CronSchedule) -> bool:
    """Whether a schedule has a next time, as the server that keeps it will ask."""
    try:
        return bool(asyncio.run(schedule.get_dates(1, end=datetime.now(UTC) + AHEAD)))
    except ValueError:  # how it says that it found none in fifty years
        return False


def interval(text: str) -> timedelta:
    """`6h`, `90m`, `1d`, `1h30m` as a time.

    Raises:
        UserError: if it says something else, or less than a minute.
    """
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise UserError(
            "this is not an interval", where="--every", got=text, wanted="6h, 90m, 1d or 1h30m"
        )
    found = timedelta(
        seconds=sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([dhms])", text))
    )
    if found < SHORTEST:
        raise UserError(
            "the interval is too short", where="--every", got=text, wanted="1m or longer"
        )
    return found


def build_deployment(kept: Kept, when: Schedule) -> RunnerDeployment:
    """The deployment of a corpus: one run at a time, another one that starts meanwhile is
    cancelled.
    """
    parameters = {
        "recipe_path": kept.recipe_path,
        "workspace": kept.workspace,
        "engine_address": kept.engine,
        "workers": kept.workers,
        "device": kept.device,
    }
    return _deployment(
        scheduled_build, kept.name, parameters, when, f"Keeps the corpus {kept.name} up to date."
    )


def nightly_deployment(
    name: str, workspace: str, when: Schedule, keep_days: int = DAYS
) -> RunnerDeployment:
    """The deployment of the nightly check of a workspace."""
    parameters = {"workspace": workspace, "keep_days": keep_days}
    return _deployment(nightly, name, parameters, when, f"Checks all corpora in {workspace}.")


def _deployment(
    flow: Flow[..., Any], name: str, parameters: dict[str, Any], when: Schedule, description: str
) -> RunnerDeployment:
    deployment: Any = flow.to_deployment(
        name=name,
        schedules=[when],
        parameters=parameters,
        description=description,
        tags=[TAG],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(deployment, RunnerDeployment)  # noqa: S101 -- a coroutine only inside an event loop
    return deployment


class Carrier(Runner):
    """Prefect's runner; at Ctrl-C or SIGTERM its runs may end in order before it does."""

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """As Ctrl-C; Prefect's own way leaves a coroutine behind and says so on the terminal."""
        signal.raise_signal(signal.SIGINT)

    async def carry(self) -> None:
        """Carry runs until a signal comes."""
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, ended.set)
        work, stopping = asyncio.create_task(self.start()), asyncio.create_task(ended.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            await asyncio.to_thread(end_runs)
        stopping.cancel()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def end_runs() -> None:
    """Wait for the runs, which a terminal's Ctrl-C has reached as well; ask those again that do not
    hear.
    """
    runs = [
        process for process in psutil.Process().children() if "prefect.engine" in _command(process)
    ]
    _, left = psutil.wait_procs(runs, GRACE)
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(left, GRACE)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def run_until_stopped(deployments: Sequence[RunnerDeployment], ready: Callable[[], None]) -> None:
    """Carry the runs of deployments until Ctrl-C; then their schedules are paused. Calls `ready`
    once they are in place.

    What the runs' libraries print as errors goes to `runs.log` in the Prefect home.
    """
    runner = Carrier(pause_on_shutdown=True, limit=2 * len(deployments))
    for deployment in deployments:
        runner.add_deployment(deployment)
    ready()
    notes_folder().mkdir(parents=True, exist_ok=True)
    with (notes_folder() / "runs.log").open("w", buffering=1) as log, redirect_stderr(log):
        asyncio.run(runner.carry())


def bury(deployments: Sequence[RunnerDeployment]) -> int:
    """Mark runs as crashed that a killed `pairmill serve` left as running; returns how many.

    Only on a server of our own, where nobody else carries these runs.
    """
    flows, names = {d.flow_name for d in deployments}, {d.name for d in deployments}
    running = FlowRunFilterStateType(
        any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    )
    with get_client(sync_client=True) as client:
        left = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=sorted(str(name) for name in flows))),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=sorted(names))),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=running)),
        )
        for run in left:
            client.set_flow_run_state(
                run.id,
                Crashed(
                    message="its `pairmill serve` was killed; the next run continues from there"
                ),
            )
    return len(left)
