"""The body of an HTTP response: bytes within the source's limits, and the JSON that they hold.

In: a response whose body is still unread. Out: the unpacked bytes; the decoded JSON. A body that is
too large, too slow, nested too deep or no JSON is an error that names the setting to change.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from analytics_sync.catalog.config.charsets import UTF_8, CharsetError
from analytics_sync.catalog.config.client import Client
from analytics_sync.common.errors import ExtractError, InvalidResponse, LimitExceeded, Place
from analytics_sync.common.exact_json import TooDeep, is_deeper, loads
from analytics_sync.common.shown import shown
from analytics_sync.extract.rest_client.charset import charset_of, check_utf8, to_utf8
from analytics_sync.extract.rest_client.connections.unpacking import unpack
from analytics_sync.extract.rest_client.connections.watchdog import Watch
from analytics_sync.extract.rest_client.response import TruncatedResponse, body_text
from analytics_sync.extract.rest_client.urls import shown_url

_CHUNK_BYTES = 1 << 16
_MAX_PROBLEM_CHARACTERS = 200
# a body of up to 1 MiB is harmless, however small it was packed
_MIN_BYTES_TO_CHECK_EXPANSION = 1 << 20
# the decoder itself refuses JSON that is nested a little deeper than this
_DECODER_MAX_NESTING = 1000
_FIRST_STATUS_WITHOUT_PAGE = 300


class BodyReader:
    """Reads and decodes bodies within the limits of a source. Threads may share it.

    Args:
        client: The declared limits.
        redact: Removes secrets from messages.
    """

    def __init__(self, client: Client, redact: Callable[[str], str]) -> None:
        self._client = client
        self._redact = redact

    def read(self, response: Any, url: str, place: Place, watch: Watch) -> bytes:
        """The unpacked body in UTF-8, read in chunks so that a body that trickles in is noticed.

        Args:
            response: urllib3's response.
            url: For messages.
            place: For messages.
            watch: The watch over the request. A part of the body renews it, if it unpacks to some data.

        Raises:
            LimitExceeded: The body is too large, expands too much or takes too long.
            InvalidResponse: The charset is not known, or the bytes do not fit it.
            TruncatedResponse: The body is damaged, or breaks off within a character.
        """
        chunks = []
        size = 0
        max_bytes = self._client.max_response_bytes
        try:
            for chunk in self._unpacked(response, url, place):
                if chunk:
                    watch.renew()
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > max_bytes:
                        problem = f"is larger than {max_bytes:,} bytes"
                        raise self.too_large(url, place, problem, "max_response_bytes")
                watch.deadline.check(place)
        except zlib.error as e:
            raise TruncatedResponse(f"a packed body that is damaged ({e})") from e
        raw = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self._utf8(raw, response, url, place)

    def _unpacked(self, response: Any, url: str, place: Place) -> Iterable[bytes]:
        """The parts of a body, unpacked; a part may be empty."""
        arriving = iter(lambda: response.read1(_CHUNK_BYTES, decode_content=False), b"")
        encoding = response.headers.get("content-encoding")
        if not encoding:
            return arriving
        max_expansion = self._client.max_expansion

        def count(size: int) -> None:
            # tell() counts the packed bytes
            if size > _MIN_BYTES_TO_CHECK_EXPANSION and size > response.tell() * max_expansion:
                problem = f"unpacks to more than {max_expansion:,} times its size"
                raise self.too_large(url, place, problem, "max_expansion")

        return unpack(arriving, encoding, count)

    def _utf8(self, raw: bytes, response: Any, url: str, place: Place) -> bytes:
        """The body in UTF-8; as it came if it is no page."""
        declared = charset_of(response.headers.get("content-type", ""))
        charset = self._client.charset or declared
        if charset in ("", UTF_8) or not raw:
            return raw
        try:
            return to_utf8(raw, charset, is_certain=bool(self._client.charset))
        except ValueError as e:
            if response.status >= _FIRST_STATUS_WITHOUT_PAGE:
                return raw
            if isinstance(e, UnicodeDecodeError):
                raise TruncatedResponse(f"text that breaks off or is damaged ({e})") from e
            raise self._wrong_charset(url, response.status, place, e) from e

    def decode(
        self,
        raw: bytes,
        status: int,
        headers: Mapping[str, str],
        url: str,
        place: Place,
        method: str = "GET",
    ) -> Any:
        """The JSON document in ``raw``.

        Args:
            raw: The body.
            status: For messages.
            headers: With lower-case names.
            url: For messages.
            place: For messages.
            method: For messages.

        Raises:
            TruncatedResponse: JSON that is cut off or damaged.
            InvalidResponse: Not JSON, not UTF-8, or JSON nested deeper than ``max_nesting``.
        """
        max_nesting = self._client.max_nesting
        try:
            body = loads(raw)
            if max_nesting < _DECODER_MAX_NESTING and is_deeper(body, max_nesting):
                raise TooDeep
            return body
        except TooDeep as e:
            raise InvalidResponse(
                place,
                f"{method} {shown_url(url, self._redact)} answered status {status} with JSON nested too deep to be "
                f"records (more than {max_nesting:,}): {self._redact(body_text(raw))[:40]!r}.",
                "Look at base_url and at the API's answer, or raise client.max_nesting.",
            ) from e
        except ValueError as e:
            content_type = shown(self._redact(headers.get("content-type", "no content type")))
            if raw.lstrip()[:1] in (b"{", b"[") and "html" not in content_type:
                try:
                    check_utf8(raw)
                except CharsetError as wrong:
                    raise self._wrong_charset(url, status, place, wrong) from e
                raise TruncatedResponse(f"JSON that breaks off or is damaged ({e})") from e
            start = self._redact(body_text(raw))[:80]
            raise InvalidResponse(
                place,
                f"{method} {shown_url(url, self._redact)} answered status {status} with {content_type} instead of "
                f"JSON: {start!r}.",
                _advice_without_json(raw, status),
            ) from e

    def _wrong_charset(
        self, url: str, status: int, place: Place, problem: Exception
    ) -> ExtractError:
        return InvalidResponse(
            place,
            f"the answer of {shown_url(url, self._redact)} with status {status} is text that cannot be read: "
            f"{self._redact(str(problem))[:_MAX_PROBLEM_CHARACTERS]}.",
            "Set client.charset to the charset of the bytes.",
        )

    def too_large(self, url: str, place: Place, problem: str, key: str) -> LimitExceeded:
        """The error of a response that exceeds the limit of the key ``client.<key>``."""
        return LimitExceeded(
            place,
            f"the answer of {shown_url(url, self._redact)} {problem}.",
            f"If that is expected, raise client.{key} or ask for smaller pages.",
        )


def _advice_without_json(raw: bytes, status: int) -> str:
    if raw.strip():
        return "Look at base_url: this is often a login or error page."
    return (
        f"If an empty body means that there are no records, declare response_actions: [{{status_code: "
        f"{status}, action: ignore}}]; if it means not yet, action: retry. Otherwise look at base_url."
    )
