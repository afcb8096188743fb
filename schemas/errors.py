"""Errors for people: what, where, got, wanted, and what to do."""

from __future__ import annotations


class PairmillError(Exception):
    """A failure that the user can act on; printed without a traceback.

    Args:
        what: One sentence: what went wrong.
        where: File, recipe key or artifact that it concerns.
        got: What was found there.
        wanted: What would have been right.
        todo: What to do about it.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, where: str = "", got: str = "", wanted: str = "", todo: str = ""
    ) -> None:
        self.what, self.where, self.got, self.wanted, self.todo = what, where, got, wanted, todo
        super().__init__(self.text())

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.got, self.wanted, self.todo)

    def rows(self) -> list[tuple[str, str]]:
        """The non-empty parts after `what`, as (label, text)."""
        parts = [
            ("where", self.where),
            ("got", self.got),
            ("wanted", self.wanted),
            ("fix", self.todo),
        ]
        return [(label, text) for label, text in parts if text]

    def text(self) -> str:
        """The whole message on a few lines."""
        return "\n".join([self.what, *(f"  {label}: {text}" for label, text in self.rows())])


class UserError(PairmillError):
    """The recipe, the command line or the inputs must change before this can work."""

    exit_code = 2


class MissingLibraryError(UserError):
    """An extra of pairmill is not installed that this work needs."""


class StoreError(PairmillError):
    """Reading or writing the workspace failed; nothing is lost and a rerun continues."""


class UnreachableError(StoreError):
    """The store did not answer for as long as it was asked: says nothing about what is in it."""


class BusyError(PairmillError):
    """Somebody else is at work on the same thing; the same command works later."""

    exit_code = 75


class InterruptError(PairmillError):
    """The user or the system asked the run to stop."""

    exit_code = 130


class IntegrityError(PairmillError):
    """Something sealed is not what its manifest says."""


def _rebuild(
    kind: type[PairmillError], what: str, where: str, got: str, wanted: str, todo: str
) -> PairmillError:
    return kind(what, where=where, got=got, wanted=wanted, todo=todo)
