"""Provenance: what is worth knowing about a run but does not determine its result."""

from __future__ import annotations

from pairmill.schemas.base import Frozen


class StageTiming(Frozen):
    """How long one stage took in one run."""

    stage: str
    """Name of the stage."""
    units: int
    """Units in the plan."""
    computed: int
    """Units that had to be computed in this run."""
    seconds: float
    """Wall time, in seconds."""


class Circumstance(Frozen):
    """Software and times of the run that sealed an artifact; stored, never hashed."""

    host: str = ""
    """Name of the machine, in versions sealed by earlier builds of pairmill; later ones do not
    publish it."""
    platform: str
    """Operating system and processor."""
    started: str
    """Start of the run, ISO 8601, UTC."""
    finished: str
    """End of the run, ISO 8601, UTC."""
    run_id: str
    """Id of the orchestrator's run; empty outside one."""
    engine: str
    """How the work was carried, such as `2 local workers`."""
    software: dict[str, str]
    """Versions of the libraries that touch pixels."""
    timings: tuple[StageTiming, ...]
    """Stages in order, with their times."""
