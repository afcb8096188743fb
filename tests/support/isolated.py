"""Running a program that knows nothing of this project, as a reader of its files would be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DIGEST = """
import hashlib, io, json, struct
import numpy as np
from PIL import Image

def digest(picture):
    pixels = np.asarray(Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture)
    assert pixels.dtype == np.uint8 and pixels.shape[2:] == (3,), (pixels.dtype, pixels.shape)
    return hashlib.sha256(b"rgb8" + struct.pack("<QQ", *pixels.shape[:2]) + pixels.tobytes()).hexdigest()
"""  # noqa: E501
"""A function for such programs: the digest of pixels as `samples.parquet` states it, written a
second time."""


def isolated(code: str, folder: Path, home: Path) -> str:
    """Output of a program run in `folder`, with warnings as they are and no way to the network's
    hub."""
    environment = os.environ | {
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    check = "\nimport sys; assert 'pairmill' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + check],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
