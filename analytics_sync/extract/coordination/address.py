"""The address of the server that several machines share: which kind it is, and how messages show it.

In: the setting ``ANALYTICS_SYNC__COORDINATION``. Out: the address; None if machines share nothing. The
address may hold a password. Messages show its scheme, host and path only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import dlt

SETTING = "ANALYTICS_SYNC__COORDINATION"
REDIS, POSTGRES = "redis", "postgres"
_KINDS = {
    "redis": REDIS,
    "rediss": REDIS,
    "postgresql": POSTGRES,
    "postgres": POSTGRES,
}
_SECRET_PARAMETERS = frozenset({"password", "sslpassword", "username", "user"})

Check = Callable[[float, str], None]
"""Takes the seconds of a wait, and what the wait is for; raises if the wait ends too late."""


class CoordinationError(Exception):
    """The coordination server cannot be used. The text names it, and holds no secret.

    Args:
        happened: What happened; a sentence.
        advice: What to do next.
        may_pass: Whether the server may answer later without a change of the settings.
    """

    def __init__(self, happened: str, advice: str, *, may_pass: bool = False) -> None:
        super().__init__(f"{happened} {advice}")
        self.happened = happened
        self.advice = advice
        self.may_pass = may_pass


@dataclass(frozen=True)
class CoordinationAddress:
    """The address of a coordination server.

    Attributes:
        url: The address as it is set; may hold a secret.
        kind: ``redis`` or ``postgres``.
        shown: The address without a secret.
        secrets: User names and passwords in the address.
    """

    url: str
    kind: str
    shown: str
    secrets: frozenset[str]

    def unreachable(self, error: BaseException) -> CoordinationError:
        """The error of a server that does not answer."""
        return CoordinationError(
            f"{SETTING}: {self.shown} does not answer: {self.without_secrets(error)}. No request is "
            "sent, because the machines could exceed the rate limit.",
            "Start the server, or remove the setting if one machine sends all requests.",
            may_pass=True,
        )

    def without_secrets(self, error: BaseException) -> str:
        """The first line of an error without the secrets of the address."""
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        text = text.replace(self.url, self.shown)
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text[:300].rstrip(".")


def coordination_address() -> CoordinationAddress | None:
    """The configured address; None if there is none.

    Raises:
        CoordinationError: The setting is no address of a known kind.
    """
    name = SETTING.lower().replace("__", ".")
    found = dlt.config.get(name, str) or dlt.secrets.get(name, str)
    url = str(found or "").strip()
    if not url:
        return None
    advice = "Set redis://HOST:6379/0, rediss://HOST:6379/0 or postgresql://USER@HOST/DATABASE."
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise CoordinationError(f"{SETTING} is not an address.", advice) from None
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        known = ", ".join(f"{scheme}://" for scheme in _KINDS)
        raise CoordinationError(f"{SETTING} begins with none of {known}.", advice)
    shown = f"{parts.scheme}://{unquote(parts.netloc.rpartition('@')[2])}{parts.path}"
    return CoordinationAddress(url, kind, shown, frozenset(_secrets(url)))


def _secrets(url: str) -> set[str]:
    """The passwords of an address in both spellings, and the user names that are tokens."""
    parts = urlsplit(url)
    named = [value for name, value in parse_qsl(parts.query) if name in _SECRET_PARAMETERS]
    found = {parts.password or "", *named}
    if parts.password is None and parts.username:  # some servers take a token as the user
        found.add(parts.username)
    return {s for secret in found for s in (secret, unquote(secret)) if len(s) > 3}
