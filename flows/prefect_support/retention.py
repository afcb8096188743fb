"""The run history of pairmill in Prefect, kept bounded: old runs go, with their tasks, logs and
artifacts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.exceptions import ObjectNotFound

from pairmill.flows.prefect_support.ephemeral_server import TAG

DAYS = 90
"""Days that a run stays in the history."""
PAGE = 100
"""Runs that are asked for at once."""


def forget(days: int = DAYS) -> int:
    """Delete the runs that ended more than `days` ago and carry our tag, and their artifacts;
    returns how many.

    Runs of other people's flows on the same server carry other tags and stay; so do corpora, whose
    log has every version.
    """
    with get_client(sync_client=True) as client:
        count = 0
        while runs := _old(client, datetime.now(UTC) - timedelta(days=days)):
            for run in runs:
                _delete(client, run)
            count += len(runs)
        return count


def _old(client: SyncPrefectClient, moment: datetime) -> list[FlowRun]:
    chosen = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[TAG]),
        end_time=FlowRunFilterEndTime(before_=moment),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))),
    )
    return client.read_flow_runs(flow_run_filter=chosen, limit=PAGE)


def _delete(client: SyncPrefectClient, run: FlowRun) -> None:
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    try:
        for artifact in client.read_artifacts(artifact_filter=of_run):
            client.delete_artifact(artifact.id)
        client.delete_flow_run(run.id)
    except ObjectNotFound:  # somebody else was faster
        return
