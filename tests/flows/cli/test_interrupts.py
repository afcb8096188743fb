"""What libraries raise while they clean up after Ctrl-C is distinguished from errors of their
own."""

from __future__ import annotations

import pytest

from pairmill.flows.cli.carried import follows_interrupt


def fail_after(first: BaseException) -> None:
    """As a library that catches what comes, cleans up, and fails at that for a reason of its
    own."""
    try:
        raise first
    except (KeyboardInterrupt, RuntimeError):
        try:
            raise OSError("while cleaning up")
        except OSError as error:
            raise ValueError("not set") from error


@pytest.mark.parametrize(
    ("first", "told"), [(KeyboardInterrupt(), True), (RuntimeError("own"), False)]
)
def test_an_error_that_follows_an_interrupt_is_told(first: BaseException, *, told: bool) -> None:
    with pytest.raises(ValueError, match="not set") as caught:
        fail_after(first)
    assert follows_interrupt(caught.value) is told
    assert follows_interrupt(first) is told
