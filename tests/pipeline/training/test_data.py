"""What a training is fed: mixtures of degraders, and curricula."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.training.data import Feed, Mixture, open_split, shared
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from tests.support.training import config, corpora, run

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return corpora(tmp_path_factory.mktemp("feed"))


@pytest.mark.parametrize(
    ("workers", "each"), [(0, [0, 0, 0]), (1, [1, 1, 1]), (8, [2, 3, 3]), (9, [3, 3, 3])]
)
def test_scales_share_the_workers(workers: int, each: list[int]) -> None:
    assert shared(workers, 3) == each
    assert shared(workers, 1) == [workers]


def test_mixtures_take_pairs_as_often_as_their_degraders_weigh(workspace: Storage) -> None:
    source = open_split(workspace, find_version(workspace, "pairs"), "train")
    counts = Counter(source.degraders.tolist())
    for weights, wanted in (
        (None, counts),
        ({"ikc": 5.0}, {"ikc": counts["ikc"]}),
        ({"ikc": 0.5, "bicubic": 1.5}, {"ikc": counts["ikc"], "bicubic": 3 * counts["bicubic"]}),
    ):
        mixture = Mixture(source, 32, 7, weights, "here")
        assert Counter(source.degraders[mixture.numbers].tolist()) == wanted
    between = Mixture(source, 32, 7, {"ikc": 1.0, "bicubic": 1.5}, "here")
    found = Counter(source.degraders[between.numbers].tolist())
    assert found["ikc"] == counts["ikc"]
    assert counts["bicubic"] < found["bicubic"] < 2 * counts["bicubic"]
    twice = Mixture(source, 32, 7, {"bicubic": 2.0, "ikc": 1.0}, "here")
    copies = np.flatnonzero(twice.numbers == np.flatnonzero(source.degraders == "bicubic")[0])
    crops = [twice[0, int(number)][0] for number in copies]
    assert len(crops) == 2
    assert not torch.equal(*crops)  # copies are cut elsewhere
    with pytest.raises(UserError, match="no pairs of this degrader"):
        Mixture(source, 32, 7, {"ikcc": 1.0}, "here")


def test_a_curriculum_changes_crops_batches_and_degraders(workspace: Storage) -> None:
    phases = [{"at": 4, "crop": 24, "batch": 3}, {"at": 9, "degraders": {"ikc": 1}}]
    chosen, source = (
        config(phases=phases),
        open_split(workspace, find_version(workspace, "pairs"), "train"),
    )
    feed, shapes, states = Feed(chosen, {2: source}), [], []
    batches = []
    for hr, lr in feed:
        shapes.append((len(hr), hr.shape[-1], lr.shape[-1]))
        batches.append(hr)
        states.append(feed.state())
        if len(shapes) == 14:
            break
    assert shapes == [(5, 32, 16)] * 4 + [(3, 24, 12)] * 10
    for step in (2, 4, 6, 9, 12):
        again = iter(Feed(chosen, {2: source}, step, states[step - 1]))
        assert all(torch.equal(next(again)[0], wanted) for wanted in batches[step:])
    done = run(workspace, name="phases", phases=phases, steps=12)
    assert done.step == 12
