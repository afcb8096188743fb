"""A live preview of a few photos, and its server on a thread."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairmill.flows.live import HOST, TOKEN, listening_socket, server
from pairmill.pipeline.live.session import Session
from pairmill.pipeline.preview.preview import Request
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.workspace.storage import Storage
from tests.support.make import photograph, save

SECRET = "a-token-of-this-test"  # noqa: S105 -- of no use to anybody
RECIPE = """# all of it is mine
name: live     # the corpus
scale: 2
images: {real: [real], clean: [clean]}
tiles: {size: 64}
realism: {patch: 16}
degraders:
  - kind: bsrgan    # published
    noise: [2, 25]  # levels
    weight: 2
  - {kind: realsr, noise: as_mined}
"""


def live_session(folder: Path, recipe: str = RECIPE, photos: int = 4) -> Session:
    """A session on a recipe and photos that are written first."""
    for number in range(photos):
        save(photograph(number, 251, 234), folder / f"real/{number}.png")
    save(photograph(50, 130, 117, noise=0), folder / "clean/a.png")
    file = folder / "mine.yaml"
    file.write_text(recipe)
    loaded, base = load_recipe(str(file))
    return Session(Request(loaded, base, file.name), file, Storage(str(folder / "workspace")))


@dataclass(frozen=True)
class Live:
    """A server that answers."""

    session: Session
    port: int

    @property
    def url(self) -> str:
        """The link."""
        return f"http://{HOST}:{self.port}/?token={SECRET}"

    def ask(
        self, path: str, body: Any = None, *, token: str = SECRET, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer; bytes are sent as they are, all else as JSON."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            sent = {TOKEN: token, **headers}
            connection.request("GET" if body is None else "POST", path, data, sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def settings(self, degrader: int = 0, **changes: Any) -> dict[str, Any]:
        """What a page sends with a question about settings."""
        settings = self.session.start().degraders[degrader].settings | changes
        number = time.monotonic_ns() // 1000 % 1_000_000
        return {"client": f"t{number}", "sequence": 1, "degrader": degrader, "settings": settings}

    def draw(self, degrader: int = 0, **changes: Any) -> dict[str, Any]:
        """The same with a question about a draw."""
        view = {"draw": 0, "image": 0, "part": 0, "side": 64}
        return self.settings(degrader, **changes) | view


@contextmanager
def serving(session: Session) -> Iterator[Live]:
    """The server of a session, for a block."""
    with listening_socket(0) as listening:
        port = listening.getsockname()[1]
        running = server(session, SECRET, port)
        serve = running.serve(sockets=[listening])
        thread = threading.Thread(target=asyncio.run, args=(serve,))
        thread.start()
        try:
            while not running.started and thread.is_alive():
                time.sleep(0.01)
            yield Live(session, port)
        finally:
            running.should_exit = True
            thread.join()
