"""One sample, one group: kernels, noise and compression of a program come from the same
photographs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from pairmill.pipeline import degraders
from pairmill.pipeline.degraders.base import PoolInfo, Pools
from pairmill.pipeline.rng import stream
from pairmill.schemas.corpus import PoolRef
from pairmill.schemas.degraders.kmsr import KmsrConfig
from pairmill.schemas.degraders.realsr import RealSrConfig
from pairmill.schemas.groups import RowGroups
from pairmill.schemas.ops.pooled import Inject, InjectByLevel, PooledBlur, PooledJpeg
from pairmill.schemas.program import Program
from tests.support.pools import pools

DRAWS = 2000
COUNTS = (30, 10)
KERNELS, NOISE, ENCODERS = (0, 1, 0, 1, 1), (1, 1, 0, 0, 1, 0), (0, 0, 1)
HR = (128, 128)  # LR of four crops


def grouped(
    kernels: tuple[int, ...] = KERNELS,
    noise: tuple[int, ...] = NOISE,
    encoders: tuple[int, ...] = ENCODERS,
    counts: tuple[int, ...] = COUNTS,
    shares: tuple[float, ...] = (0.5, 1.0),
) -> Pools:
    known = dict(pools()[0])
    known["compression"] = PoolInfo("c" * 64, 3, 8, 0.6)
    rows = {"kernels": kernels, "noise": noise, "compression": encoders}
    for kind, numbers in rows.items():
        groups = RowGroups(
            rows=numbers, photographs=counts, shares=shares if kind == "compression" else ()
        )
        known[kind] = replace(known[kind], groups=groups)
    return known


def drawn(config: Any, known: Pools, count: int = DRAWS) -> list[Program]:
    degrader = degraders.build(config, 2, known)
    return [degrader.draw(stream("test", n), HR) for n in range(count)]


def rows(program: Program) -> tuple[int | None, set[int], int | None]:
    """Rows of the kernel, the patches and the encoder."""
    kernel, patches, encoder = None, set[int](), None
    for op in program.ops:
        if isinstance(op, PooledBlur):
            kernel = op.index
        elif isinstance(op, Inject | InjectByLevel):
            patches = {place.index for place in op.placements}
        elif isinstance(op, PooledJpeg):
            encoder = op.index
    return kernel, patches, encoder


def near(found: int, expected: float) -> bool:
    return abs(found - expected) < 4 * max(expected, 1) ** 0.5


def test_all_of_a_sample_comes_from_one_group_in_proportion_to_its_photographs() -> None:
    of_group, compressed = Counter[int](), Counter[int]()
    kernels, patches = Counter[int](), Counter[int]()
    for program in drawn(RealSrConfig(), grouped()):
        kernel, crops, encoder = rows(program)
        assert kernel is not None
        group = KERNELS[kernel]
        assert {NOISE[row] for row in crops} == {group}
        if encoder is not None:
            assert ENCODERS[encoder] == group
            compressed[group] += 1
        of_group[group] += 1
        kernels[kernel] += 1
        patches.update(crops)
    assert near(of_group[0], 0.75 * DRAWS)
    assert near(compressed[0], 0.5 * of_group[0])
    assert compressed[1] == of_group[1]
    assert near(kernels[0], of_group[0] / 2)
    assert near(kernels[4], of_group[1] / 3)
    assert len(patches) == 6


@pytest.mark.parametrize("config", [RealSrConfig(), KmsrConfig(), KmsrConfig(noise=True)])
def test_without_groups_programs_are_what_they_were(config: Any) -> None:
    """No extra draw; the bytes themselves are golden."""
    plain = {kind: replace(pool, groups=None) for kind, pool in grouped().items()}
    one = grouped((0,) * 5, (0,) * 6, (0,) * 3, (40,), (0.6,))
    assert drawn(config, one, 40) == drawn(config, plain, 40)


def test_a_group_borrows_what_it_has_none_of() -> None:
    """Group 1 has kernels and no noise; group 2 has nothing and takes no part."""
    known = grouped(noise=(0,) * 6, counts=(20, 20, 60), shares=(1.0, 1.0, 1.0))
    kinds = Counter[int]()
    for program in drawn(RealSrConfig(), known, 400):
        kernel, crops, _ = rows(program)
        assert kernel is not None
        kinds[KERNELS[kernel]] += 1
        assert crops
    assert near(kinds[0], 200)
    assert kinds[0] + kinds[1] == 400


def test_a_group_without_jpegs_is_not_compressed_unless_all_must_be() -> None:
    known = grouped(encoders=(0, 0, 0), shares=(1.0, 0.0))
    for program in drawn(RealSrConfig(), known, 200):
        kernel, _, encoder = rows(program)
        assert (encoder is None) == (KERNELS[kernel or 0] == 1)
    always = [rows(p)[2] for p in drawn(RealSrConfig(compression="always"), known, 200)]
    assert None not in always
    assert set(always) == {0, 1, 2}


def test_generated_kernels_are_of_all_groups() -> None:
    known = grouped()
    generated = Counter[int]()
    for program in drawn(KmsrConfig(noise=True), known, 600):
        blur = program.ops[0]
        assert isinstance(blur, PooledBlur)
        group = {NOISE[row] for row in rows(program)[1]}
        assert len(group) == 1
        if blur.pool == known["generated_kernels"].digest:
            generated[blur.index * 2 + group.pop()] += 1
        else:
            assert {KERNELS[blur.index]} == group
    assert len(generated) == 4


def test_a_pool_of_no_groups_gives_all_its_rows() -> None:
    """A placeholder beside sealed pools."""
    known = grouped()
    known["noise"] = replace(known["noise"], groups=None)
    assert {row for p in drawn(RealSrConfig(), known, 300) for row in rows(p)[1]} == set(range(6))


def test_row_groups_are_checked_and_left_out_where_there_are_none() -> None:
    with pytest.raises(ValidationError, match="a row is of a group"):
        RowGroups(rows=(0, 2), photographs=(1, 1))
    with pytest.raises(ValidationError, match="1 shares for 2 groups"):
        RowGroups(rows=(0,), photographs=(1, 1), shares=(1.0,))
    ref = PoolRef(kind="kernels", digest="a" * 64, count=2, side=3)
    assert "groups" not in ref.model_dump()
    told = ref.with_(groups=RowGroups(rows=(0, 1), photographs=(4, 5)))
    assert PoolRef.model_validate_json(told.canonical_json()) == told
    assert PoolInfo.of(told).groups == told.groups
