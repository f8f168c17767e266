"""Encoders: how servers in several languages write a text into JSON, a URL, HTML or another text.

In: a value, or a text. Out: its spelling by each language's habits; and ``contains``, which finds a text
in every such spelling. It shares no code with the package.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes

_SHORT = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _json_encoder(
    *,
    ascii_only: bool,
    by_code: str = "",
    by_backslash: str = '"\\',
    capitals: bool = False,
    capital_signs: bool = False,
) -> Callable[[Any], str]:
    """A JSON encoder.

    Args:
        ascii_only: Whether all other characters are escaped.
        by_code: ASCII characters written as ``\\u0000``.
        by_backslash: ASCII characters written with a backslash.
        capitals: Whether the digits of codes are capital letters.
        capital_signs: Whether they are only in the codes of ASCII characters.
    """

    def character(c: str) -> str:
        if c in by_code or (ord(c) < 32 and c not in _SHORT) or (ord(c) > 127 and ascii_only):
            units = c.encode("utf-16-be").hex()
            units = units.upper() if capitals or (capital_signs and c in by_code) else units
            return "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4))
        return f"\\{c}" if c in by_backslash else _SHORT.get(c, c)

    def text(value: str) -> str:
        return f'"{"".join(map(character, value))}"'

    def encode(value: Any) -> str:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, dict):
            return f"{{{','.join(f'{text(n)}:{encode(v)}' for n, v in value.items())}}}"
        if isinstance(value, list):
            return f"[{','.join(map(encode, value))}]"
        return json.dumps(value)

    return encode


_PRINTABLE = "".join(map(chr, range(32, 127)))
LANGUAGES = ("JavaScript", "Python", "PHP", "PHP with JSON_HEX", "Go", "Rails", ".NET", "Gson")
JSON: dict[str, Callable[[Any], str]] = {
    "JavaScript": _json_encoder(ascii_only=False),
    "Python": _json_encoder(ascii_only=True),
    "PHP": _json_encoder(ascii_only=True, by_backslash='"\\/'),
    "PHP with JSON_HEX": _json_encoder(
        ascii_only=True, by_code="\"<>&'", by_backslash="\\/", capital_signs=True
    ),
    "Go": _json_encoder(ascii_only=False, by_code="<>&\u2028\u2029"),
    "Rails": _json_encoder(ascii_only=False, by_code="<>&\u2028\u2029"),
    ".NET": _json_encoder(
        ascii_only=True, by_code="\"&'+<>`\x7f", by_backslash="\\", capitals=True
    ),
    "Gson": _json_encoder(ascii_only=False, by_code="<>&='\u2028\u2029"),
    "every character by its code": _json_encoder(ascii_only=True, by_code=_PRINTABLE),
}


def _percent(text: str, safe: str = "", *, lower: bool = False) -> str:
    quoted = quote(text, safe=safe)
    return re.sub("%..", lambda m: m[0].lower(), quoted) if lower else quoted


def _in_base64(text: str, before: str, *, for_url: bool = False) -> str:
    raw = f"{before}{text}~".encode()
    if for_url:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return base64.b64encode(raw).decode()


TEXT: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent, RFC 3986": _percent,
    "percent, small letters": lambda t: _percent(t, lower=True),
    "percent, slashes stay": lambda t: _percent(t, "/"),
    "percent, form": quote_plus,
    "percent, encodeURIComponent": lambda t: _percent(t, "!'()*~"),
    "percent, encodeURI": lambda t: _percent(t, ";,/?:@&=+$-_.!~*'()#"),
    "percent, twice": lambda t: _percent(_percent(t)),
    "percent, twice, small letters": lambda t: _percent(_percent(t, lower=True), lower=True),
    "percent, every byte": lambda t: "".join(f"%{byte:02x}" for byte in t.encode()),
    "percent, escape()": lambda t: re.sub(
        r"[^\w@*+./-]",
        lambda m: f"%u{ord(m[0]):04X}" if ord(m[0]) > 255 else f"%{ord(m[0]):02X}",
        t,
        flags=re.ASCII,
    ),
    "HTML": html.escape,
    "HTML, ASP.NET": lambda t: html.escape(t).replace("&#x27;", "&#39;").replace("+", "&#43;"),
    "HTML, twice": lambda t: html.escape(html.escape(t)),
    "HTML, every character": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "HTML, every character, hexadecimal": lambda t: "".join(f"&#x{ord(c):x};" for c in t),
    "a URL in HTML": lambda t: html.escape(f"https://x.test/?k={quote_plus(t)}&amp=1"),
    **{f"JSON of {name} in a text": lambda t, e=e: e({"you": t}) for name, e in JSON.items()},
    **{f"JSON of {name}, twice": lambda t, e=e: e(e([t])) for name, e in JSON.items()},
    "JSON in a URL": lambda t: quote(JSON["PHP"]({"k": t}), safe=""),
    "JavaScript": lambda t: "".join(c if c.isalnum() else f"\\x{ord(c):02x}" for c in t),
    "Python": repr,
    "SQL": lambda t: "'" + t.replace("'", "''") + "'",
    "CSV": lambda t: '"' + t.replace('"', '""') + '"',
    "a regular expression": re.escape,
    "quoted-printable": lambda t: quopri.encodestring(t.encode(), quotetabs=True).decode(),
    "PostgreSQL's bytea": lambda t: f"\\x{t.encode().hex()}",
    **{f"base64 after {n} bytes": lambda t, n=n: _in_base64(t, "~" * n) for n in range(3)},
    **{
        f"base64 for URLs after {n} bytes": lambda t, n=n: _in_base64(t, "~" * n, for_url=True)
        for n in range(3)
    },
    "base64 in lines": lambda t: base64.encodebytes(f"the answer is {t * 2}".encode()).decode(),
    **{
        f"base64 of JSON of {name}": lambda t, e=e: _in_base64(e({"k": t}), "")
        for name, e in JSON.items()
        if name in LANGUAGES
    },
    "base64 in a URL": lambda t: quote(_in_base64(t, "k="), safe=""),
    "base64 of a URL": lambda t: _in_base64(f"/items?after={quote(t, safe='')}&n=2", ""),
    "hexadecimal": lambda t: t.encode().hex(),
    "hexadecimal, capitals": lambda t: f"0x{t.encode().hex().upper()}",
}  # fmt: skip


def contains(text: str, secret: str) -> bool:
    """Whether a text holds a secret, however it is encoded, in small letters or capitals."""
    return any(secret.lower() in found.lower() for found in decoded(text))


def decoded(text: str, depth: int = 6) -> Iterator[str]:
    """A text, and everything that it becomes by decoding.

    Args:
        text: The text.
        depth: How often a text is decoded.
    """
    seen = {text}
    level = [text]
    for _ in range(depth):
        level = [t for t in dict.fromkeys(t for old in level for t in _once(old)) if t not in seen]
        seen.update(level)
    yield from seen


def _once(text: str) -> Iterator[str]:
    yield _without_backslashes(text)
    for spelling in {text, text.replace("+", " ")}:
        yield unquote_to_bytes(spelling.encode("utf-8", "replace")).decode("utf-8", "replace")
    yield html.unescape(text)
    yield quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    yield text.replace("''", "'").replace('""', '"')
    yield text.replace("\0", "")  # UTF-16 that was read as another charset
    for token in re.findall(r"[A-Za-z0-9+/_-]{8,}", re.sub(r"(\\n|\n)", "", text)):
        for start in range(4):
            piece = token[start:].replace("-", "+").replace("_", "/")
            whole = piece[: len(piece) // 4 * 4]
            yield from _if_text(base64.b64decode(whole + _rest(piece)))
    for token in re.findall(r"[0-9a-fA-F]{16,}", text):
        for start in range(2):
            digits = token[start : len(token) - (len(token) - start) % 2]
            yield from _if_text(bytes.fromhex(digits))


def _if_text(raw: bytes) -> Iterator[str]:
    """The bytes as text, if most of them can be text: digits that are no base64 give noise."""
    text = raw.decode("utf-8", "replace")
    if 2 * sum(c.isprintable() and c != "\ufffd" for c in text) > len(text):
        yield text


def _rest(piece: str) -> str:
    """The last letters of a base64 text, padded; a single letter holds nothing."""
    rest = piece[len(piece) // 4 * 4 :]
    return f"{rest}{'=' * (4 - len(rest))}" if len(rest) > 1 else ""


def _without_backslashes(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code, other = match[1] or match[2], match[3]
        return chr(int(code, 16)) if code else other

    plain = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\(.)", character, text, flags=re.S)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
