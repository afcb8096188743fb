"""The table of normals, what is made of it, and Poisson counts, each against scipy or a count over
all places."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import sqrtm
from scipy.special import ndtri

from pairmill.models.functional import noise, poisson
from tests.support.make import photograph

EVERY_PLACE = np.arange(1 << 16, dtype="<u2").view("<u8").astype(np.uint64)
"""Words that hold each 16-bit number once, rising: what they give is the whole distribution."""


def test_a_word_holds_four_places_lowest_bits_first() -> None:
    words = np.array([0x0004_0003_0002_0001, 0xFFFF_0000_8000_7FFF], np.uint64)
    assert noise.places(words, 7).tolist() == [1, 2, 3, 4, 0x7FFF, 0x8000, 0]
    assert [noise.words_for(n) for n in (0, 1, 4, 5)] == [0, 1, 1, 2]
    with pytest.raises(ValueError, match="2 words are too few for 9 samples"):
        noise.places(words, 9)


def test_both_ways_of_looking_up_give_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    found = noise.normals(EVERY_PLACE, (256, 256))
    np.testing.assert_array_equal(found.ravel(), noise.normal_table(), strict=True)
    monkeypatch.setattr(noise, "LOOKS_16_BITS_UP", not noise.LOOKS_16_BITS_UP)
    if int(cv2.__version__.partition(".")[0]) >= 5:
        np.testing.assert_array_equal(noise.normals(EVERY_PLACE, (256, 256)), found, strict=True)


def test_the_table_never_changes() -> None:
    assert (
        noise.table_digest() == "07b1439ff184dbec83a8b587beb0a82d4f72fc574e6dbf944b5e2fd35b68664b"
    )
    with pytest.raises(ValueError, match="read-only"):
        noise.normal_table()[0] = 0


def test_the_table_is_the_same_on_every_machine() -> None:
    """A last bit more or less in `ndtri` moves no entry to another multiple of 2**-16: none is near
    a boundary."""
    lower = ndtri((np.arange(1 << 15) + 0.5) / (1 << 16))
    fixed = lower / np.sqrt(np.mean(lower**2)) * (1 << 16)
    assert np.abs(fixed - np.floor(fixed) - 0.5).min() > 1e-6
    np.testing.assert_array_equal(np.rint(fixed), noise.normal_table()[: 1 << 15] * (1 << 16))


def test_the_table_is_normal() -> None:
    """Mean exactly 0, variance 1 within 2e-8, kurtosis 3 within 8e-4, sixth moment 15 within 0.03,
    ends at 4.325 sigma."""
    table = noise.normal_table()
    assert table.sum() == 0
    assert np.mean(table**2) == pytest.approx(1, abs=2e-8)
    assert np.mean(table**4) == pytest.approx(3, abs=8e-4)
    assert np.mean(table**6) == pytest.approx(15, abs=0.03)
    assert table[[0, -1]].tolist() == pytest.approx([-4.32497, 4.32497], abs=1e-5)
    assert (
        np.abs(stats.norm.cdf(table) * (1 << 16) - np.arange(1 << 16) - 0.5).max() < 0.31
    )  # in places


def test_normals_look_their_places_up() -> None:
    words = np.array([0xFFFF_0000_C000_8000, 7], np.uint64)
    table = noise.normal_table()
    np.testing.assert_array_equal(
        noise.normals(words, (5, 1)).ravel(), table[[0x8000, 0xC000, 0, 0xFFFF, 7]]
    )
    assert noise.normals(words, (1, 2))[0].tolist() == pytest.approx([1.53e-5, 0.674515], abs=1e-6)


def covariances() -> st.SearchStrategy[NDArray[np.float64]]:
    """A A^T of matrices of rank one to three, up to a variance of about 255^2."""
    entries = st.lists(st.floats(-140, 140), min_size=9, max_size=9)
    return st.tuples(entries, st.integers(1, 3)).map(
        lambda made: _square(np.reshape(made[0], (3, 3))[:, : made[1]])
    )


def _square(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    product = matrix @ matrix.T
    return (product + product.T) / 2


@given(covariances())
@settings(deadline=None, max_examples=100)
def test_the_root_times_itself_is_the_covariance(covariance: NDArray[np.float64]) -> None:
    root = noise.covariance_root(covariance.tolist())
    np.testing.assert_array_equal(root, root.T)
    np.testing.assert_array_equal(root * noise.FINE, np.rint(root * noise.FINE))
    np.testing.assert_allclose(root @ root, covariance, atol=1e-4, rtol=0)
    assert np.linalg.eigvalsh(root)[0] > -1e-6


def test_the_root_is_the_symmetric_one() -> None:
    diagonal = ((4.0, 0.0, 0.0), (0.0, 9.0, 0.0), (0.0, 0.0, 0.25))
    np.testing.assert_array_equal(noise.covariance_root(diagonal), np.diag([2, 3, 0.5]))
    mixed = ((625.0, 100.0, 50.0), (100.0, 400.0, 30.0), (50.0, 30.0, 300.0))
    np.testing.assert_allclose(noise.covariance_root(mixed), sqrtm(mixed), atol=2 / noise.FINE)
    np.testing.assert_allclose(
        noise.covariance_root(np.ones((3, 3)).tolist()),
        np.full((3, 3), 3**-0.5),
        atol=2 / noise.FINE,
    )


def test_what_rounding_left_below_zero_is_zero() -> None:
    nearly = ((1.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, -1e-4))
    np.testing.assert_array_equal(noise.covariance_root(nearly), np.diag([1, 2, 0]))


def test_correlated_sums_are_exact_in_any_order() -> None:
    """A matrix product may add and fuse as it likes: no sum needs more than 53 bits, even at the
    largest covariance."""
    root = noise.covariance_root([[255.0**2] * 3] * 3)
    words = np.random.Philox(key=5).random_raw(3000)
    given_, unit = (
        noise.normal_field(words, 4000, "correlated", 0, root),
        noise.normals(words, (4000, 3)),
    )
    whole = [[round(x * 65536) for x in row] for row in unit.tolist()]
    fixed = [[round(x * noise.FINE) for x in row] for row in root.tolist()]
    exact = [
        [sum(row[k] * fixed[k][j] for k in range(3)) / (noise.FINE * 65536) for j in range(3)]
        for row in whole
    ]
    np.testing.assert_array_equal(given_, exact)


def test_sigmas_of_blocks() -> None:
    """3 x 2 blocks of 8 cover 17 x 10 pixels; a word of all ones is the largest sigma."""
    words = np.array([0, 1 << 63, (1 << 64) - 1, 1 << 62, 3 << 62, 1 << 61], np.uint64)
    sigmas = noise.block_sigmas(words, (17, 10), 8, 10.0, 90.0)
    assert sigmas.shape == (17, 10, 1)
    assert sigmas[[0, 0, 8, 8, 16, 16], [0, 9, 7, 8, 0, 9], 0].tolist() == pytest.approx(
        [10, 50, 90, 30, 70, 20]
    )
    assert sigmas[:8, :8].std() == 0


def distance(mean: float) -> float:
    """Total variation distance between what all places give and Poisson's law."""
    counts = counts_of(mean)
    values = np.arange(counts.max() + 2)
    given_, law = (
        np.bincount(counts, minlength=len(values)) / len(counts),
        stats.poisson.pmf(values, mean),
    )
    return float((np.abs(given_ - law).sum() + stats.poisson.sf(values[-1], mean)) / 2)


