"""A file of a store as a stream, read range by range, so that each request can be repeated."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any


class Ranges(io.RawIOBase):
    """A file that `read` gives the bytes [start, end) of."""

    def __init__(self, read: Callable[[int, int], bytes], length: int) -> None:
        self.bytes_of, self.length, self.place = read, length, 0

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self.place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase`."""
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.length}
        self.place = starts[whence] + offset
        return self.place

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        end = min(self.place + len(buffer), self.length)
        data = b""
        if end > self.place:
            data = self.bytes_of(self.place, end)
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)
