"""The nightly flow: verify corpora, replay a random share of their samples, show a table, and keep
the run history bounded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pairmill.flows.prefect_support.environment import settle

settle()

from prefect import flow  # noqa: E402
from prefect.client.schemas.objects import State  # noqa: E402
from prefect.runtime import deployment, flow_run  # noqa: E402
from prefect.states import Cancelled, Completed, Failed  # noqa: E402

from pairmill.flows.prefect_support.artifacts import publish_night  # noqa: E402
from pairmill.flows.prefect_support.retention import DAYS, forget  # noqa: E402
from pairmill.flows.prefect_support.tracker import PrefectTracker  # noqa: E402
from pairmill.flows.scheduled import tell  # noqa: E402
from pairmill.pipeline.corpora.nightly import SHARE, check  # noqa: E402
from pairmill.pipeline.workspace.storage import Storage  # noqa: E402
from pairmill.schemas.errors import BusyError  # noqa: E402


def named() -> str:
    """Name of a run: the minute that it was due."""
    return f"nightly {flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"


@flow(name="nightly", flow_run_name=named, validate_parameters=False)
def nightly(
    workspace: str = "data", share: float = SHARE, date: str = "", keep_days: int = DAYS
) -> State[Any]:
    """Check the newest and all tagged versions of a workspace.

    Args:
        workspace: Folder or fsspec URL of the workspace.
        share: Share of the samples of each version that are replayed, 0 to 1.
        date: Day that the samples are drawn for, such as 2026-11-21; today in UTC if empty.
        keep_days: Days for which runs are kept in Prefect's history.

    Returns:
        Completed, or Failed if anything differs, with the report as its data.
    """
    day = date or datetime.now(UTC).date().isoformat()
    try:
        report = PrefectTracker().step(
            "verify and replay", lambda: check(Storage(workspace), day, share)
        )
    except BusyError as busy:
        return _told(Cancelled(name="Refused", message=busy.text()))
    publish_night(report)
    forget(keep_days)
    if report.ok:
        return _told(Completed(message=report.words(), data=report))
    return _told(Failed(message=report.words(), data=report))


def _told(state: State[Any]) -> State[Any]:
    """A line of the terminal or of the worker's log on a run that nobody watches."""
    return tell(state) if deployment.id else state