def counts_of(mean: float) -> NDArray[np.int64]:
    """The count at each place, for a white image of that mean."""
    levels = np.full(1 << 16, 255, np.uint8)
    return poisson.poisson_counts(poisson.poisson_law(mean), EVERY_PLACE, levels).astype(np.int64)


@pytest.mark.parametrize(
    "mean", [0.01, 0.3, 1, 2.5, 3.99, 4, 4.01, 4.3, 5, 7.7, 12, 30, 128, 256, 700, 1500]
)
def test_counts_follow_poissons_law(mean: float) -> None:
    counts = counts_of(mean)
    assert distance(mean) < 1e-3
    assert counts.mean() == pytest.approx(mean, rel=3e-4, abs=2e-5)
    assert counts.var() == pytest.approx(mean, rel=1.5e-3, abs=4e-5)
    assert stats.skew(counts) == pytest.approx(mean**-0.5, rel=0.02)
    assert (np.diff(counts) >= 0).all()  # as an inverse does


@given(st.floats(4, 300))
@settings(deadline=None, max_examples=25)
def test_the_expansion_is_close_everywhere(mean: float) -> None:
    assert distance(mean) < 7.5e-4


def test_bright_white() -> None:
    """2**16 places are few for 400 counts, so that single probabilities are coarse, but not the
    moments."""
    assert distance(10_000) < 2.5e-3
    counts = counts_of(10_000)
    assert (counts.mean(), counts.var()) == (
        pytest.approx(10_000, rel=1e-5),
        pytest.approx(10_000, rel=1e-4),
    )


