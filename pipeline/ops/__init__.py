"""What each op does. `OPS` is the table of all of them, one family per module."""

from __future__ import annotations

from pairmill.pipeline.ops.base import Apply
from pairmill.pipeline.ops.blur import BLUR
from pairmill.pipeline.ops.camera import CAMERA
from pairmill.pipeline.ops.codecs import CODECS
from pairmill.pipeline.ops.learned import LEARNED
from pairmill.pipeline.ops.noise import NOISE
from pairmill.pipeline.ops.pooled import POOLED
from pairmill.pipeline.ops.resize import RESIZE

OPS: dict[type, Apply] = {**POOLED, **RESIZE, **BLUR, **NOISE, **CAMERA, **CODECS, **LEARNED}
