"""Checkpoints, and what programs draw from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pairmill.models.fitting.checkpoint import state_bytes
from pairmill.models.functional.resize import bicubic_down, to_uint8
from pairmill.models.translation.checkpoint import Translator, checkpoint_bytes, read_checkpoint
from pairmill.models.translation.draw import numbers, translate
from pairmill.models.translation.measure import card_of
from pairmill.schemas.translation import METHODS
from tests.support.make import photograph
from tests.support.translation import begin, run


def fitted(
    method: str, scale: int = 2, shift: tuple[float, float] = (0, 0), noise: str = "grain"
) -> Translator:
    fit = run(begin(method, scale=scale, generator={"noise": noise}), 4)
    fit.shift = shift
    return read_checkpoint(checkpoint_bytes(card_of(fit), fit.mean))


def normals(translator: Translator, shape: tuple[int, int], seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(numbers(translator, shape))


@pytest.mark.parametrize("method", METHODS)
def test_a_checkpoint_comes_back_and_draws_the_same_for_the_same_numbers(method: str) -> None:
    fit = run(begin(method), 4)
    fit.shift = (0.25, -0.5)
    data = checkpoint_bytes(card_of(fit), fit.mean)
    first, again = read_checkpoint(data), read_checkpoint(data)
    assert checkpoint_bytes(first.card, first.network) == data
    assert (first.card.method, first.card.shift) == (method, (0.25, -0.5))
    hr = photograph(1, 38, 30)
    made = translate(first, hr, normals(first, (19, 15)))
    assert made.shape == (19, 15, 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    np.testing.assert_array_equal(translate(again, hr, normals(again, (19, 15))), made)
    torch.set_num_threads(threads)
    if numbers(first, (19, 15)):
        assert (translate(first, hr, normals(first, (19, 15), 1)) != made).any()


@pytest.mark.parametrize("method", ["bulat", "dsgan"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_all_sizes_are_drawn_from_one_pixel_on(method: str, scale: int) -> None:
    translator = fitted(method, scale, (0.3, -0.7))
    for height, width in ((1, 1), (1, 5), (4, 3)):
        hr = photograph(3, height * scale, width * scale)
        made = translate(translator, hr, normals(translator, (height, width)))
        assert made.shape == (height, width, 3)
        assert np.isfinite(made).all()


@pytest.mark.parametrize("method", ["bulat", "dsgan"])
def test_hr_is_moved_before_it_is_degraded(method: str) -> None:
    """Of a network that adds nothing, a shift by one LR pixel is one by two HR pixels."""
    translator = fitted(method, 2, (2.0, 0.0), noise="none")
    for weight in translator.network.tail.parameters():
        torch.nn.init.zeros_(weight)
    hr = photograph(4, 40, 36)
    clean = to_uint8(bicubic_down(hr, 2))
    made = to_uint8(translate(translator, hr, normals(translator, (20, 18))))
    np.testing.assert_array_equal(made[3:-2], clean[2:-3])


def test_other_bytes_are_no_checkpoint() -> None:
    for wrong in (b"", b"not a checkpoint", state_bytes(begin("dsgan"))):
        with pytest.raises(ValueError, match="not a checkpoint of a translator"):
            read_checkpoint(wrong)
