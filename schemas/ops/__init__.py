"""The ops of programs: one module per family; `Op` is the union of all."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pairmill.schemas.ops.blur import BlurOp
from pairmill.schemas.ops.camera import CameraOp
from pairmill.schemas.ops.codecs import CodecOp
from pairmill.schemas.ops.learned import Pdm, Redegnet, Translate
from pairmill.schemas.ops.noise import NoiseOp
from pairmill.schemas.ops.pooled import Aligned, Inject, InjectByLevel, PooledBlur, PooledJpeg
from pairmill.schemas.ops.resize import ResizeOp

PooledOp = PooledBlur | Inject | InjectByLevel | PooledJpeg | Pdm | Redegnet | Translate | Aligned
Op = Annotated[
    PooledOp | BlurOp | ResizeOp | NoiseOp | CodecOp | CameraOp, Field(discriminator="op")
]
