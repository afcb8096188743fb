"""The server of a live preview: one page and what it asks, on this machine and for its user alone.

Whoever asks must name the server as the link does (so that no other name leads here) and bring the
link's token, in a header: another page in the same browser can do neither.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
import socket
from collections.abc import Callable
from http import HTTPStatus
from types import FrameType
from typing import Any, TypeVar

import numpy as np
import uvicorn
from anyio import to_thread
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pairmill.pipeline.images.encode import encode
from pairmill.pipeline.live.page import LIVE_POLICY, page
from pairmill.pipeline.live.render import StaleError
from pairmill.pipeline.live.session import Session, WrongSettingsError
from pairmill.schemas.errors import PairmillError, UserError
from pairmill.schemas.live import (
    LEAST_SIDE,
    MOST_NUMBER,
    MOST_SIDE,
    DrawRequest,
    Problem,
    SaveRequest,
    SettingsRequest,
)

HOST = "127.0.0.1"
"""Where it listens, and nowhere else."""
NAMES = (HOST, "localhost")
"""What a browser may call it."""
LARGEST = 256 * 1024
"""Most bytes of a request's body: settings take a few thousand."""
GRACE = 1
"""Seconds that Ctrl-C waits for requests to be answered."""
TOKEN = "X-Pairmill-Token"  # noqa: S105 -- the name of a header
HEADERS = {
    "Content-Security-Policy": f"{LIVE_POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
B = TypeVar("B", bound=BaseModel)


def listening_socket(port: int) -> socket.socket:
    """A socket on the loopback device.

    Args:
        port: The port; 0 takes any that is free.

    Raises:
        UserError: if it cannot be had.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen(64)
    except OSError as error:
        made.close()
        raise UserError(
            f"port {port} cannot be used",
            where=f"{HOST}:{port}",
            got=str(error),
            todo="give another --port, or none, which takes any that is free",
        ) from error
    return made


def server(session: Session, token: str, port: int) -> uvicorn.Server:
    """What answers on a port; `run(sockets=[...])` lasts until a signal comes."""
    config = uvicorn.Config(
        app(session, token, port),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=64,
        timeout_graceful_shutdown=GRACE,
    )
    return _Server(config, session)


class _Server(uvicorn.Server):
    """Gives up what is under way when a signal comes."""

    def __init__(self, config: uvicorn.Config, session: Session) -> None:
        super().__init__(config)
        self.session = session

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See `uvicorn.Server.handle_exit`."""
        self.session.close()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of what is cut short
        super().handle_exit(sig, frame)


def app(session: Session, token: str, port: int) -> ASGIApp:
    """The application behind its guard."""
    handlers = _Handlers(session)
    routes = [
        Route("/", handlers.page),
        Route("/api/hr", handlers.hr),
        Route("/api/photo", handlers.photo),
        Route("/api/draw", handlers.draw, methods=["POST"]),
        Route("/api/realism", handlers.realism, methods=["POST"]),
        Route("/api/controls", handlers.controls, methods=["POST"]),
        Route("/api/save", handlers.save, methods=["POST"]),
    ]
    return _Guard(Starlette(routes=routes), token, port)


class _Guard:
    """Turns away who does not come by the link, before anything is looked at."""

    def __init__(self, inner: ASGIApp, token: str, port: int) -> None:
        self.inner, self.token = inner, token.encode()
        self.hosts = {f"{name}:{port}" for name in NAMES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = self._refusal(Request(scope))
        if answer is not None:
            await answer(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                added = [(key.lower().encode(), value.encode()) for key, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self.inner(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host", "") not in self.hosts:
            return _refused(HTTPStatus.MISDIRECTED_REQUEST, "This server has another name.")
        origin = request.headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self.hosts:
            return _refused(HTTPStatus.FORBIDDEN, "Another page may not ask this server.")
        given = request.headers.get(TOKEN, "")
        if request.url.path == "/":
            given = request.query_params.get("token", "")
        if not secrets.compare_digest(given.encode(), self.token):
            words = "Open the link that `pairmill preview --live` printed: it holds a token."
            return _refused(HTTPStatus.FORBIDDEN, words)
        return None


def _refused(status: HTTPStatus, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status, headers=HEADERS)


class _Handlers:
    """One function per path."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def page(self, request: Request) -> Response:  # noqa: ARG002
        """The page."""
        return HTMLResponse(page(self.session.start(), self.session.last()))

    async def hr(self, request: Request) -> Response:
        """A part of an HR image as a PNG."""
        return await _picture(request, self.session.hr, ("image", "part", "side"))

    async def photo(self, request: Request) -> Response:
        """A part of a photo as a PNG."""
        return await _picture(request, self.session.photo, ("image", "part", "side", "beside"))

    async def draw(self, request: Request) -> Response:
        """LR and what was done."""

        def work(asked: DrawRequest) -> dict[str, Any]:
            lr, said = self.session.draw(asked)
            return said.model_dump(mode="json") | {
                "png": base64.b64encode(encode(lr, "fast")).decode()
            }

        return await _answer(request, DrawRequest, work)

    async def realism(self, request: Request) -> Response:
        """How distinguishable LR is from the photos."""

        def work(asked: SettingsRequest) -> dict[str, Any]:
            return self.session.realism(asked).model_dump(mode="json")

        return await _answer(request, SettingsRequest, work)

    async def controls(self, request: Request) -> Response:  # noqa: ARG002
        """What bicubic LR and the photos themselves come to."""
        try:
            found = await to_thread.run_sync(self.session.controls, abandon_on_cancel=True)
        except (asyncio.CancelledError, StaleError):  # Ctrl-C
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse([one.model_dump(mode="json") for one in found])

    async def save(self, request: Request) -> Response:
        """Write a recipe."""

        def work(asked: SaveRequest) -> dict[str, Any]:
            return self.session.save(asked).model_dump(mode="json")

        return await _answer(request, SaveRequest, work)


async def _picture(
    request: Request, find: Callable[..., NDArray[np.uint8]], names: tuple[str, ...]
) -> Response:
    """A part of an image as a PNG."""
    try:
        asked = {name: int(request.query_params[name]) for name in names}
        if not all(0 <= value <= MOST_NUMBER for value in asked.values()) or not (
            LEAST_SIDE <= asked["side"] <= MOST_SIDE
        ):
            raise ValueError(", ".join(f"{name} {value}" for name, value in asked.items()))
        pixels = await run_in_threadpool(find, *asked.values())
    except (KeyError, ValueError, IndexError) as error:
        return _wrong([Problem(path=(), text=f"no such part of an image: {error}")])
    return Response(encode(pixels, "fast"), media_type="image/png")


async def _answer(
    request: Request, model: type[B], work: Callable[[B], dict[str, Any]]
) -> Response:
    """Check what was sent, work in another thread, say what came of it."""
    try:
        said = json.loads(await _body(request), parse_constant=_no_number)
        json.dumps(said, ensure_ascii=False).encode()  # half a character could not be answered
        asked = model.model_validate(said)
    except _TooLargeError:
        text = f"a request has at most {LARGEST:,} bytes"
        return _wrong([Problem(path=(), text=text)], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except ValidationError as error:
        items = error.errors(include_url=False)
        return _wrong([Problem(path=one["loc"], text=one["msg"]) for one in items])
    except (ValueError, RecursionError) as error:
        return _wrong([Problem(path=(), text=f"no JSON: {error}")], HTTPStatus.BAD_REQUEST)
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    try:
        return JSONResponse(await to_thread.run_sync(work, asked, abandon_on_cancel=True))
    except asyncio.CancelledError:  # Ctrl-C, and a comparison that cannot be given up at once
        return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    except StaleError:
        return JSONResponse({"stale": True}, HTTPStatus.CONFLICT)
    except WrongSettingsError as error:
        return _wrong(error.problems)
    except IndexError:
        return _wrong([Problem(path=(), text="there is no such degrader or image")])
    except PairmillError as error:
        return _wrong([Problem(path=(), text=error.text())])
    except ValueError as error:  # what a program leads to that its schema does not foresee
        return _wrong([Problem(path=(), text=str(error))])


class _TooLargeError(Exception):
    pass


async def _body(request: Request) -> bytes:
    if int(request.headers.get("content-length", "0")) > LARGEST:
        raise _TooLargeError
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise _TooLargeError
        parts.append(part)
    return b"".join(parts)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _wrong(problems: Any, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> Response:
    return JSONResponse({"problems": [one.model_dump(mode="json") for one in problems]}, status)


def until_stopped(running: uvicorn.Server, listening: socket.socket) -> None:
    """Answer until Ctrl-C or SIGTERM.

    Raises:
        KeyboardInterrupt: after either.
    """
    asyncio.run(running.serve(sockets=[listening]))
