"""The compression pool: drawn from by realsr, applied by the interpreter, sealed in a corpus,
replayed and verified."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
import zarr
from PIL import Image

from pairmill.pipeline.assets import Assets, pool_digest
from pairmill.pipeline.compression.tables import CHROMA, LUMA, Encoder, standard
from pairmill.pipeline.corpora.replay import corpus_assets, find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.degraders.realsr import RealSr
from pairmill.pipeline.ops.apply import apply, intermediates
from pairmill.pipeline.rng import stream
from pairmill.schemas.compression import CompressionPoolManifest
from pairmill.schemas.corpus import Fault
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.ops.resize import Quantise
from pairmill.schemas.program import Program
from tests.support.make import Tiny, build, photograph, tiny_recipe
from tests.support.pools import pools

ROWS = np.stack([Encoder(standard(LUMA, q), standard(CHROMA, q), "420").row() for q in (40, 75)])
NAME = pool_digest(ROWS)
HR = photograph(4, 74, 62)


def supplied(share: float = 1.0) -> tuple[Pools, Assets]:
    known, assets = pools(2)
    return (
        known | {"compression": PoolInfo(NAME, 2, 8, share)},
        Assets({**assets.pools, NAME: ROWS}),
    )


def program(key: int, known: Pools, compression: str = "auto") -> Program:
    config = RealSrConfig.model_validate({"compression": compression})
    return RealSr(config, 2, known).draw(stream(7, "draw", key), HR.shape[:2])


@pytest.mark.parametrize("phase", [(0, 0), (3, 13)])
def test_the_op_is_the_codec(phase: tuple[int, int]) -> None:
    """Against Pillow alone, the image shifted by hand."""
    lr = photograph(6, 37, 31)
    op = PooledJpeg(pool=NAME, index=1, phase=phase)
    seen = apply(Program(scale=1, ops=(op,)), lr, supplied()[1])
    file = io.BytesIO()
    Image.fromarray(np.pad(lr, ((phase[0], 0), (phase[1], 0), (0, 0)), mode="symmetric")).save(
        file, "JPEG", quality=75
    )
    with Image.open(file) as image:
        np.testing.assert_array_equal(seen, np.asarray(image)[phase[0] :, phase[1] :])


def test_the_op_clips_and_rounds_first() -> None:
    levels = photograph(6, 37, 31).astype(np.float64) * 1.4 - 40.3
    op = PooledJpeg(pool=NAME, index=0)
    *_, (_, seen) = intermediates(Program(scale=1, ops=(Quantise(), op)), levels, supplied()[1])  # type: ignore[arg-type]
    *_, (_, same) = intermediates(Program(scale=1, ops=(op,)), levels, supplied()[1])  # type: ignore[arg-type]
    np.testing.assert_array_equal(seen, same)
    assert seen.dtype == np.uint8


def test_an_unknown_row_is_told() -> None:
    with pytest.raises(IntegrityError, match="beyond the end"):
        apply(Program(scale=1, ops=(PooledJpeg(pool=NAME, index=2),)), photograph(6), supplied()[1])


def test_programs_without_a_pool_are_what_they_were() -> None:
    """The same draws with and without a pool: only the last op is new; without it nothing is
    drawn."""
    known, _ = supplied()
    for key in range(5):
        without = Pools({kind: pool for kind, pool in known.items() if kind != "compression"})
        plain = program(key, without)
        assert [op.op for op in plain.ops] == [
            "pooled_blur",
            "subsample",
            "inject_by_level",
            "quantise",
        ]
        assert program(key, known, "off") == plain
        compressed = program(key, known)
        assert compressed.ops[:4] == plain.ops
        assert [op.op for op in compressed.ops[4:]] == ["pooled_jpeg"]
        assert NAME in compressed.pools()


def test_the_share_of_compressed_samples_is_that_of_the_images() -> None:
    known, _ = supplied(share=0.3)
    kinds = Counter(program(key, known).ops[-1].op for key in range(2000))
    assert kinds["pooled_jpeg"] / 2000 == pytest.approx(0.3, abs=0.04)
    assert {program(key, known, "always").ops[-1].op for key in range(50)} == {"pooled_jpeg"}


def test_rows_and_grids_are_drawn_uniformly() -> None:
    known, _ = supplied()
    drawn = [
        op for key in range(1600) for op in program(key, known).ops if isinstance(op, PooledJpeg)
    ]
    assert len(drawn) == 1600
    assert np.mean([op.index for op in drawn]) == pytest.approx(0.5, abs=0.05)
    for axis in (0, 1):
        counts = np.bincount([op.phase[axis] for op in drawn], minlength=16)
        assert counts.min() > 60
        assert counts.max() < 150


def test_always_needs_a_pool() -> None:
    known, _ = pools(2)
    with pytest.raises(UserError, match="compression: always") as error:
        program(0, known, "always")
    assert "min_share" in error.value.todo


def test_compressed_lr_shows_its_grid() -> None:
    known, assets = supplied()
    drawn = program(0, known)
    lr = apply(drawn, HR, assets)
    plain = apply(Program(scale=2, ops=drawn.ops[:4]), HR, assets)
    assert lr.shape == plain.shape
    assert 1 < np.abs(lr.astype(float) - plain).mean() < 20


def pool_of(tiny: Tiny) -> CompressionPoolManifest:
    manifest: CompressionPoolManifest = tiny.sealed["pool_compression"].manifest
    return manifest


def test_a_corpus_holds_the_encoders_of_its_jpegs(tiny: Tiny) -> None:
    """One of the two real photos is a JPEG of quality 88."""
    pool = pool_of(tiny)
    assert (pool.count, pool.share) == (1, 0.5)
    assert sorted(image.quality for image in pool.images) == [0, 88]
    ref = next(ref for ref in tiny.manifest.identity.pools if ref.kind == "compression")
    assert (ref.digest, ref.count, ref.share) == (pool.digest, 1, 0.5)
    group = zarr.open_group(str(tiny.version / "pools/compression.zarr"), mode="r")
    assert group["quality"][...].tolist() == [88]
    assert bytes(np.asarray(group["image"])[0]).hex() == pool.rows()[0].image
    encoder = Encoder.of_row(corpus_assets(tiny.storage, tiny.manifest).encoder(ref.digest, 0))
    np.testing.assert_array_equal(encoder.luma, standard(LUMA, 88))
    assert encoder.subsampling == "420"


def test_compressed_samples_replay(tiny: Tiny) -> None:
    compressed = [
        row.key for row in read_table(tiny.storage, tiny.manifest) if "pooled_jpeg" in row.program
    ]
    assert compressed
    found = list(
        replay(tiny.storage, tiny.manifest, find_samples(tiny.storage, tiny.manifest, compressed))
    )
    assert len(found) == len(compressed)
    assert all(sample.identical for sample in found)


def test_verify_finds_a_changed_encoder(tiny_copy: Tiny) -> None:
    group = zarr.open_group(str(tiny_copy.version / "pools/compression.zarr"), mode="r+")
    group["encoder"][0, 0, 5] = 99
    faults = {finding.fault for finding in verify(tiny_copy.storage, tiny_copy.manifest).findings}
    assert faults == {Fault.POOL}


def test_too_few_compressed_images_leave_lr_as_it_was(tiny: Tiny, tmp_path: object) -> None:
    """A higher `min_share` empties the pool: programs and noise are those of `compression: off`."""
    few = build(tiny_recipe(tiny.photographs, compression={"min_share": 0.6}), f"{tmp_path}/few")
    off = build(
        tiny_recipe(
            tiny.photographs,
            degraders=[{"kind": "realsr", "weight": 3, "compression": "off"}, {"kind": "bicubic"}],
        ),
        f"{tmp_path}/off",
    )
    with_jpeg, without, never = (
        {ref.kind: ref.digest for ref in made.identity.pools} for made in (tiny.manifest, few, off)
    )
    assert "compression" not in without
    assert without["noise"] == never["noise"] != with_jpeg["noise"]
    assert "mine_compression" not in off.identity.stages


def test_the_report_says_what_was_found(tiny: Tiny) -> None:
    page = (tiny.version / "report/index.html").read_text()
    assert "1 of 2 real images were compressed as JPEG" in page
    assert "<td>1.jpg</td>" in page or ">1.jpg<" in page
