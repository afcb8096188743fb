"""Upscale image files: any number, any size, in tiles, and only what is not finished."""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from pairmill.pipeline.evaluate.any_size import ANY_SIZE
from pairmill.pipeline.evaluate.crops import Image, Window, bicubic_part, most_detail
from pairmill.pipeline.evaluate.outputs import Job
from pairmill.pipeline.evaluate.png_rows import PngRows, notes
from pairmill.pipeline.evaluate.upscale_page import upscale_page
from pairmill.pipeline.evaluate.upscaling import Upscaling
from pairmill.pipeline.html.pictures import png
from pairmill.pipeline.images.decode import ImageRejected, decode, read_image
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import digest_of
from pairmill.schemas.evaluation import InferenceConfig, LeftOut, Pane, UpscaledImage, UpscaleReport

NOTE = "pairmill-key"
"""Keyword under which a result says what it was made of."""
FORM = 2
"""Raised when the same input and checkpoint would give other pixels."""
HEAD = 4096
LOOK = "look"
"""Folder of the page and its crops, below the output folder."""
SHOWN = 60
"""Maximum number of images on the page."""
Said = Callable[[Job, float], None]


def upscale_files(
    upscaler: Upscaling,
    jobs: Sequence[Job],
    out: Storage,
    config: InferenceConfig,
    advanced: Said = lambda *_: None,
) -> UpscaleReport:
    """Write every image upscaled, then a page to look at; what is finished and made of the same is
    left as it is.

    A result is a PNG that appears under its name when it is whole, with a note of what it was made
    of: the input file, the checkpoint and the settings. Killed at any time, the next run continues.

    Args:
        upscaler: A network, or a method that needs none.
        jobs: Images and names.
        out: The output folder.
        config: How to run the network.
        advanced: Called with the share of an image that was done, in (0, 1].

    Raises:
        UserError: if the network fails, as `pairmill.models.inference.tiled.upscale`.
        StoreError: if a result cannot be written.
    """
    done, left_out, found = list[UpscaledImage](), list[LeftOut](), 0
    for job in jobs:
        try:
            data = read_image(job.source)
            key = key_of(data, upscaler, config)
            known = finished(out, job, key, upscaler.view.scale)
            done.append(known or _make(upscaler, job, data, key, out, config, advanced))
        except ImageRejected as error:
            left_out.append(LeftOut(name=job.source, reason=error.detail))
            known = None
        found += known is not None
        if known or (left_out and left_out[-1].name == job.source):
            advanced(job, 1.0)
    report = UpscaleReport(
        network=upscaler.seen(),
        config=config,
        settings=upscaler.settings(),
        images=tuple(sorted(done, key=lambda image: image.output)),
        found=found,
        left_out=tuple(left_out),
    )
    out.write(f"{LOOK}/upscale.json", report.model_dump_json(indent=1).encode())
    out.write(f"{LOOK}/index.html", upscale_page(report, SHOWN).encode())
    return report


def unfinished(
    upscaler: Upscaling, jobs: Sequence[Job], out: Storage, config: InferenceConfig
) -> list[Job]:
    """Those whose results are not there yet, or were made of something else; files that cannot be
    read are left out.
    """
    left = []
    for job in jobs:
        with suppress(ImageRejected):
            key = key_of(read_image(job.source), upscaler, config)
            if finished(out, job, key, upscaler.view.scale) is None:
                left.append(job)
    return left


def key_of(data: bytes, upscaler: Upscaling, config: InferenceConfig) -> str:
    """Digest of all that a result depends on; the device and the name of the file are not of it."""
    settings = config.model_dump(mode="json", exclude={"device"})
    return digest_of(
        [
            FORM,
            hashlib.sha256(data).hexdigest(),
            upscaler.view.sha256,
            upscaler.view.scale,
            settings,
        ]
    )


def finished(out: Storage, job: Job, key: str, scale: int) -> UpscaledImage | None:
    """The result of an earlier run, if it was made of the same."""
    if not out.exists(job.output):
        return None
    head = out.read(job.output, 0, min(HEAD, out.size(job.output)))
    if notes(head).get(NOTE) != key:
        return None
    with suppress(ValueError):  # one of another version tells nothing
        if out.exists(_record(key)):
            return UpscaledImage.model_validate_json(out.read(_record(key))).with_(
                source=job.source, output=job.output
            )
    width, height = struct.unpack(">II", head[16:24])
    return UpscaledImage(
        source=job.source,
        output=job.output,
        key=key,
        width=width // scale,
        height=height // scale,
        conversions=(),
        seconds=0,
        panes=(),
        place="",
    )


def _make(
    upscaler: Upscaling,
    job: Job,
    data: bytes,
    key: str,
    out: Storage,
    config: InferenceConfig,
    advanced: Said,
) -> UpscaledImage:
    lr, _, conversions = decode(data, ANY_SIZE)
    start, scale = time.perf_counter(), upscaler.view.scale
    window, row, kept = most_detail(lr, scale), 0, list[Image]()
    with out.create(job.output) as file:
        picture = PngRows(
            file, lr.shape[1] * scale, lr.shape[0] * scale, {NOTE: key, "Software": "pairmill"}
        )
        for strip in upscaler.strips(lr, config, lambda share: advanced(job, share)):
            picture.write(strip)
            kept.append(window.hr(strip, row))
            row += len(strip)
        picture.close()
        seconds = time.perf_counter() - start
        made = UpscaledImage(
            source=job.source,
            output=job.output,
            key=key,
            width=lr.shape[1],
            height=lr.shape[0],
            conversions=conversions,
            seconds=seconds,
            panes=_panes(lr, np.concatenate(kept), window, key, out, upscaler.view.name),
            place=window.words(),
        )
        out.write(_record(key), made.model_dump_json().encode())
    upscaler.spent(seconds, lr)
    return made


def _panes(
    lr: Image, sr: Image, window: Window, key: str, out: Storage, name: str
) -> tuple[Pane, ...]:
    """The crop before, and after by what has this name, written next to the page."""
    panes = []
    for file, label, image in (
        ("bicubic", "bicubic", bicubic_part(lr, window)),
        ("upscaled", name, sr),
    ):
        picture = f"img/{key[:16]}-{file}.png"
        out.write(f"{LOOK}/{picture}", png(image))
        panes.append(Pane(label=label, picture=picture))
    return tuple(panes)


def _record(key: str) -> str:
    return f"{LOOK}/records/{key[:32]}.json"
