"""An explanation from beginning to end: find the sample, replay it op by op, compare, write the
page.
"""

from __future__ import annotations

import difflib

import numpy as np

from pairmill.pipeline.corpora.replay import Replayed, corpus_assets, read_table, replay
from pairmill.pipeline.explain.origin import Images, origin, pool_rows
from pairmill.pipeline.explain.page import page
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.preview.strips import Tile, draw_strip, window
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.preview import ExplainData
from pairmill.schemas.program import Program
from pairmill.schemas.sample import SampleRow

NEAR = 3
"""Keys that are suggested in place of one that is not there."""
COMPARED = 20_000
"""Most keys that are compared with one that is not there."""


def explain(
    storage: Storage, manifest: CorpusManifest, key: str, target: Storage, folder: str
) -> ExplainData:
    """Write `index.html` and `explain.json` with their images for one sample of a version.

    `img/hr.png`, `img/lr.png` (made now) and `img/lr-stored.png` are whole; the page shows the
    busiest part of them.

    Raises:
        UserError: if there is no such sample.
        IntegrityError: if a shard, a pool or the sample cannot be read.
    """
    row = find_row(storage, manifest, key)
    sample = next(iter(replay(storage, manifest, {row.shard: {row.key}})))
    picture_files, images, assets = (
        PictureFiles(target, folder),
        Images(storage),
        corpus_assets(storage, manifest),
    )
    program, box = Program.model_validate_json(sample.record.program), sample.record.box
    tile = Tile(images.name(sample.record.image), box.left, box.top, sample.hr)
    counts = {ref.digest: ref.count for ref in manifest.identity.pools}
    strip, last = draw_strip(program, tile, assets, counts, picture_files, "step")
    part, _ = window(sample.hr, program.scale)
    for name, image in (("hr", sample.hr), ("lr", last), ("lr-stored", sample.lr)):
        picture_files.png(name, image)  # whole, for a closer look
    data = ExplainData(
        corpus=f"{manifest.identity.name}@{manifest.version}",
        key=row.key,
        split=row.split,
        shard=row.shard,
        degrader=row.degrader,
        seed=row.seed,
        strip=strip,
        identical=_identical(sample, last),
        stored=picture_files.png("stored", part.cut(sample.lr)),
        origin=origin(sample, manifest, images, picture_files),
        rows=tuple(pool_rows(program, storage, manifest, assets, images, picture_files)),
    )
    target.write(f"{folder}/explain.json", data.model_dump_json(indent=1).encode())
    target.write(f"{folder}/index.html", page(data).encode())
    return data


def _identical(sample: Replayed, last: np.ndarray) -> bool:
    """Whether the image after the last op, the stored LR and the digest in its record are all
    one.
    """
    return bool(np.array_equal(last, sample.lr)) and pixel_digest(last) == sample.record.lr_sha256


def find_row(storage: Storage, manifest: CorpusManifest, key: str) -> SampleRow:
    """The row of a sample.

    Raises:
        UserError: with the nearest keys, if there is none.
    """
    known: list[str] = []
    for row in read_table(storage, manifest):
        if row.key == key:
            return row
        if len(known) < COMPARED:
            known.append(row.key)
    near = difflib.get_close_matches(key, known, n=NEAR, cutoff=0.6)
    raise UserError(
        f"no sample {key!r} in {manifest.identity.name}@{manifest.version}",
        got=f"{sum(manifest.identity.samples.values())} other samples",
        wanted=f"a key such as {(near or known)[0]}",
        todo=f"did you mean {' or '.join(near)}?"
        if near
        else "`pairmill corpus show` lists some keys; samples.parquet has all",
    )
