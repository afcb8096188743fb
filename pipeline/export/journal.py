"""The journal of an export: what the folder is for and which shards are in it; a killed export
continues from it.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pairmill.pipeline.export.base import Job, Part
from pairmill.pipeline.workspace.storage import clear_errors
from pairmill.schemas.errors import UserError

NAME = ".pairmill-export.jsonl"
"""Hidden, so that no reader of the folder takes it for data."""


class Journal:
    """Lines of JSON: the purpose of the folder, then one line per finished shard, then the end.

    Raises:
        UserError: if the folder holds something else, or another export, or one is being written
            this moment.
    """

    def __init__(self, job: Job, form: str) -> None:
        identity = job.manifest.identity
        self.purpose: dict[str, Any] = {
            "format": form,
            "corpus": identity.name,
            "version": job.manifest.version,
            "splits": list(job.splits),
        }
        if job.labels is not None:
            self.purpose["labels"] = job.labels.model_dump(mode="json")
        self.out, self.parts = job.out, dict[str, Part]()
        self.finished = False
        self.file = self._open()

    def _open(self) -> IO[bytes]:
        path = self.out / NAME
        if (
            not path.exists()
            and self.out.exists()
            and (not self.out.is_dir() or any(self.out.iterdir()))
        ):
            raise UserError(
                "this folder holds something else already",
                where=str(self.out),
                todo="name a folder that is new or empty",
            )
        with clear_errors("write", str(path)):
            self.out.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(file)
        except BlockingIOError:
            _close(file)
            raise UserError(
                "another export is writing into this folder",
                where=str(self.out),
                todo="wait for it, or name another folder",
            ) from None
        except BaseException:
            _close(file)
            raise
        return file

    def _read(self, file: IO[bytes]) -> None:
        file.seek(0)
        whole = 0
        for number, line in enumerate(file.readlines()):
            if not line.endswith(b"\n"):  # torn by a kill; its shard is done again
                break
            whole += len(line)
            self._take(number, json.loads(line))
        file.truncate(whole)
        if whole == 0:
            self._append(file, self.purpose)

    def _take(self, number: int, value: dict[str, Any]) -> None:
        if number == 0:
            self._check(value)
        elif value.get("finished"):
            self.finished = True
        else:
            self.parts[value["shard"]] = value["part"]

    def _check(self, found: dict[str, Any]) -> None:
        if found != self.purpose:
            raise UserError(
                "this folder holds another export",
                where=str(self.out),
                got=_said(found),
                wanted=_said(self.purpose),
                todo="name another folder, or remove this one first",
            )

    @staticmethod
    def _append(file: IO[bytes], value: dict[str, Any]) -> None:
        with clear_errors("write", str(file.name)):
            file.write(json.dumps(value).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def done(self, shard: str, part: Part) -> None:
        """Note a finished shard."""
        self.parts[shard] = part
        self._append(self.file, {"shard": shard, "part": part})

    def end(self) -> None:
        """Note that everything is there."""
        self.finished = True
        self._append(self.file, {"finished": True})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _close(self.file)


def _close(file: IO[bytes]) -> None:
    """Closing writes once more what a full disk refused, and that has been told already."""
    with suppress(OSError):
        file.close()


def target(out: str) -> Path:
    """The folder that an export is written to.

    Raises:
        UserError: if it is a URL.
    """
    if "://" in out:
        raise UserError(
            "an export is written to a folder of this machine",
            got=out,
            todo="export to a local folder, then copy it with the tool of your object store",
        )
    return Path(out).expanduser()


def _said(purpose: dict[str, Any]) -> str:
    labels = f" with kernels of {purpose['labels']['kernel']}" if "labels" in purpose else ""
    return (
        f"{purpose['corpus']}@{purpose['version']} ({', '.join(purpose['splits'])}) as "
        f"{purpose['format']}{labels}"
    )
