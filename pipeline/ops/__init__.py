"""What each op does. `OPS` is the table of all of them, one family per module."""

from __future__ import annotations

from pipeline.ops.base import Apply
from pipeline.ops.blur import BLUR
from pipeline.ops.camera import CAMERA
from pipeline.ops.codecs import CODECS
from pipeline.ops.learned import LEARNED
from pipeline.ops.noise import NOISE
from pipeline.ops.pooled import POOLED
from pipeline.ops.resize import RESIZE

OPS: dict[type, Apply] = {**POOLED, **RESIZE, **BLUR, **NOISE, **CAMERA, **CODECS, **LEARNED}
