"""Explanations: the last image is the stored LR, the origin is checked, and what differs is
said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pairmill.flows.cli.explain import run_explain
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.explain.explain import explain, find_row
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.preview.strips import window
from pairmill.pipeline.shards.tar import ShardForm, ShardWriter, make_sample, read_members
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.preview import ExplainData
from pairmill.schemas.program import Program
from pairmill.schemas.sample import SampleRecord, SampleRow
from tests.support.make import Tiny


def rows(tiny: Tiny) -> list[SampleRow]:
    return list(read_table(tiny.storage, tiny.manifest))


def explained(tiny: Tiny, key: str, folder: Path) -> ExplainData:
    return explain(tiny.storage, tiny.manifest, key, Storage(str(folder)), "page")


def test_every_sample_ends_in_its_stored_lr(tiny: Tiny, tmp_path: Path) -> None:
    """One of each degrader and role: the image of the last op is the busiest part of the LR in
    the shard."""
    chosen = {(row.degrader, row.image): row for row in rows(tiny)}
    assert len(chosen) > 3
    for row in chosen.values():
        data = explained(tiny, row.key, tmp_path)
        stored = next(
            replay(
                tiny.storage, tiny.manifest, find_samples(tiny.storage, tiny.manifest, [row.key])
            )
        )
        part, _ = window(stored.hr, 2)
        last = decode_png((tmp_path / "page" / data.strip.steps[-1].picture).read_bytes())
        np.testing.assert_array_equal(last, part.cut(stored.lr))
        np.testing.assert_array_equal(
            decode_png((tmp_path / "page/img/lr.png").read_bytes()), stored.lr
        )
        assert data.identical
        assert "equals the sealed LR bit for bit" in (tmp_path / "page/index.html").read_text()
        assert [step.op for step in data.strip.steps] == [
            op.op for op in Program.model_validate_json(row.program).ops
        ]


def test_origin_is_found_and_checked(tiny: Tiny, tmp_path: Path) -> None:
    row = next(row for row in rows(tiny) if row.degrader == "realsr")
    data = explained(tiny, row.key, tmp_path)
    assert Path(data.origin.source).parent.parent == tiny.photographs
    assert "it is the HR of the sample, bit for bit" in data.origin.note
    assert data.origin.picture


def test_pool_rows_name_their_images(tiny: Tiny, tmp_path: Path) -> None:
    row = next(row for row in rows(tiny) if row.degrader == "realsr")
    data = explained(tiny, row.key, tmp_path)
    kinds = [view.kind for view in data.rows]
    assert kinds[0] == "kernels"
    assert "noise" in kinds
    pool = tiny.sealed["pool_noise"].manifest
    names = {
        image.pixel_sha256: Path(image.url).name
        for image in tiny.sealed["ingest"].manifest.accepted
    }
    for view in [view for view in data.rows if view.kind == "noise"]:
        patch = pool.patches[view.index]
        assert view.source == names[patch.image]
        assert dict(view.facts)["place"] == f"({patch.left}, {patch.top})"


def test_a_source_that_is_gone_costs_only_its_picture(tiny_copy: Tiny, tmp_path: Path) -> None:
    """Stages deleted: the version alone still explains the sample."""
    shutil.rmtree(tiny_copy.workspace / "stages")
    row = rows(tiny_copy)[0]
    data = explained(tiny_copy, row.key, tmp_path)
    assert data.identical
    assert "no longer knows" in data.origin.note
    assert not data.origin.picture


def test_a_changed_lr_is_told(
    tiny_copy: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One intensity level of one pixel."""
    row = rows(tiny_copy)[0]
    shard = tiny_copy.version / "shards" / row.shard
    with shard.open("rb") as file:
        samples = list(read_members(file))
    with shard.open("wb") as file:
        writer = ShardWriter(file)
        for key, fields in samples:
            lr = decode_png(fields["lr.png"])
            lr[0, 0, 0] ^= key == row.key
            writer.write(
                make_sample(
                    SampleRecord.model_validate_json(fields["json"]),
                    decode_png(fields["hr.png"]),
                    lr,
                    ShardForm("fast"),
                )
            )
        writer.close()
    with pytest.raises(SystemExit) as caught:
        run_explain(
            "tiny", row.key, str(tiny_copy.workspace), out=str(tmp_path / "page"), open_=False
        )
    assert caught.value.code == 1
    assert "differs from the sealed LR" in capsys.readouterr().out
    assert "differs from the sealed LR" in (tmp_path / "page/index.html").read_text()


def test_an_unknown_key_gets_the_nearest(tiny: Tiny) -> None:
    known = rows(tiny)[3].key
    with pytest.raises(UserError, match="no sample") as caught:
        find_row(tiny.storage, tiny.manifest, known[:-1] + "7")
    assert known in caught.value.todo
    with pytest.raises(UserError) as caught:
        find_row(tiny.storage, tiny.manifest, "xyz")
    assert rows(tiny)[0].key in caught.value.wanted


def test_the_command_writes_into_the_workspace_and_takes_versions(
    tiny_copy: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    key = rows(tiny_copy)[0].key
    before = tiny_copy.version.stat().st_mtime_ns
    run_explain(
        f"tiny@{tiny_copy.manifest.version[:6]}",
        key,
        str(tiny_copy.workspace),
        out=None,
        open_=False,
    )
    said = capsys.readouterr().out
    assert f"runs/explain/tiny/{tiny_copy.manifest.version}/{key}/index.html" in said
    assert "bit for bit" in said
    assert (
        tiny_copy.workspace / f"runs/explain/tiny/{tiny_copy.manifest.version}/{key}/index.html"
    ).exists()
    assert tiny_copy.version.stat().st_mtime_ns == before
    with pytest.raises(UserError, match="no corpus called"):
        run_explain("tinny", key, str(tiny_copy.workspace), out=None, open_=False)
