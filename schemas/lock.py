"""Locks of a workspace: who is at work on what."""

from __future__ import annotations

from pairmill.schemas.base import Frozen


class Holder(Frozen):
    """The process that holds a lock; all that another one needs to say who it is and whether it
    still lives.
    """

    what: str
    """What it does, such as `build of photos`."""
    host: str
    """Name of the machine."""
    machine: str
    """Identity of the machine as its system tells it; empty if it does not."""
    boot: str
    """Identity of the machine's last start; empty if unknown."""
    space: str
    """Name space of process numbers, which containers have of their own; empty if unknown."""
    pid: int
    """Process number."""
    born: str
    """When the process started, as its system counts; a number that was given again differs in
    it."""
    since: str
    """When the lock was taken, ISO 8601, UTC."""
    token: str
    """Random name of this very lock."""

    def words(self) -> str:
        """Who, where and since when."""
        return f"{self.what}, process {self.pid} on {self.host}, since {self.since}"
