"""A camera's development, undone and done again."""

from __future__ import annotations

from pairmill.models.functional import camera
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.camera import Mosaic, Process, Unprocess


def _gains(op: Unprocess | Process) -> tuple[float, float, float]:
    return op.gain * op.red_gain, op.gain, op.gain * op.blue_gain


def _unprocess(op: Unprocess, image: Image, _assets: Assets) -> Image:
    return camera.unprocess(image, _gains(op), op.colour, op.tone)


def _process(op: Process, image: Image, _assets: Assets) -> Image:
    return camera.process(image, _gains(op), op.colour, op.tone)


def _mosaic(op: Mosaic, image: Image, _assets: Assets) -> Image:
    return camera.demosaic(camera.mosaic(image, op.pattern), op.pattern)


CAMERA: dict[type, Apply] = {Unprocess: _unprocess, Mosaic: _mosaic, Process: _process}
