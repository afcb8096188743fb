"""Names and texts made fit to be shown."""

from __future__ import annotations


def file_name(url: str) -> str:
    """The last part of a path or URL; without the query, which may hold a secret."""
    # The innermost of `zip://a.png::s3://b/c.zip`.
    link = next((part for part in url.split("::") if "://" in part), "")
    if link:
        path = link.partition("://")[2].partition("?")[0]
        if link.startswith("http"):  # elsewhere a file may well be called a#1.png
            path = path.partition("#")[0]
    else:
        path = url
    return path.rstrip("/").rsplit("/", 1)[-1] or url


def plain(text: str) -> str:
    """Text that can be stored and shown: what is not UTF-8, controls and direction marks become
    escapes.
    """
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(
        char if char.isprintable() or char == " " else f"\\x{ord(char):02x}" for char in shown
    )
