"""An S3-compatible server in a process of its own on loopback, and a line to it that can be cut."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import s3fs
import zarr.core.sync
from fsspec.asyn import sync

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_DEFAULT_REGION": "us-east-1",
}
BUCKET = "corpora"

RELAY = """
import asyncio, sys

async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()

async def serve(reader, writer):
    there, here = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(pump(reader, here), pump(there, writer))

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
"""


@dataclass
class Line:
    """A relay to the server: while it is cut, nothing answers, and nothing is forgotten behind
    it."""

    port: int
    server: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def env(self) -> dict[str, str]:
        """What a user sets to work through this line."""
        return CREDENTIALS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def join(self) -> None:
        command = [sys.executable, "-c", RELAY, str(self.port), str(self.server)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(self.port)

    def cut(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """Environment of a server with an empty bucket `BUCKET`; this process forgets the servers that
    it knew."""
    forget()
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | CREDENTIALS
    )
    try:
        wait_for(port)
        env = CREDENTIALS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        subprocess.run(
            [sys.executable, "-c", MAKE_BUCKET, BUCKET], env=os.environ | env, check=True
        )
        yield env
    finally:
        forget()
        process.kill()
        process.wait()


def forget() -> None:
    """Close all connections of this process, those of zarr in its own loop: s3fs leaves them to the
    garbage collector."""
    for known in s3fs.S3FileSystem._cache.values():
        creator = getattr(known, "_s3creator", None)
        if creator is not None and known.asynchronous:
            zarr.core.sync.sync(creator.__aexit__(None, None, None), timeout=30)
        elif creator is not None:
            sync(known.loop, creator.__aexit__, None, None, None, timeout=30)
    s3fs.S3FileSystem.clear_instance_cache()


MAKE_BUCKET = (
    "import sys, botocore.session; "
    "botocore.session.Session().create_client('s3').create_bucket(Bucket=sys.argv[1])"
)


@contextmanager
def line_to(env: dict[str, str]) -> Iterator[Line]:
    """A line to the server of `env`, joined."""
    line = Line(free_port(), int(env["AWS_ENDPOINT_URL"].rpartition(":")[2]))
    line.join()
    try:
        yield line
    finally:
        line.cut()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, f"nothing listens at {port}"
            time.sleep(0.05)
