"""Which kernels of a corpus a network gets to know, and what is advised where it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.corpora.labelled import Labeller, Reading
from pairmill.pipeline.corpora.replayed import Texts
from pairmill.pipeline.training.labels import SplitLabels, advice_for
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import WIDEST, LabelConfig
from pairmill.schemas.ops.resize import BicubicDown, Resize
from pairmill.schemas.program import Program
from tests.support.training import config

BICUBIC: list[Any] = [BicubicDown(scale=2)]
BY_PLACE: list[Any] = [
    Resize(height=25, width=21, method="bicubic"),
    Resize(height=18, width=15, method="bicubic"),
]
IKC = {"arch": "ikc", "network": {"arch": "sftmd", "features": 8, "blocks": 1}}


def labeller(programs: list[list[Any]], training: dict[str, Any], **layout: Any) -> Labeller:
    reading = Reading(LabelConfig(**layout), 2, Assets(), "x", advice_for(config(**training)))
    rows = [
        {
            "key": f"{number:03d}",
            "degrader": "d",
            "program": Program(scale=2, ops=tuple(ops)).model_dump_json(),
            "hr_height": 36,
            "hr_width": 30,
        }
        for number, ops in enumerate(programs)
    ]
    return reading.labeller(Texts.of(iter([reading.add(row) for row in rows])))


def test_kernels_of_both_kinds_are_learned_by_their_share() -> None:
    told = {"network": {"arch": "srmd"}}
    labels = labeller([BICUBIC, BY_PLACE, BY_PLACE, BICUBIC, BY_PLACE], told, kernel=21)
    assert len(labels.kernels) == 1
    learned = SplitLabels(labels).kernels()
    assert learned is not None
    assert learned.shape == (5, 21, 21)
    assert [np.array_equal(one, labels.kernels[0]) for one in learned] == [
        *(True, False, False),
        *(True, False),
    ]
    crop = labels("001", np.zeros((36, 30, 3), np.uint8), (0, 0), 0).kernel
    assert np.array_equal(learned[1], crop)


@pytest.mark.parametrize(
    ("training", "setting", "ignored"),
    [
        ({"network": {"arch": "srmd"}}, "network.kernel_size: ", True),
        ({"network": {"arch": "kxnet"}}, "network.kernel_size: ", False),
        ({"network": IKC, "start_from": {"file": "a"}}, "network.network.kernel_size: ", False),
    ],
)
def testadvice_for_is_that_of_the_network(
    training: dict[str, Any], setting: str, *, ignored: bool
) -> None:
    with pytest.raises(UserError, match="grid is too small") as caught:
        labeller([BICUBIC], training, kernel=5)
    assert caught.value.todo.startswith(setting)
    unknown = advice_for(config(**training)).unknown
    assert "`degraders:`" in unknown
    assert ("labels: ignored" in unknown) == ignored


def test_no_grid_is_advised_that_the_settings_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairmill.pipeline.corpora.labelled.least_grid", lambda *_: WIDEST + 2)
    with pytest.raises(UserError, match=f"no grid of up to {WIDEST}(.|\n)*`degraders:`"):
        labeller([BICUBIC], {"network": {"arch": "srmd"}}, kernel=5)
