"""The one place that cuts secrets out of text, by value and before anything is shortened.

In: the secrets of a run, a text. Out: the text without them, also where they stand URL-encoded, in
base64, or escaped as in JSON or a Python literal.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

_MASK = "***"


class Redactor:
    """Call it with a text; it masks every secret given at the start."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            forms |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
            forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
            forms |= {base64.b64encode(secret.encode()).decode().rstrip("=")}
        # the longest first, so that no rest of a secret stays behind
        ordered = sorted((f for f in forms if f), key=len, reverse=True)
        # %2F and %2f are the same
        either = "|".join(map(re.escape, ordered))
        self._pattern = re.compile(either, re.IGNORECASE) if ordered else None
        self._forms = [form.encode() for form in ordered]

    def __call__(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``."""
        return self._pattern.sub(_MASK, text) if self._pattern else text

    def sees(self, raw: bytes) -> bool:
        """Whether a secret stands in ``raw``; faster than replacing it."""
        return any(form in raw for form in self._forms)
