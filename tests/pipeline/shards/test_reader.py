"""The reader for training: its properties over ranks, workers, epochs and interruptions, and pixels
in their places."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pairmill.models.functional.labels import turn
from pairmill.pipeline.images.encode import decode_png, encode_png
from pairmill.pipeline.rng import stream
from pairmill.pipeline.shards.index import read_index
from pairmill.pipeline.shards.reader import Loader, Pairs, epoch_order, pairs, random_square
from pairmill.pipeline.shards.tar import read_members
from pairmill.pipeline.workspace.stores import PATIENCE
from pairmill.schemas.errors import IntegrityError, StoreError, UnreachableError, UserError
from tests.support.make import Tiny

SCALE = 2
TILE = 12
COUNT = 23


def numbered(number: int) -> tuple[np.ndarray, np.ndarray]:
    """An LR whose every pixel says its number, row and column, and an HR of blocks that say the
    same."""
    rows, columns = np.mgrid[: TILE // SCALE, : TILE // SCALE]
    lr = np.stack([np.full_like(rows, number), 10 * rows, 10 * columns], axis=-1).astype(np.uint8)
    return lr.repeat(SCALE, 0).repeat(SCALE, 1), lr


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three tars of 10, 1 and 12 samples, written by webdataset's own writer."""
    import webdataset

    paths, number = [], 0
    for shard, count in enumerate((10, 1, 12)):
        path = tmp_path_factory.mktemp("shards") / f"{shard}.tar"
        with webdataset.TarWriter(str(path), encoder=False, mtime=0) as tar:
            for _ in range(count):
                hr, lr = numbered(number)
                tar.write(
                    {
                        "__key__": f"sample-{number:03d}",
                        "hr.png": encode_png(hr),
                        "lr.png": encode_png(lr),
                        "json": b"{}",
                    }
                )
                number += 1
        paths.append(str(path))
    return paths


def seen(loader: Loader) -> list[int]:
    """Numbers of the samples of one epoch, in order."""
    return [int(number) for _, lr in loader for number in lr[:, 0, 0, 0]]


