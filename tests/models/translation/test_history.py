"""Fakes of earlier iterations."""

from __future__ import annotations

import numpy as np
import torch

from pairmill.models.translation.history import History


def numbered(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


def values(images: torch.Tensor) -> list[int]:
    return [int(image[0, 0, 0]) for image in images]


class Numbers:
    """Hands out what it was given."""

    def __init__(self, *rows: tuple[float, float]) -> None:
        self.rows = rows

    def random(self, shape: tuple[int, int]) -> np.ndarray:
        assert shape == (len(self.rows), 2)
        return np.array(self.rows)


def test_it_fills_then_exchanges_half_of_them() -> None:
    """A store of 3: two fakes fill two places; of three more the first fills the last place, the
    second (0.7: not below 0.5) is shown, the third (0.2) takes the place 0.4 x 3 = 1."""
    store = History(3, 2)
    first = store.exchanged(numbered(1, 2), Numbers((0.1, 0.0), (0.1, 0.0)))  # type: ignore[arg-type]
    assert values(first) == [1, 2]
    rows = ((0.1, 0.9), (0.7, 0.9), (0.2, 0.4))
    second = store.exchanged(numbered(3, 4, 5), Numbers(*rows))  # type: ignore[arg-type]
    assert values(second) == [3, 4, 2]
    assert values(store.images) == [1, 5, 3]
    assert int(store.count) == 3


def test_without_places_the_fakes_pass() -> None:
    fakes = numbered(1, 2)
    assert History(0, 2).exchanged(fakes, np.random.default_rng(0)) is fakes


def test_half_of_the_shown_are_old() -> None:
    store, rng = History(16, 2), np.random.default_rng(0)
    old = 0
    for number in range(0, 1600, 8):
        fakes = numbered(*range(number, number + 8))
        old += sum(value < number for value in values(store.exchanged(fakes, rng)))
    assert 0.45 < old / 1600 < 0.55
    assert len(set(values(store.images))) == 16
