"""Clean up: make HR of every source image, and cut it into tiles that teach something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.pipeline.images.decode import load
from pairmill.pipeline.images.tiles import choose_tiles, complexity_of, judge_tile, positions
from pairmill.pipeline.runner.stage import Context, Stage, Unit
from pairmill.pipeline.stages.payload import ImagePayload, read_npy
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.hr import CutConfig, HrImage, HrRef, HrSet
from pairmill.schemas.image import ImageRecord, ImageSet, Role
from pairmill.schemas.recipe import CleanUpConfig

HR = "hr.npy"
"""As it is: a PNG takes a third less room, and twenty times as long to write and to read."""


def plan(images: ImageSet, config: CutConfig) -> list[ImagePayload]:
    """One unit per accepted image."""
    return [ImagePayload(image=image) for image in images.accepted]


def work(
    units: Sequence[Unit[ImagePayload]], config: CutConfig, context: Context
) -> Iterator[HrImage]:
    """Downscale real images and write `hr.npy`; take others as they are; choose tiles."""
    for unit in units:
        image = unit.payload.image
        source = load(image)
        cleaned = is_cleaned(image.role, config.clean_up)
        hr = source
        if cleaned:
            hr = clean(source, config.clean_up.factor)
            with context.create(unit, HR) as file:
                np.save(file, hr, allow_pickle=False)
        yield cut(image, hr, config, cleaned=cleaned)


def is_cleaned(role: Role, config: CleanUpConfig) -> bool:
    """Whether HR of such an image is another than its source."""
    return role == Role.REAL and config.factor > 1


def clean(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """RealSR's clean-up: MATLAB-compatible bicubic downscaling of (H, W, 3) uint8 by `factor`,
    rounded once.
    """
    if factor == 1:
        return image
    return to_uint8(bicubic_down(image, factor))


def read_hr(storage: Storage, image: ImageRecord, key: str, *, cleaned: bool) -> NDArray[np.uint8]:
    """The HR image that tiles are cut from, (H, W, 3) uint8: what the unit `key` of this stage
    wrote, or the source as it is.
    """
    if cleaned:
        return read_npy(storage, f"{layout.unit_folder(STAGE.name, key)}/{HR}")
    return load(image)


def cut(image: ImageRecord, hr: NDArray[np.uint8], config: CutConfig, *, cleaned: bool) -> HrImage:
    """Choose the tiles of an HR image, or those that `seal` is to choose from."""
    size, step = config.tiles.size, config.tiles.step
    used, worths, skipped = [], list[float](), Counter[str]()
    for top in positions(hr.shape[0], size, step):
        for left in positions(hr.shape[1], size, step):
            tile = hr[top : top + size, left : left + size]
            reason = judge_tile(tile, config.tiles)
            if reason is None:
                used.append((left, top))
                if config.tiles.ranked:
                    worths.append(complexity_of(tile))
            else:
                skipped[reason] += 1
    return HrImage.model_validate(
        {
            "image": image.pixel_sha256,
            "cleaned": cleaned,
            "width": hr.shape[1],
            "height": hr.shape[0],
            "tiles": used,
            "skipped": dict(sorted(skipped.items())),
            "complexity": worths,
        }
    )


def seal(
    units: Sequence[Unit[ImagePayload]],
    records: Sequence[HrImage],
    config: CutConfig,
    context: Context,
    key: str,
) -> HrSet:
    """List the HR images, with the tiles that are chosen of all.

    Raises:
        UserError: if there is no tile at all.
    """
    chosen = choose_tiles(records, config.tiles)
    result = HrSet(
        images=tuple(HrRef(key=u.key, hr=hr) for u, hr in zip(units, chosen, strict=True))
    )
    if result.tiles == 0:
        raise _no_tiles(records, config)
    return result


def _no_tiles(records: Sequence[HrImage], config: CutConfig) -> UserError:
    skipped = Counter[str]()
    for record in records:
        skipped.update(record.skipped)
    if not skipped:
        side = max((min(record.width, record.height) for record in records), default=0)
        return UserError(
            "no HR image is as large as a tile",
            where="recipe key tiles.size",
            got=f"tiles of {config.tiles.size} x {config.tiles.size}; the largest HR image has a "
            f"short side of {side} pixels "
            f"after clean-up by {config.clean_up.factor}",
            todo=f"set tiles.size to {side // 8 * 8} or less, or clean_up.factor to 1, or give "
            "larger images",
        )
    return UserError(
        "every HR tile was skipped",
        where="recipe keys tiles.min_contrast, tiles.min_detail and tiles.max_defocus",
        got=", ".join(f"{count} {reason}" for reason, count in skipped.items()),
        todo="relax these thresholds, or give images with more content",
    )


STAGE = Stage(
    name="clean_up",
    version=2,
    title="clean up",
    noun="images",
    record=HrImage,
    manifest=HrSet,
    plan=plan,
    work=work,
    seal=seal,
)
