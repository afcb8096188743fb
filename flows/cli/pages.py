"""Opening pages in the browser."""

from __future__ import annotations

from pathlib import Path

from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError

OUT = "`--out FOLDER` writes the page to a folder of this machine"
"""What to do about pages that can be written elsewhere."""


def refuse_to_open(storage: Storage, todo: str, *, open_: bool) -> None:
    """Say before any work that a page cannot be opened where it will lie.

    Raises:
        UserError: if a page is to be opened that lies in a store: its images lie next to it, and a
            browser has no rights there.
    """
    if open_ and not storage.local:
        raise UserError(
            "a page in an object store cannot be opened from here",
            where=storage.url,
            got="--open",
            todo=todo,
        )


def open_page(page: str) -> None:
    """Open a page of this machine."""
    import webbrowser

    webbrowser.open(f"file://{Path(page).resolve()}")
