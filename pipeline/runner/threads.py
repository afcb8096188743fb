"""One thread for a block of work in this process, as workers have for all of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def single_thread() -> Iterator[None]:
    """Hold torch, OpenCV and BLAS to one thread; they get their threads back at the end.

    Sums in several threads come in another order and may differ in the last bit, and a fit in that
    bit is another version.
    """
    import cv2
    import torch

    threads = torch.get_num_threads(), cv2.getNumThreads()
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, threads[0])
        stack.callback(cv2.setNumThreads, threads[1])
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        _limit_blas(stack)
        yield


def _limit_blas(stack: ExitStack) -> None:
    """That of numpy and scipy, if a library is there that can; what is exact does not need it."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    stack.enter_context(threadpool_limits(1, user_api="blas"))
