"""The folder of a report: every file appears whole, and `camera.json` last.

A new folder appears all at once. In one of an earlier run files are replaced one by one, and those
that the earlier report names and this one does not are removed; nothing else in it is touched.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairmill.pipeline.camera_report.examine import Examined
from pairmill.pipeline.camera_report.page import camera_page
from pairmill.pipeline.stages.payload import npy_bytes
from pairmill.pipeline.workspace.disk import create_file
from pairmill.pipeline.workspace.stores import clear_errors
from pairmill.schemas.camera_report import CameraReport
from pairmill.schemas.errors import UserError

REPORT, PAGE = "camera.json", "index.html"
KIND = CameraReport.model_fields["kind"].default


def target(out: str) -> Path:
    """The folder to write to.

    Raises:
        UserError: if it is a URL, or holds something else.
    """
    if "://" in out:
        raise UserError(
            "a camera's report is written to a folder of this machine",
            where="--out",
            got=out,
            todo="name a local folder, then copy it with the tool of your object store",
        )
    place = Path(out).expanduser()
    with clear_errors("look at", str(place)):
        foreign = place.exists() and not (place.is_dir() and _is_ours(place))
    if foreign:
        raise UserError(
            "this folder holds something else already",
            where=str(place),
            wanted="a folder that is new, empty, or of an earlier `pairmill camera`",
            todo="name another folder with --out",
        )
    return place


def _is_ours(place: Path) -> bool:
    return not any(place.iterdir()) or earlier(place) is not None


def earlier(place: Path) -> dict[str, Any] | None:
    """The report that a folder holds, of this version of its schema or another; none if there is
    none.
    """
    try:
        found = json.loads((place / REPORT).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("kind") == KIND else None


def write(place: Path, examined: Examined) -> None:
    """Write a report to a folder from `target`.

    Raises:
        StoreError: if it cannot be written.
    """
    files = files_of(examined)
    with clear_errors("write", str(place)):
        before = earlier(place)
        if before is None:
            _appear(place, files)
            return
        for name, data in files.items():
            with create_file(place / name) as file:
                file.write(data)
        for name in _kernel_files(before) - set(files):
            (place / name).unlink(missing_ok=True)


def _appear(place: Path, files: Mapping[str, bytes]) -> None:
    """Write all next to the folder, then put it in its place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{uuid.uuid4().hex}.tmp")
    try:
        for name, data in files.items():
            with create_file(beside / name) as file:
                file.write(data)
        beside.replace(place)  # also in place of an empty folder
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def files_of(examined: Examined) -> dict[str, bytes]:
    """All files by name; the report is the last."""
    files = {name: npy_bytes(kernel) for name, kernel in sorted(examined.kernels.items())}
    files[PAGE] = camera_page(examined).encode()
    files[REPORT] = to_json(examined.report).encode()
    return files


def _kernel_files(value: Any) -> set[str]:
    """The kernels that a report names, wherever it does."""
    if isinstance(value, dict):
        here = value.get("kernel")
        own = {here} if isinstance(here, str) and _is_kernel(here) else set[str]()
        return own.union(*map(_kernel_files, value.values()))
    if isinstance(value, list):
        return set[str]().union(*map(_kernel_files, value))
    return set()


def _is_kernel(name: str) -> bool:
    """Whether a name is one that we give: whoever edits a report removes nothing elsewhere."""
    folder, _, file = name.partition("/")
    return folder in ("kernels", "groups") and file.endswith(".npy") and "/" not in file


def to_json(report: CameraReport) -> str:
    """`camera.json`."""
    return f"{report.model_dump_json(indent=1)}\n"
