"""The classifier two-sample test: properties of folds and intervals, known distributions,
determinism, too little to say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu

from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.realism import auc
from pairmill.pipeline.realism.classify import held_out_scores
from pairmill.pipeline.realism.compare import compare, pool, real_against_real, telling
from pairmill.pipeline.realism.features import features, names
from pairmill.pipeline.realism.folds import assign_folds, halves
from pairmill.pipeline.realism.interval import area, column_areas, interval, pair_counts
from pairmill.schemas.realism import RealismConfig, RealismResult

QUICK = RealismConfig(patches=200, folds=4, network=False)


def scene(seed: int, side: int = 96) -> np.ndarray:
    """Soft shapes and edges, as float intensity levels."""
    rng = np.random.default_rng([7, seed])
    shapes = gaussian_filter(rng.standard_normal((side, side, 3)), (6, 6, 0), mode="wrap") * 200
    return 120 + shapes + 6 * (gaussian_filter(rng.standard_normal((side, side, 1)), (3, 3, 0)) > 0)


def seen(seed: int, std: float, draw: int = 0) -> np.ndarray:
    """An image of scene `seed` with white noise; different draws have different noise."""
    values = scene(seed)
    return np.clip(
        np.rint(values + np.random.default_rng([seed, draw]).normal(0, std, values.shape)), 0, 255
    ).astype(np.uint8)


def between(
    first: float, second: float, config: RealismConfig = QUICK, images: int = 8
) -> RealismResult:
    sources = [str(seed) for seed in range(images)]
    real = [seen(seed, first) for seed in range(images)]
    return auc(real, [seen(seed, second, 1) for seed in range(images)], config, (sources, sources))


def test_equal_distributions_are_not_told_apart() -> None:
    result = between(4.0, 4.0)
    assert result.interval is not None
    assert result.interval[0] <= 0.5 <= result.interval[1]
    assert result.words() == "indistinguishable from real"
    assert result.problem == ""


def test_other_noise_is_told_the_better_the_more_it_differs() -> None:
    results = [between(4.0, std) for std in (4.0, 3.7, 3.0, 1.5)]
    areas = [result.auc or 0 for result in results]
    assert areas == sorted(areas)
    assert areas[-1] > 0.99
    assert results[-1].words() == "almost always distinguishable from real"
    assert any(words.startswith("less noise") for words in results[-1].telling)
    assert results[-1].distance == pytest.approx(areas[-1] - 0.5)


def test_network_tells_noise_apart_too() -> None:
    result = between(4.0, 2.5, QUICK.with_(network=True, patches=150, folds=2))
    assert {c.classifier for c in result.classifiers} == {"linear", "trees", "network"}
    assert next(c.auc for c in result.classifiers if c.classifier == "network") > 0.8


def test_same_question_same_answer() -> None:
    config = QUICK.with_(network=True, patches=100, folds=2)
    sources = [str(seed) for seed in range(6)]
    real, synthetic = [seen(s, 4.0) for s in range(6)], [seen(s, 3.4, 1) for s in range(6)]
    first = auc(real, synthetic, config, (sources, sources))
    assert auc(real, synthetic, config, (sources, sources)) == first
    assert auc(real, synthetic, config.with_(seed=1), (sources, sources)) != first


def test_statistics_of_both_sides_are_given() -> None:
    result = between(4.0, 2.0)
    assert result.real is not None
    assert result.synthetic is not None
    assert result.real.residual_std[1] > 1.5 * result.synthetic.residual_std[1]
    assert len(result.real.spectrum) == len(result.synthetic.spectrum) == 10


@pytest.mark.parametrize(
    ("images", "why"), [(3, "4 images"), (0, "4 images"), (4, "patches of either side")]
)
def test_too_little_is_said_and_not_counted(images: int, why: str) -> None:
    real = [seen(seed, 4.0)[:40, :40] for seed in range(images)]
    result = auc(real, real, QUICK)
    assert result.auc is None
    assert result.interval is None
    assert why in result.problem
    assert result.words() == "not measured"


def test_images_smaller_than_a_patch_give_none() -> None:
    tiny = [seen(seed, 4.0)[:24, :24] for seed in range(9)]
    assert "0 synthetic" in auc([seen(s, 4.0) for s in range(9)], tiny, QUICK).problem


def test_real_against_real_is_near_guessing() -> None:
    images = [seen(seed, 4.0) for seed in range(12)]
    result = real_against_real(pool(images, [str(n) for n in range(12)], QUICK), QUICK)
    assert result.auc is not None
    assert result.interval is not None
    assert result.interval[0] <= 0.5 <= result.interval[1]


class GivenUpError(Exception):
    pass


@pytest.mark.parametrize("trainings", [0, 3])
def test_a_comparison_is_given_up_between_trainings(trainings: int) -> None:
    patches = pool([seen(seed, 4.0) for seed in range(12)], [str(n) for n in range(12)], QUICK)
    counted = itertools.count()

    def stop() -> None:
        if next(counted) == trainings:
            raise GivenUpError

    for work in (
        lambda: compare(patches, patches, QUICK, stop),
        lambda: real_against_real(patches, QUICK, stop),
    ):
        counted = itertools.count()
        with pytest.raises(GivenUpError):
            work()
        assert next(counted) == trainings + 1


groups_of_images = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=6),
    st.sampled_from(["aa", "ab", "ba"]),
    min_size=4,
    max_size=40,
)


@given(groups_of_images, st.integers(2, 6), st.integers(0, 99))
def test_every_source_is_in_one_fold_and_folds_share_every_group(
    groups: dict[str, str], folds: int, seed: int
) -> None:
    fold_of = assign_folds(groups, folds, seed)
    assert set(fold_of) == set(groups)
    for group in set(groups.values()):
        counts = [
            sum(fold_of[n] == fold and groups[n] == group for n in groups) for fold in range(folds)
        ]
        assert max(counts) - min(counts) <= 1
    backwards = assign_folds(dict(reversed(list(groups.items()))), folds, seed)
    assert backwards == fold_of


@settings(max_examples=10, deadline=None)
@given(st.integers(4, 9), st.integers(2, 5), st.integers(0, 50))
def test_no_image_is_in_training_and_test_at_once(images: int, folds: int, seed: int) -> None:
    """Labels that only the image explains cannot be learned across images: a leak would show as an
    AUC far above 0.5."""
    rng = np.random.default_rng(seed)
    sources = np.repeat(np.arange(images), 20)
    fold_of = assign_folds({str(n): "aa" for n in range(images)}, min(folds, images), seed)
    fold = np.array([fold_of[str(n)] for n in sources])
    values = np.eye(images)[sources] + 0.01 * rng.standard_normal(
        (len(sources), images)
    )  # says which image it is
    synthetic = (
        (np.arange(len(sources)) % 2 == 0)
        ^ (sources % 2 == 0)
        ^ (np.arange(len(sources)) % 20 >= 10)
    )
    scores = held_out_scores(values, None, synthetic, fold, 0)
    wins, pairs = pair_counts(scores["linear"], synthetic, sources, fold)
    for part in range(max(fold_of.values()) + 1):
        for other in range(part):
            a, b = ([n for n in range(images) if fold_of[str(n)] == p] for p in (part, other))
            assert not pairs[np.ix_(a, b)].any()
    assert area(wins, pairs) < 0.75


def test_classifiers_never_see_the_images_that_they_are_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pairmill.pipeline.realism.classify as classify

    asked: list[tuple[np.ndarray, np.ndarray]] = []
    fold = np.repeat([0, 1, 2, 0], 10)

    def noting(values: np.ndarray, synthetic: np.ndarray, train: np.ndarray) -> np.ndarray:
        asked.append((train.copy(), synthetic))
        return np.ones(len(values))

    monkeypatch.setattr(classify, "linear_scores", noting)
    classify.held_out_scores(
        np.random.default_rng(0).normal(size=(40, 3)), None, np.arange(40) % 2 == 0, fold, 0
    )
    assert [sorted(set(fold[~train].tolist())) for train, _ in asked] == [[0], [1], [2]]
    assert all(not set(fold[train].tolist()) & set(fold[~train].tolist()) for train, _ in asked)


def test_area_within_one_fold_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(1)
    scores = np.round(rng.normal(0, 1, 90), 1)
    synthetic = np.arange(90) % 3 == 0
    wins, pairs = pair_counts(scores, synthetic, np.arange(90) // 10, np.zeros(90, np.intp))
    expected = mannwhitneyu(scores[synthetic], scores[~synthetic]).statistic / (30 * 60)
    assert area(wins, pairs) == pytest.approx(expected)
    assert column_areas(scores[:, None], synthetic)[0] == pytest.approx(expected)


def test_area_counts_pairs_of_one_fold_by_hand() -> None:
    scores, synthetic = np.array([3.0, 1, 2, 2, 9, 0]), np.array([1, 0, 1, 0, 1, 0], bool)
    wins, pairs = pair_counts(
        scores, synthetic, np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 1, 1])
    )
    assert pairs.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert wins.tolist() == [[1, 1, 0], [1, 0.5, 0], [0, 0, 1]]


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    sources, synthetic = np.repeat(np.arange(10), 20), np.tile(np.arange(20) < 10, 10)
    covered = 0
    for _ in range(60):  # images differ: patches of one image are not independent
        scores = rng.normal(0, 1, 200) + synthetic * rng.normal(0, 0.8, 10)[sources]
        low, high = interval(*pair_counts(scores, synthetic, sources, np.zeros(200, np.intp)), 0)
        covered += low <= 0.5 <= high
    assert covered >= 52


def test_halves_are_half_of_the_photographs_and_differ() -> None:
    photographs = [f"{number}" for number in range(11)]
    chosen = [halves(photographs, 0, repeat) for repeat in range(3)]
    assert {len(half) for half in chosen} == {5}
    assert all(a != b for a, b in itertools.combinations(chosen, 2))


def test_telling_names_kinds_once_and_says_the_direction() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (400, len(names(32))))
    synthetic = np.arange(400) % 2 == 0
    values[synthetic, 0] -= 3  # noise of red, green: the same kind
    values[synthetic, 1] -= 2
    values[synthetic, names(32).index("edge width")] += 1
    words = telling(values, synthetic, 32)
    assert words[0].startswith("less noise of red (0.9")
    assert words[1].startswith("more edge width (0.7")
    assert len(words) == 2


def test_matched_patches_are_of_one_fold_and_paired() -> None:
    images = [seen(seed, 4.0) for seed in range(8)]
    patches = pool(images, [str(n) for n in range(8)], QUICK)
    compared = compare(patches, patches, QUICK)
    assert (
        len(compared.real)
        == len(compared.synthetic)
        == len(compared.apart)
        == compared.result.patches
    )
    fold_of = assign_folds({str(n): "bb" for n in range(8)}, QUICK.folds, QUICK.seed)
    assert all(
        fold_of[a] == fold_of[b]
        for a, b in zip(compared.real.sources, compared.synthetic.sources, strict=True)
    )
    assert features(compared.real.pixels).shape[0] == compared.result.patches


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        RealismConfig(patch=20)


def test_where_the_grid_of_jpeg_lies_does_not_tell_lr_from_photographs() -> None:
    """LR of the same camera is compressed on any grid; photographs of it on their own."""
    scenes = [seen(seed, 2.0) for seed in range(24)]
    real = [roundtrip_quality(scene, 60) for scene in scenes[:12]]
    rng = np.random.default_rng(3)
    same = [
        roundtrip_quality(scene, 60, "420", (int(rng.integers(16)), int(rng.integers(16))))
        for scene in scenes[12:]
    ]
    found = auc(real, same, QUICK)
    assert found.auc is not None
    assert found.auc < 0.7  # 1.0 where patches of photographs lie on their grid