@given(st.floats(1e-6, 3.9999))
@settings(deadline=None, max_examples=12)
def test_few_photons_are_exact(mean: float) -> None:
    """The quantile of each place; where a place and a step meet, scipy's own rounding decides,
    hence the one exception."""
    exact = stats.poisson.ppf((np.arange(1 << 16) + 0.5) / (1 << 16), mean)
    assert np.count_nonzero(counts_of(mean) != exact) <= 1


def test_no_light_no_photons() -> None:
    words, black = np.random.Philox(key=1).random_raw(300), np.zeros((37, 31), np.uint8)
    assert not poisson.poisson_counts(poisson.poisson_law(1e4), words, black).any()


def test_each_sample_has_its_own_mean() -> None:
    """Levels on both sides of the table's end in one image; a count depends on its own level and
    place only."""
    levels = photograph(3, 37, 31)
    words = np.random.Philox(key=2).random_raw(noise.words_for(levels.size))
    law = poisson.poisson_law(10.0)
    assert 0.01 < law.few[levels].mean() < 0.99
    together = poisson.poisson_counts(law, words, levels).ravel()
    places = noise.places(words, levels.size)
    for number in range(0, levels.size, 97):
        single = np.array([places[number]], np.uint64)
        assert (
            poisson.poisson_counts(law, single, levels.ravel()[number : number + 1])[0]
            == together[number]
        )


@pytest.mark.parametrize(
    ("distinct", "peak"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (129, 256), (256, 256)]
)
def test_peak_of_levels(distinct: int, peak: int) -> None:
    levels = np.resize(np.arange(256, dtype=np.uint8)[::-1][:distinct], (37, 31))
    assert poisson.peak_of_levels(levels) == peak


def test_luminance_is_rounded_half_up() -> None:
    image = photograph(1)
    exact = image @ np.array([0.299, 0.587, 0.114])
    grey = poisson.luminance(image)
    assert grey.shape == (37, 31, 1)
    assert np.abs(grey[..., 0] - exact).max() <= 0.502
    same = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    np.testing.assert_array_equal(poisson.luminance(same)[..., 0], same[..., 0])


@given(
    st.sampled_from([0.7, 3.0, 4.1, 60.0, 255.0, 1000.0, 9000.0]),
    st.integers(1, 300),
    st.sampled_from([1, 3]),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_counts_have_the_bits_of_the_plain_formula(
    peak: float, pixels: int, channels: int, seed: int
) -> None:
    """Sample by sample: a count over the row of the table, or Horner's rule."""
    levels = np.random.default_rng(seed).integers(0, 256, (pixels, channels), np.uint8)
    words = np.random.Philox(key=seed).random_raw(noise.words_for(levels.size))
    found = poisson.poisson_counts(poisson.poisson_law(peak), words, levels)
    means = np.arange(256) * peak / 255
    below = poisson.count_table(means)
    terms = poisson.expansion(np.maximum(means, poisson.FEW))
    places, table = noise.places(words, levels.size), noise.normal_table()
    for count, level, place in zip(found.ravel(), levels.ravel(), places, strict=True):
        if means[level] < poisson.FEW:
            assert count == (below[level] <= place).sum()
            continue
        total = terms[0, level]
        for row in terms[1:]:
            total = total * table[place] + row[level]
        assert count == max(np.floor(total), 0)
