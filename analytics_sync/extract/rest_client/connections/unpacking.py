"""The unpacking of a body: gzip and deflate, one step at a time.

In: the packed pieces of a body, and its ``Content-Encoding``. Out: the unpacked pieces. Each step takes
and gives little, so that the caller can look at the clock between two steps: a body may unpack to
nothing for hours.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

_STEP_BYTES = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_NAMES = frozenset({"gzip", "x-gzip"})
_ZLIB_METHOD, _ZLIB_CHECK = 8, 31  # of the first two bytes; without them the stream is bare


def unpack(pieces: Iterable[bytes], encoding: str, count: Callable[[int], None]) -> Iterable[bytes]:
    """The unpacked pieces of a body; some are empty.

    Args:
        pieces: The pieces as they arrive, of ``_STEP_BYTES`` at most.
        encoding: The header ``Content-Encoding``. A name that is neither gzip nor deflate changes
            nothing.
        count: Called with the bytes that each layer has given so far; it may raise.

    Raises:
        zlib.error: The body is not packed as it says.
    """
    for name in reversed(encoding.lower().split(",")):
        if name.strip() in _GZIP_NAMES:
            pieces = _counted(_gunzip(pieces), count)
        elif name.strip() == "deflate":
            pieces = _counted(_inflate(pieces), count)
    return pieces


def _counted(pieces: Iterable[bytes], count: Callable[[int], None]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        count(size)
        yield piece


def _gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The members of a gzip file. Whatever follows the first member and is none is left out."""
    unpacker = zlib.decompressobj(_GZIP)
    is_first = True
    for piece in pieces:
        if not piece:
            yield piece
        while piece:
            if unpacker.eof:
                unpacker, is_first = zlib.decompressobj(_GZIP), False
            try:
                yield unpacker.decompress(piece, _STEP_BYTES)
            except zlib.error:
                if is_first:
                    raise
                return
            piece = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    yield unpacker.flush()  # all input is used; a little output may be left


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A zlib stream, or a bare deflate stream, as some servers send it."""
    start = b""
    unpacker = None
    for piece in pieces:
        if unpacker is None:
            start += piece
            if len(start) < 2:
                continue
            piece = start
            is_zlib = start[0] & 15 == _ZLIB_METHOD and not int.from_bytes(start[:2]) % _ZLIB_CHECK
            unpacker = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        if not piece:
            yield piece
        while piece and not unpacker.eof:
            yield unpacker.decompress(piece, _STEP_BYTES)
            piece = unpacker.unconsumed_tail
    if unpacker is not None:
        yield unpacker.flush()
