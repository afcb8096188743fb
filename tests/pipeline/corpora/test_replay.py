"""Replay: every stored LR comes out of its HR, its program and the pools again."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from pairmill.pipeline.corpora.replay import Replayed, find_samples, read_table, replay, replay_one
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.shards.shard_pairs import stored_pair
from pairmill.pipeline.shards.tar import ShardForm, read_members
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.program import Program
from tests.support.make import Tiny


def replayed(tiny: Tiny, count: int | None = None) -> list[Replayed]:
    keys = [row.key for row in read_table(tiny.storage, tiny.manifest)][:count]
    return list(
        replay(tiny.storage, tiny.manifest, find_samples(tiny.storage, tiny.manifest, keys))
    )


def test_every_sample_is_identical(tiny: Tiny) -> None:
    samples = replayed(tiny)
    assert len(samples) == sum(tiny.manifest.identity.samples.values())
    assert all(sample.identical for sample in samples)
    assert {sample.record.degrader for sample in samples} == set(tiny.manifest.identity.degraders)
    for sample in samples:
        assert sample.hr.shape == (*(2 * side for side in sample.lr.shape[:2]), 3) == (32, 32, 3)
        assert (sample.record.box.width, sample.record.box.height) == (32, 32)
        assert (
            Program.model_validate_json(sample.record.program).canonical_json()
            == sample.record.program
        )


def test_a_tampered_lr_is_found(tiny: Tiny) -> None:
    """One intensity level in one channel of one pixel; and an honest LR with a forged digest."""
    from pairmill.pipeline.corpora.replay import corpus_assets

    assets = corpus_assets(tiny.storage, tiny.manifest)
    shard = tiny.version / "shards" / tiny.manifest.shard_names[0]
    with shard.open("rb") as file:
        _, fields = next(read_members(file))
    form = ShardForm.of(tiny.manifest.identity.recipe)
    honest = replay_one(stored_pair(fields, form), assets)
    assert honest.identical
    lr = honest.lr.copy()
    lr[3, 5, 1] ^= 1
    tampered = replay_one(stored_pair(fields | {"lr.png": encode_png(lr)}, form), assets)
    assert not tampered.identical
    assert np.array_equal(honest.again, tampered.again)
    forged = honest.record.with_(lr_sha256="0" * 64).canonical_json().encode()
    assert not replay_one(stored_pair(fields | {"json": forged}, form), assets).identical
    hr = honest.hr.copy()
    hr[:9] = 255 - hr[:9]
    assert not replay_one(stored_pair(fields | {"hr.png": encode_png(hr)}, form), assets).identical


def test_a_missing_pool_is_a_clear_error(tiny_copy: Tiny) -> None:
    shutil.rmtree(tiny_copy.version / "pools/noise.zarr")
    with pytest.raises(IntegrityError, match="a pool of this corpus is missing") as caught:
        replayed(tiny_copy)
    assert "noise.zarr" in caught.value.where
    assert caught.value.todo


def test_a_version_needs_nothing_outside_itself(tiny_copy: Tiny) -> None:
    shutil.rmtree(tiny_copy.workspace / "stages")
    assert all(sample.identical for sample in replayed(tiny_copy, 6))


def test_an_unknown_key_is_a_clear_error(tiny: Tiny) -> None:
    with pytest.raises(UserError, match="no sample 'nothing'") as caught:
        find_samples(tiny.storage, tiny.manifest, ["nothing"])
    assert next(read_table(tiny.storage, tiny.manifest)).key in caught.value.wanted


def test_a_sample_that_is_not_in_its_shard_is_a_clear_error(tiny: Tiny) -> None:
    with pytest.raises(IntegrityError, match="sample nothing is not in its shard"):
        list(replay(tiny.storage, tiny.manifest, {tiny.manifest.shard_names[0]: {"nothing"}}))


def test_samples_are_found_where_they_lie(tiny: Tiny) -> None:
    rows = list(read_table(tiny.storage, tiny.manifest))
    found = find_samples(tiny.storage, tiny.manifest, [rows[0].key, rows[-1].key])
    assert found == {rows[0].shard: {rows[0].key}, rows[-1].shard: {rows[-1].key}}
