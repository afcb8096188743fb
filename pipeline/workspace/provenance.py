"""Software and times of this run."""

from __future__ import annotations

import platform
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from pairmill.schemas.provenance import Circumstance, StageTiming

LIBRARIES = (
    "pairmill",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pillow",
    "scikit-learn",
    "torch",
    "zarr",
    "webdataset",
    "pyarrow",
)


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def software() -> dict[str, str]:
    """Versions of Python and of the libraries that touch pixels or decide on what is drawn, as far
    as they are installed.
    """
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def circumstance(
    started: str, engine: str, run_id: str, timings: tuple[StageTiming, ...]
) -> Circumstance:
    """What is worth knowing about a run that ends now."""
    return Circumstance(
        platform=f"{platform.system()} {platform.machine()}",
        started=started,
        finished=now(),
        run_id=run_id,
        engine=engine,
        software=software(),
        timings=timings,
    )
