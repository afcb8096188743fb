"""The ops of programs: one module per family; `Op` is the union of all."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.ops.blur import BlurOp
from schemas.ops.camera import CameraOp
from schemas.ops.codecs import CodecOp
from schemas.ops.learned import Pdm, Redegnet
from schemas.ops.noise import NoiseOp
from schemas.ops.pooled import Inject, PooledBlur, PooledJpeg
from schemas.ops.resize import ResizeOp

PooledOp = PooledBlur | Inject | PooledJpeg | Pdm | Redegnet
Op = Annotated[PooledOp | BlurOp | ResizeOp | NoiseOp | CodecOp | CameraOp, Field(discriminator="op")]
