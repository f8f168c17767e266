"""Patterns of secrets: whether a text looks like a secret by its shape alone.

In: a text. Out: yes or no. The time of every pattern is proportional to the length of the text.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from itertools import pairwise

_KNOWN = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"  # PEM and PGP
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."  # a JWT
    r"|(?<![A-Za-z0-9])(?:"  # prefixes of large providers, made for scanners
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[oprsu]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10}|xapp-[A-Za-z0-9-]{10}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{10}"
    r"|AIza[A-Za-z0-9_-]{30}"
    r"|glpat-[A-Za-z0-9_-]{16}"
    r")"
)
_BEARER = re.compile(r"\bbearer\s+([A-Za-z0-9._~+/=-]{20,})", re.IGNORECASE)
_BASIC = re.compile(r"\bbasic\s+([A-Za-z0-9+/]{4,}={0,2})", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_SEPARATORS = re.compile(r"[^A-Za-z0-9+/_-]+")
_MIN_RANDOM_LENGTH = 32
_MIN_HEX_ENTROPY, _MIN_ENTROPY = 3.0, 3.5  # bits per character
_MIN_CHANGES_SHARE = 0.25


def looks_secret(text: str, *, prose: bool = False) -> bool:
    """Whether ``text`` holds a well-known kind of secret.

    Args:
        text: Any string of a catalog file.
        prose: Whether people wrote the text for people: prose may mention bearer tokens.
    """
    if _KNOWN.search(text):
        return True
    # a look for the word takes a tenth of the time of the pattern
    plain = text.lower() if text.isascii() else "bearer basic"
    if "bearer" in plain:
        for token in _BEARER.findall(text):
            if not prose or re.search(r"\d", token):
                return True
    return "basic" in plain and any(_is_basic(token) for token in _BASIC.findall(text))


def looks_random(text: str) -> bool:
    """Whether ``text`` has a part of 32 or more random characters, in hex or base64.

    Names and lists of words are not random: their capitals, small letters and digits form groups.
    UUIDs do not count: most of them are ids.
    """
    return any(_is_random(part) for part in _SEPARATORS.split(_UUID.sub(" ", text)))


def _is_basic(token: str) -> bool:
    """Whether the token is ``user:password`` in base64. Any other word after "basic" is prose."""
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in decoded and decoded.isprintable()


def _is_random(part: str) -> bool:
    if len(part) < _MIN_RANDOM_LENGTH:
        return False
    core = re.sub(r"[^A-Za-z0-9]", "", part)
    digits = sum(c.isdigit() for c in core)
    if digits < 2 or len(core) - digits < 6:
        return False
    if re.fullmatch(r"[0-9a-fA-F]+", part):
        return _entropy(core) >= _MIN_HEX_ENTROPY
    kinds = [c.isdigit() + 2 * c.isupper() for c in core]
    # A capital before a small letter is the beginning of a word, and no change.
    changes = sum(a != b and (a, b) != (2, 0) for a, b in pairwise(kinds))
    return changes >= _MIN_CHANGES_SHARE * len(core) and _entropy(core) >= _MIN_ENTROPY


def _entropy(text: str) -> float:
    """Shannon entropy of the text, in bits per character."""
    return sum(n / len(text) * math.log2(len(text) / n) for n in Counter(text).values())