def same(a: tuple[torch.Tensor, torch.Tensor], b: tuple[torch.Tensor, torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_the_index_gives_the_bytes_of_the_members(shards: list[str], tiny: Tiny) -> None:
    own = [str(tiny.version / "shards" / name) for name in tiny.manifest.shard_names]
    for places in (shards, own, [f"file://{place}" for place in shards]):
        index, number = read_index(places), 0
        for place in places:
            with fsspec.open(place, "rb") as file:
                for key, fields in read_members(file):
                    assert index.key(number) == key
                    assert index.read(number) == (fields["hr.png"], fields["lr.png"])
                    number += 1
        assert len(index) == number > 0


def test_a_store_that_fails_for_a_while_is_asked_again(
    shards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/x.tar", Path(shards[0]).read_bytes())
    near, index = read_index(shards[:1]), read_index(["memory://bucket/x.tar"])
    whole, failures = store.cat_file, [ConnectionResetError("reset"), TimeoutError()]

    def cat(path: str, **span: int) -> bytes:
        if failures:
            raise failures.pop()
        return bytes(whole(path, **span))

    monkeypatch.setattr(type(store), "cat_file", lambda _, path, **span: cat(path, **span))
    assert index.read(3) == near.read(3)
    assert not failures
    failures += [ConnectionResetError("reset")] * 9
    monkeypatch.setenv(PATIENCE, "0")
    with pytest.raises(UnreachableError, match="the store does not answer"):
        index.read(3)
    store.rm("/bucket", recursive=True)
    failures.clear()
    with pytest.raises(StoreError, match="cannot read a file"):
        index.read(3)


def test_the_index_refuses_what_is_no_shard(shards: list[str], tmp_path: Path) -> None:
    data = Path(shards[0]).read_bytes()
    alone = data[: tarfile.BLOCKSIZE * 2] + bytes(tarfile.BLOCKSIZE)
    assert int(data[124:135], 8) <= tarfile.BLOCKSIZE
    for content, said in (
        (b"GIF89a" * 200, "is truncated or not a tar file"),
        (alone.replace(b"hr.png", b"lr.png", 1), "lacks an image"),
        (b"", "is truncated"),
    ):
        (tmp_path / "x.tar").write_bytes(content)
        with pytest.raises(IntegrityError, match=said):
            read_index([str(tmp_path / "x.tar")])
    (tmp_path / "x.tar").write_bytes(alone)
    with pytest.raises(UserError, match="LR of this corpus is not stored"):
        read_index([str(tmp_path / "x.tar")])


def test_a_shard_that_is_cut_anywhere_is_refused(shards: list[str], tmp_path: Path) -> None:
    """Also inside an image and between two, where what is left looks like a shorter shard."""
    data = Path(shards[0]).read_bytes().rstrip(b"\0")
    for length in (*range(0, len(data), 256), len(data)):
        (tmp_path / "x.tar").write_bytes(data[:length])
        with pytest.raises(IntegrityError, match="is truncated"):
            read_index([str(tmp_path / "x.tar")])


def test_long_names_are_read_from_the_prefix(tmp_path: Path) -> None:
    hr, lr = map(encode_png, numbered(0))
    key = "d" * 90 + "/" + "k" * 90
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for side, data in (("hr.png", hr), ("lr.png", lr)):
            info = tarfile.TarInfo(f"{key}.{side}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    index = read_index([str(tmp_path / "x.tar")])
    assert (index.key(0), index.read(0)) == (key, (hr, lr))


@pytest.mark.parametrize(
    ("world", "batch", "workers"), [(1, 4, 0), (1, 5, 2), (3, 2, 0), (4, 3, 2)]
)
def test_every_sample_once_per_epoch_over_ranks_and_workers(
    shards: list[str], world: int, batch: int, workers: int
) -> None:
    data = Pairs(shards, 8, seed=3)
    loaders = [
        Loader(data, batch, workers=workers, rank=rank, world=world, even=False)
        for rank in range(world)
    ]
    first = [number for loader in loaders for number in seen(loader)]
    assert sorted(first) == list(range(COUNT))
    second = [number for loader in loaders for number in seen(loader)]
    assert sorted(second) == list(range(COUNT))
    assert second != first


def test_even_ranks_leave_out_other_samples_each_time(shards: list[str]) -> None:
    data, left = Pairs(shards, 8, seed=3), set[int]()
    loaders = [Loader(data, 2, rank=rank, world=5) for rank in range(5)]
    for _ in range(8):
        given = [seen(loader) for loader in loaders]
        assert {len(numbers) for numbers in given} == {COUNT // 5} == {4}
        counted = Counter(number for numbers in given for number in numbers)
        assert set(counted.values()) == {1}
        left |= set(range(COUNT)) - set(counted)
    assert len(left) > 6, "three samples are left out in each epoch, not the same ones"


def test_any_number_of_workers_gives_the_same_batches(shards: list[str]) -> None:
    data = Pairs(shards, 8, seed=5)
    alone, helped = Loader(data, 4), Loader(data, 4, workers=2, prefetch=2)
    for _ in range(2):
        for a, b in zip(alone, helped, strict=True):
            assert same(a, b)


def test_epochs_differ_and_repeat_by_seed(shards: list[str]) -> None:
    a, b, c = (Loader(Pairs(shards, 8, seed=seed), COUNT) for seed in (1, 1, 2))
    epochs = [next(iter(a)) for _ in range(1)] + [next(iter(c))]
    assert same(epochs[0], next(iter(b)))
    assert not same(epochs[0], epochs[1])
    orders = {tuple(epoch_order(COUNT, 1, epoch)) for epoch in range(50)}
    assert len(orders) == 50


def test_the_order_is_that_of_the_words_and_places_are_uniform() -> None:
    """The first sample of an epoch is any of six with equal chance: chi-square with 5 degrees of
    freedom, p = 0.001 at 20.5."""
    assert epoch_order(5, 0, 0).tolist() == epoch_order(5, 0, 0).tolist()
    assert sorted(epoch_order(1000, 7, 3)) == list(range(1000))
    first = np.bincount([epoch_order(6, 9, epoch)[0] for epoch in range(3000)], minlength=6)
    assert ((first - 500) ** 2 / 500).sum() < 20.5


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loop_continues_with_the_very_next_batch(shards: list[str], workers: int) -> None:
    """Stopped anywhere in two epochs, also with batches in the workers' hands; the state goes
    through JSON."""
    data = Pairs(shards, 8, seed=11)
    whole = Loader(data, 5)
    batches = [batch for _ in range(2) for batch in whole]
    assert len(batches) == 10
    for stop in (1, 3, 5, 6, 9):
        loader, taken, state = Loader(data, 5, workers=workers), 0, ""
        while not state:
            for _ in loader:
                taken += 1
                if taken == stop:
                    state = json.dumps(loader.state_dict())
                    break
        again = Loader(Pairs(shards, 8, seed=11), 5, workers=workers)
        again.load_state_dict(json.loads(state))
        rest = [batch for _ in range(2) for batch in again][: 10 - stop]
        assert len(rest) == 10 - stop
        assert all(same(a, b) for a, b in zip(rest, batches[stop:], strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_after_an_error_the_same_batch_is_asked_for_again(
    shards: list[str], workers: int, tmp_path: Path
) -> None:
    """A store that is away for a while costs no batch, and none comes twice."""
    (tmp_path / "store").mkdir()
    places = [str(shutil.copy(shard, tmp_path / "store")) for shard in shards]
    whole, loader = (
        Loader(Pairs(shards, 8, seed=4), 5),
        Loader(Pairs(places, 8, seed=4), 5, workers=workers, prefetch=1),
    )
    taken = []
    for number, batch in enumerate(loader):
        taken.append(batch)
        if number == 1:
            break
    store, away = tmp_path / "store", tmp_path / "away"
    store.rename(away)
    with pytest.raises(OSError, match="No such file"):
        taken.extend(loader)  # workers have some batches ready
    away.rename(store)
    taken += [batch for _ in range(2) for batch in loader]
    loader.close()  # now: the error's frames hold it for long
    wanted = [batch for _ in range(3) for batch in whole]
    assert all(same(a, b) for a, b in zip(taken, wanted, strict=False))
    assert len(taken) >= 2 * len(whole)


def test_a_state_is_gone_back_to(shards: list[str]) -> None:
    """What workers had ready for the old place is not handed out."""
    loader = Loader(Pairs(shards, 8, seed=4), 5, workers=1)
    state, first = loader.state_dict(), next(iter(loader))
    loader.load_state_dict(state)
    assert same(first, next(iter(loader)))


def test_the_state_of_another_loader_is_refused(shards: list[str]) -> None:
    state = Loader(Pairs(shards, 8, seed=1), 4).state_dict()
    for places, seed, batch in ((shards, 2, 4), (shards, 1, 5), (shards[:2], 1, 4)):
        other = Loader(Pairs(places, 8, seed=seed), batch)
        with pytest.raises(UserError, match="belongs to another loader"):
            other.load_state_dict(state)


def test_lengths(shards: list[str]) -> None:
    data = Pairs(shards, 8)
    for batch, drop_last, length in (
        (4, False, 6),
        (4, True, 5),
        (23, True, 1),
        (24, True, 0),
        (24, False, 1),
    ):
        loader = Loader(data, batch, drop_last=drop_last)
        assert len(loader) == length == len(list(loader))


@pytest.mark.parametrize("workers", [0, 2])
def test_loops_that_take_just_as_many_batches_as_there_are(shards: list[str], workers: int) -> None:
    """As Lightning does: it never asks for the end."""
    data = Pairs(shards, 8, seed=2)
    counting, asking = Loader(data, 5, workers=workers), Loader(data, 5)
    for epoch in range(3):
        assert counting.epoch == epoch
        source = iter(counting)
        taken = [next(source) for _ in range(len(counting))]
        assert all(same(a, b) for a, b in zip(taken, asking, strict=True))


def test_training_keeps_its_own_random_numbers(shards: list[str]) -> None:
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    seen(Loader(Pairs(shards, 8), 4))
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("crop", [None, 8, 2])
def test_crops_are_aligned_in_every_position(shards: list[str], crop: int | None) -> None:
    """Every HR block still says what its LR pixel says, and over the epochs every place and all
    eight flips and rotations occur."""
    places = set()
    for epoch in range(24):
        for hr, lr in pairs(shards, crop, seed=4, epoch=epoch):
            assert hr.shape == (crop or TILE, crop or TILE, 3)
            assert np.array_equal(lr.repeat(SCALE, 0).repeat(SCALE, 1), hr)
            if len(lr) > 1:
                down, right = lr[1, 0].astype(int) - lr[0, 0], lr[0, 1].astype(int) - lr[0, 0]
                places.add((*lr.min((0, 1))[1:], *down, *right))
    if crop != 2:
        steps = (TILE - (crop or TILE)) // SCALE + 1
        assert len(places) == steps**2 * 8


def test_without_turns_a_crop_is_a_part_of_the_tile(shards: list[str]) -> None:
    data = Pairs(shards, 8, augment=False)
    hr, lr = data[2, 5]
    assert hr.dtype == torch.uint8
    assert hr.is_contiguous()
    whole, (top, left) = (
        numbered(5)[0].transpose(2, 0, 1),
        (int(v) // 10 * SCALE for v in lr[1:, 0, 0]),
    )
    assert np.array_equal(hr.numpy(), whole[:, top : top + 8, left : left + 8])


@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_positions_are_the_symmetries_of_a_square(height: int, width: int, position: int) -> None:
    """Against rot90 and transpose of numpy: the eight flips and rotations of one image are its
    four turns and their mirror images."""
    image = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    augment = turn(image, position)
    ours = {turn(image, p).tobytes() + bytes(turn(image, p).shape) for p in range(8)}
    theirs = [np.rot90(mirrored, k) for mirrored in (image, image.swapaxes(0, 1)) for k in range(4)]
    assert ours == {view.tobytes() + bytes(view.shape) for view in theirs}
    assert augment.shape == ((width, height, 3) if position & 4 else image.shape)


def test_an_lr_of_one_pixel_is_a_tensor_in_every_position(shards: list[str]) -> None:
    data = Pairs(shards, SCALE, seed=1)

    for epoch in range(16):
        hr, lr = data[epoch, 3]
        assert (hr.shape, lr.shape) == ((3, SCALE, SCALE), (3, 1, 1))
        assert (lr == hr).all()


def test_crops_that_cannot_be_taken() -> None:
    for crop in (14, 7, 0, -2):
        with pytest.raises(UserError, match="invalid crop size"):
            random_square((6, 6), 2, crop, stream(0))


def test_a_corpus_is_read_whole(tiny: Tiny) -> None:
    own = [str(tiny.version / "shards" / name) for name in tiny.manifest.shard_names]
    wanted = set()
    for place in own:
        with Path(place).open("rb") as file:
            wanted |= {decode_png(fields["lr.png"]).tobytes() for _, fields in read_members(file)}
    data = Pairs(own, None, augment=False)
    assert {
        lr.numpy().transpose(1, 2, 0).tobytes()
        for _, lr in (data[number] for number in range(len(data)))
    } == wanted
