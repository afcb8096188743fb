"""Who a process is, so that another one can tell whether it still lives."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from pathlib import Path

from pairmill.pipeline.workspace.provenance import now
from pairmill.schemas.lock import Holder


def is_dead(holder: Holder) -> bool | None:
    """Whether a process is gone; none if it was on another machine or in another container, where
    nobody here can see it.
    """
    here = this_process("")
    if (holder.host, holder.machine) != (here.host, here.machine):
        return None
    if holder.boot != here.boot:
        return True
    if holder.space == here.space:
        return _born(holder.pid) != holder.born
    return None


def this_process(what: str) -> Holder:
    """What this process writes into a lock."""
    return Holder(
        what=what,
        host=socket.gethostname(),
        machine=_text("/etc/machine-id"),
        boot=_text("/proc/sys/kernel/random/boot_id"),
        space=_link("/proc/self/ns/pid"),
        pid=os.getpid(),
        born=_born(os.getpid()) or "",
        since=now(),
        token=uuid.uuid4().hex,
    )


def _born(pid: int) -> str | None:
    """When a process started, none if there is none; on Linux in ticks since the boot, which no
    setting of the clock moves.
    """
    if platform.system() == "Linux":
        text = _text(f"/proc/{pid}/stat")
        fields = text.rpartition(")")[2].split()  # the name before it may hold anything
        if len(fields) > 19 and fields[0] not in "ZX":
            return fields[19]
        return None
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.0f}"
    except psutil.NoSuchProcess:
        return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - the text of the link is the name
    except OSError:
        return ""
