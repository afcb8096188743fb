"""Python that ends by SIGKILL, in a process of its own: a forked one would wait for threads that it
does not have.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

BUILD = """
import os, signal, sys
from pathlib import Path
from pairmill.pipeline.runner.stage import Context
from pairmill.pipeline.stages.learned_fit import STATE
from pairmill.pipeline.workspace import layout
from pairmill.schemas.recipe import Recipe
from tests.support.make import build

stage, at, recipe, workspace = sys.argv[1:]
write = Context.write

def dying(self, unit, name, data):
    again = self.storage.exists(f"{layout.unit_folder(self.stage, unit.key)}/{name}")
    write(self, unit, name, data)
    if (name, self.stage) == (STATE, stage) and not (again and at == "first"):
        os.kill(os.getpid(), signal.SIGKILL)

Context.write = dying
build(Recipe.model_validate_json(Path(recipe).read_text()), workspace)
"""
"""A build that is killed when a fit of a stage has written its `first` state, or `any`."""
TRAINING = """
import os, signal, sys
from pathlib import Path
from pairmill.models.fitting.threads import one_thread
from pairmill.pipeline.training.run import train_run
from pairmill.pipeline.training.watch import TrainingListener
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.training import TrainConfig

class Dying(TrainingListener):
    def stepped(self, step, images):
        if step == int(at):
            os.kill(os.getpid(), signal.SIGKILL)

at, config, base, workspace = sys.argv[1:]
with one_thread():
    config = TrainConfig.model_validate_json(Path(config).read_text())
    train_run(config, base, Storage(workspace), "cpu", Dying())
"""
"""A training that is killed at a step."""


def killed(script: str, *words: str | int | Path) -> bool:
    """Whether the script was killed, and did not come to its end before."""
    command = [sys.executable, "-c", script, *map(str, words)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0
