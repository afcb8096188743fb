"""`pairmill preview --live`: a page with a degrader's settings as sliders."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from pairmill.flows import terminal
from pairmill.pipeline.extras import extra
from pairmill.pipeline.live.session import Session
from pairmill.pipeline.preview.preview import Request
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage


def run_live(
    recipe_path: str, images: list[str], workspace: str, *, port: int, open_: bool | None
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        recipe_path: The recipe.
        images: Images to look at instead of the recipe's.
        workspace: Where sealed pools may be; only looked at.
        port: Port of the loopback device; 0 takes any that is free.
        open_: Whether to open the browser; none does where there is a screen.

    Raises:
        UserError: if the recipe is wrong, no image can be used, or the port is taken.
        KeyboardInterrupt: at the end.
    """
    with extra("flows", "a live preview"):
        from pairmill.flows.live import HOST, listening_socket, server, until_stopped

    recipe, base = load_recipe(recipe_path)
    one_thread()  # times are to be those of a build's workers
    file = Path(recipe_path).expanduser()
    with listening_socket(port) as listening:  # taken ports are told before images are read
        request = Request(recipe, base, file.name, tuple(images), str(Path.cwd()))
        session = Session(request, file, Storage(workspace))
        token, port = secrets.token_urlsafe(24), listening.getsockname()[1]
        url = f"http://{HOST}:{port}/?token={token}"
        for name, why in session.found.left_out:
            terminal.warning(f"left out: {name}: {why}")
        terminal.line(f"[bold]{recipe.name}[/]  live preview; Ctrl-C ends it\n\n  page     {url}")
        threading.Thread(target=session.warm, daemon=True).start()
        with _opened(url, open_=has_screen() if open_ is None else open_):
            until_stopped(server(session, token, port), listening)


def has_screen() -> bool:
    """Whether a browser would have where to show a page: one of a terminal would take the
    terminal.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def _opened(url: str, *, open_: bool) -> Iterator[None]:
    """Open a link by way of a file that only this user can read: what stands on the command line
    of a browser, all users of the machine can read.
    """
    if not open_:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="pairmill-") as folder:
        file = Path(folder) / "live.html"
        file.write_text(
            f'<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={escape(url)}"><title>pairmill</title>',
            "utf-8",
        )
        webbrowser.open(file.as_uri())
        yield
