"""A signal is not lost where a library swallows what it raises."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest

from pairmill.flows import interrupts

STAGE = cast("Any", None)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    interrupts._arrived.clear()


def test_nothing_is_raised_without_a_signal() -> None:
    interrupts.listen()
    interrupts.Attentive().advanced(STAGE, 1.0)


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_swallowed_signal_is_raised_at_the_next_unit(number: signal.Signals) -> None:
    interrupts.listen()
    with suppress(KeyboardInterrupt):  # as a library that cleans up
        os.kill(os.getpid(), number)
    with pytest.raises(KeyboardInterrupt):
        interrupts.Attentive().advanced(STAGE, 1.0)


def test_a_new_run_starts_without_the_signals_of_the_last() -> None:
    interrupts.listen()
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    interrupts.listen()
    interrupts.Attentive().started(STAGE, 1, 1)
