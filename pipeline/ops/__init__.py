"""What each op does. `OPS` is the table of all of them, one family per module."""

from __future__ import annotations

from pipeline.ops.base import Apply
from pipeline.ops.pooled import POOLED
from pipeline.ops.resize import RESIZE

OPS: dict[type, Apply] = {**POOLED, **RESIZE}
