"""A part of an LR without the rest of it: the same bits as cutting it from the whole LR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.ops.apply import Step, checked, run, steps_of
from pairmill.pipeline.ops.base import Image
from pairmill.pipeline.ops.locality import Near, Placed, Window, locality
from pairmill.schemas.program import Program


def apply_crop(
    program: Program, hr: NDArray[np.uint8], assets: Assets, wanted: Window
) -> NDArray[np.uint8]:
    """What `apply` would give in a window, as little as possible computed around it.

    Steps up to the last one that needs the whole image (`whole_ops`) run on all of it, those after
    it on what decides the window.

    Args:
        program: Ops in order; it ends in 8 bits.
        hr: (H, W, 3) uint8 sRGB, sides multiples of the scale.
        assets: The pools that the program names.
        wanted: Rows and columns of LR.

    Returns:
        `apply(program, hr, assets)[wanted.top : wanted.bottom, wanted.left : wanted.right]`, bit
        for bit.

    Raises:
        ValueError: if the window does not lie in LR, or the program does not lead to a uint8 image
            of the right size.
        IntegrityError: if a pool or a row of one is missing.
    """
    rows, columns = hr.shape[0] // program.scale, hr.shape[1] // program.scale
    if not (0 <= wanted.top < wanted.bottom <= rows and 0 <= wanted.left < wanted.right <= columns):
        raise ValueError(f"{wanted} does not lie in an LR of {rows} x {columns}")
    steps = steps_of(program.ops)
    looks = [locality(step, assets) for step in steps]
    start = max((number + 1 for number, look in enumerate(looks) if look is None), default=0)
    image = run(steps[:start], hr, assets)
    parts = [look for look in looks[start:] if look is not None]
    shapes = [(image.shape[0], image.shape[1])]
    for look in parts:
        shapes.append(look.after(shapes[-1]))
    windows = [wanted]
    for look, shape in zip(reversed(parts), reversed(shapes[:-1]), strict=True):
        windows.append(look.before(windows[-1], shape))
    windows.reverse()
    part = _cut(image, windows[0])
    for number, (step, look) in enumerate(zip(steps[start:], parts, strict=True)):
        part = _step(step, look, part, shapes[number], windows[number : number + 2], assets)
    size = (wanted.bottom - wanted.top, wanted.right - wanted.left)
    return np.ascontiguousarray(checked(program, part, size))


def whole_ops(program: Program, assets: Assets) -> tuple[str, ...]:
    """Names of the ops that need the whole image, in order: what comes before the last of them is
    done to all of it, however small the window. Empty where a window costs what it is.
    """
    return tuple(step[0].op for step in steps_of(program.ops) if locality(step, assets) is None)


def _step(
    step: Step,
    look: Near | Placed,
    part: Image,
    shape: tuple[int, int],
    windows: list[Window],
    assets: Assets,
) -> Image:
    """A step of a part: `windows[0]` of an image of `shape`, to `windows[1]` of the result."""
    own, wanted = windows
    if isinstance(look, Near):
        top, left = own.top // look.scale, own.left // look.scale
        made = run([step], part, assets)
        return _cut(made, Window(*np.subtract(wanted, (top, left, top, left)).tolist()))
    # At its place in an image of full size, so that every pixel gets the noise of its place.
    canvas = np.zeros((*shape, part.shape[2]), part.dtype)
    canvas[own.top : own.bottom, own.left : own.right] = part
    return _cut(run([look.step(step, wanted)], canvas, assets), wanted)


def _cut(image: Image, window: Window) -> Image:
    return image[window.top : window.bottom, window.left : window.right]
