r"""A preload of Dask workers that notes every unit they begin, as a line `STAGE KEY` of a file.

    DASK_DISTRIBUTED__WORKER__PRELOAD="['tests.support.work_log']" PAIRMILL_TESTS_WORK_LOG=file \
        pairmill build ...

The program knows nothing of it: what it asks of each unit before it begins, whether it is finished,
is listened to. With PAIRMILL_TESTS_PAUSE every unit is begun so many seconds later, so that a small
build lasts long enough to be killed often.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

NAME = "PAIRMILL_TESTS_WORK_LOG"
PAUSE = "PAIRMILL_TESTS_PAUSE"


def dask_setup(_worker: Any) -> None:
    """Called by Dask in every worker."""
    from pairmill.pipeline.runner import execution
    from pairmill.pipeline.runner.stage import is_done as finished

    pause = float(os.environ.get(PAUSE, "0"))
    file = os.open(os.environ[NAME], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def noting(storage: Any, stage: str, unit: Any) -> bool:
        done = finished(storage, stage, unit)
        if pause and not done:
            time.sleep(pause)
            done = finished(storage, stage, unit)  # somebody else may have, meanwhile
        if not done:
            # One call, one line, from however many processes.
            os.write(file, f"{stage} {unit.key}\n".encode())
        return done

    vars(execution)["is_done"] = noting


def environment(file: Path, pause: float = 0.0) -> dict[str, str]:
    """What makes workers write to a file, and wait so many seconds before each unit."""
    return {
        NAME: str(file),
        PAUSE: str(pause),
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "['tests.support.work_log']",
    }


def begun(file: Path, after: int = 0) -> Counter[str]:
    """How often each unit was begun, from line `after` on."""
    return Counter(file.read_text().splitlines()[after:] if file.exists() else [])
