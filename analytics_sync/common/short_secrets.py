"""Short secrets: where one of them can stand in a text, and a word that equals it cannot.

In: a secret of less than 8 characters. Out: the pattern of its places. A mask in a sentence that everybody
knows would tell the word, and make a riddle of the sentence.
"""

from __future__ import annotations

import re

MIN_LENGTH_IN_DATA = 8
"""A shorter word that equals a secret is more often the word than the secret. In data it stays."""
_MAX_TINY_SECRET = 3
# Where a shorter secret can stand, and not a part of an ordinary word.
_AS_WORD = r"(?<![^\W_]){0}(?![^\W_])"
# Where a secret of one to three characters can stand, and not a word such as "a" or "to": in a URL, in
# quotes, as an element of a list, as a header, or alone.
_AS_VALUE = "|".join(
    [
        r"(?<=[=/@:?&\#]){0}(?![^\W_])",
        r"(?<=['\"`]){0}(?=['\"`])",
        r"(?<=[(\[{<,]){0}(?=[)\]}>,])",
        r"(?:(?<=:\ )|(?<=bearer\ )|(?<=basic\ )|(?<=token\ )){0}(?=\s*(?:$|[,;'\"})\]]))",
        r"\A{0}(?=\s*\Z)",
    ]
)
# Where a longer secret that is a word can stand, and not the word itself, such as "path" or "wrong": also
# after the name of a secret, and in front of a host.
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+")
_NAMES = "keys?|tokens?|passwords?|passphrases?|secrets?|credentials?|users?|usernames?|logins?|headers?|values?"
_AS_NAMED_VALUE = "|".join(
    [
        _AS_VALUE,
        rf"(?<![^\W_])(?:{_NAMES})(?:\s|[:=]){{1,3}}({{0}})(?![^\W_])",
        r"(?<![^\W_]){0}(?=@|:[^\s/])",
    ]
)


def place_of_short(text: str, secret: str) -> re.Pattern[str] | None:
    """Where a spelling of a secret counts; None for anywhere. The last group of a match is the spelling.

    Args:
        text: The spelling, folded.
        secret: The secret.
    """
    if len(secret) >= MIN_LENGTH_IN_DATA:
        return None
    place = _AS_NAMED_VALUE if _WORD.fullmatch(secret) else _AS_WORD
    if len(secret) <= _MAX_TINY_SECRET:
        place = _AS_VALUE
    return re.compile(place.replace("{0}", re.escape(text)), re.MULTILINE)
