"""What noise leaves behind JPEG, against noise that was put in."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.camera.block_spectra import SIDE, BlockWaves, block_power
from pairmill.models.camera.curves import width
from pairmill.models.camera.estimate import estimate
from pairmill.models.camera.floors import (
    HIGH,
    VARIANCES,
    added,
    jpeg_floors,
    most_noise,
    quantised,
)
from pairmill.models.camera.parts import measure_cells, measure_channels
from pairmill.models.camera.photograph import floors_of, measure
from pairmill.models.functional.chroma import grey
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.compression.tables import CHROMA, LUMA, standard
from tests.support.cameras import kernel_of, photograph_by

Floats = NDArray[np.float64]


def _shot(number: int, noise: float) -> NDArray[np.uint8]:
    """A wide blur: nothing of the scene is left at the highest frequencies."""
    return photograph_by(kernel_of(2.5), number, 200, 248, noise=noise)


def _high(power: Floats) -> float:
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.arange(SIDE // 2 + 1) / SIDE)
    return float(power[radius >= HIGH].mean())


@pytest.mark.parametrize(("quality", "std"), [(95, 2.0), (95, 4.0), (85, 4.0), (85, 6.0)])
def test_what_jpeg_leaves_of_noise_is_foreseen(quality: int, std: float) -> None:
    """Within a quarter, where the noise itself is off by up to three."""
    quiet, noisy = _shot(0, 0.0), _shot(0, std)
    coded = grey(roundtrip_quality(noisy, quality))
    power = block_power(coded)
    variance = float(np.square(grey(noisy) - grey(quiet)).mean())
    floors = floors_of(coded, power, standard(LUMA, quality), (0, 0))
    foreseen, _ = added(floors, variance)
    true = _high(power - block_power(grey(quiet)))
    assert _high(np.asarray(foreseen)) == pytest.approx(true, rel=0.25)


@pytest.mark.parametrize("phase", [(4, 4), (2, 6), (4, 0)])
def test_blocks_may_start_anywhere(phase: tuple[int, int]) -> None:
    """Cut where the second quantisation would find the blocks of the first, if phase were left out,
    taken with the other sign, or for that of the other side.
    """
    coded = grey(roundtrip_quality(_shot(1, 4.0), 80))
    table, cut = standard(LUMA, 80), coded[phase[0] :, phase[1] :]
    whole, moved = (
        floors_of(part, block_power(part), table, start)
        for part, start in ((coded, (0, 0)), (cut, phase))
    )
    for one, other in zip(whole, moved, strict=True):
        assert _high(other) == pytest.approx(_high(one), rel=0.15, abs=0.1)


def test_a_photograph_is_measured_wherever_it_starts() -> None:
    coded, table = roundtrip_quality(_shot(1, 4.0), 92), standard(LUMA, 92)
    whole, moved = measure(coded, table), measure(coded[2:, 6:], table, (2, 6))
    assert whole.floors is not None
    assert moved.floors is not None
    assert moved.noise == pytest.approx(whole.noise, rel=0.15)
    foreseen = [np.asarray(added(one.floors, 7.0)[0]) for one in (whole, moved)]
    assert _high(foreseen[1]) == pytest.approx(_high(foreseen[0]), rel=0.1)


def test_cells_and_channels_have_floors_of_their_own() -> None:
    """Noise of 4 levels in each channel, chroma not subsampled."""
    table = standard(LUMA, 95)
    coded = roundtrip_quality(_shot(2, 4.0), 95, "444")
    whole = measure(coded, table)
    cells = measure_cells(coded, whole, table)
    assert len(cells) == 9
    foreseen = _high(np.asarray(added(whole.floors, 7.2)[0]))
    for cell in cells:
        assert cell.floors is not None
        assert cell.noise == whole.noise
        assert _high(np.asarray(added(cell.floors, 7.2)[0])) == pytest.approx(foreseen, rel=0.25)
    channels = measure_channels(coded, (table, standard(CHROMA, 95)))
    assert [channel.noise for channel in channels] == pytest.approx([16] * 3, rel=0.3)
    assert all(channel.floors is not None for channel in channels)


def test_a_blur_behind_jpeg_is_told_with_floors() -> None:
    """Without them, noise that detail let through is taken for detail: 1.62 for 1.8."""
    table = standard(LUMA, 92)
    seen = [
        measure(
            roundtrip_quality(photograph_by(kernel_of(1.8), seed, 192, 256, noise=4.0), 92), table
        )
        for seed in range(4)
    ]
    assert all(one.floors is not None for one in seen)
    told, untold = (
        width(estimate(spectra, None).blur)
        for spectra in (seen, [replace(one, floors=None) for one in seen])
    )
    assert abs(told - 1.8) < 0.5 * abs(untold - 1.8)
    assert told == pytest.approx(1.8, rel=0.05)


def test_more_noise_leaves_more() -> None:
    coded = grey(roundtrip_quality(_shot(2, 3.0), 90))
    floors = floors_of(coded, block_power(coded), standard(LUMA, 90), (0, 0))
    left = [_high(floor) for floor in floors[VARIANCES >= 0.5]]
    assert left == sorted(left)
    fine = np.add.outer(np.arange(8), np.arange(8)) >= 6
    rounding = float(np.square(standard(LUMA, 90)[fine]).mean()) / 12
    assert 64 < left[-1] < 64 + rounding, "strong noise passes, and is rounded"


def test_three_planes_are_coded_together() -> None:
    """A coder that passes everything on: noise stays white in each plane."""
    planes = np.moveaxis(_shot(3, 4.0).astype(np.float64), 2, 0)
    powers = np.stack([block_power(plane) for plane in planes])
    floors = jpeg_floors(planes, powers, lambda colours: colours, (0, 0))
    assert floors.shape == (len(VARIANCES), 3, SIDE, SIDE // 2 + 1)
    for variance, floor in zip(VARIANCES[3:8], floors[3:8], strict=True):
        assert [_high(plane) for plane in floor] == pytest.approx([variance] * 3, rel=0.12)


def test_between_strengths_the_floor_rises_evenly() -> None:
    floors = np.arange(len(VARIANCES), dtype=np.float64)[:, None, None] * np.ones((2, 2))
    assert added(None, 3.0) == (3.0, 1.0)
    found, rise = added(floors, 3.0)  # between 2 and 4, the fifth and the sixth
    np.testing.assert_allclose(found, 4.5)
    np.testing.assert_allclose(rise, 0.5)
    found, rise = added(floors, np.array([[0.25, 3.0], [64.0, 72.0]]))
    np.testing.assert_allclose(found, [[1, 4.5], [9, 9.25]])
    np.testing.assert_allclose(rise, [[0.25**-1 * 0.25 / 0.23, 0.5], [1 / 32, 1 / 32]], rtol=0.1)


def test_noise_is_no_stronger_than_what_is_there() -> None:
    floors = VARIANCES[:, None, None] * np.ones((SIDE, SIDE // 2 + 1))
    power = np.full((SIDE, SIDE // 2 + 1), 3.0)
    assert most_noise(power, floors) == pytest.approx(3.0)
    assert most_noise(100 * power, floors) == VARIANCES[-1]


def test_a_picture_that_nothing_is_taken_from_comes_back() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (37, 51))
    waves = BlockWaves(picture)
    np.testing.assert_allclose(waves.weighed(np.ones((SIDE, SIDE // 2 + 1))), picture, atol=1e-9)
    np.testing.assert_allclose(waves.weighed(np.zeros((SIDE, SIDE // 2 + 1))), 0, atol=1e-12)


def test_quantisation_is_that_of_grey_jpegs() -> None:
    picture = cv2.resize(grey(_shot(4, 3.0)), (88, 64)).round()
    coded = cv2.imencode(".jpg", picture.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    found = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.float64)
    away = np.abs(quantised(picture, standard(LUMA, 80).astype(float)) - found)
    changed = np.abs(picture - found)
    assert away.mean() < 0.25 * changed.mean(), "but for coefficients near halves of a step"


def test_what_is_known_of_noise_goes_with_the_spectrum() -> None:
    """(0.299^2 + 0.587^2 + 0.114^2) 4^2 = 7.2 in luma; without JPEG, or behind steps that hide it,
    noise is taken for white.
    """
    noisy = _shot(5, 4.0)
    found = measure(roundtrip_quality(noisy, 95), standard(LUMA, 95))
    assert found.floors is not None
    assert found.noise == pytest.approx(7.2, rel=0.25)
    assert 0 < found.noise_error < 1
    assert measure(noisy).floors is None
    assert measure(roundtrip_quality(noisy, 50), standard(LUMA, 50)).floors is None


def test_what_is_cut_off_at_black_and_white_is_not_what_noise_does() -> None:
    """A photograph filtered overshoots at its edges; cut off only where noise is tried on it, that
    would have made the noise 3.6 times as strong here.
    """
    rows, columns = np.mgrid[:248, :248]
    squares = np.where((rows // 24 + columns // 24) % 2, 249.0, 6.0)
    picture = cv2.GaussianBlur(squares, (0, 0), 1.6)
    noisy = np.rint(picture + np.random.default_rng(1).normal(0, 3, picture.shape)).clip(0, 255)
    power = block_power(noisy)
    foreseen = np.asarray(added(floors_of(noisy, power, np.full((8, 8), 1), (0, 0)), 9.0)[0])
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.arange(SIDE // 2 + 1) / SIDE)
    middle = (radius > 0.2) & (radius < 0.35)
    true = (power - block_power(picture))[middle].mean()
    assert foreseen[middle].mean() == pytest.approx(true, rel=0.15)


def test_painted_photographs_are_measured() -> None:
    """Half of it is one colour: power that is exactly 0 divides nothing."""
    painted = np.zeros((96, 96, 3), np.uint8)
    painted[:, 48:] = 200
    found = measure(painted, standard(LUMA, 90))
    assert np.isfinite(found.power).all()
    floors = floors_of(grey(painted), found.power, standard(LUMA, 90), (0, 0))
    assert np.isfinite(floors).all()
    assert np.isfinite(most_noise(found.power, floors))
