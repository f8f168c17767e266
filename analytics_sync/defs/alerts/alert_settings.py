"""The settings of alerts: who is told, and where Dagster's UI is.

In: the environment and dlt's files of settings. Out: receivers, or an error that says which setting is wrong.
The address of a receiver is a secret: no message shows more of it than the host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import dlt

from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.common.settings_files import foreign_settings
from analytics_sync.extract.rest_client.urls import is_loopback_host

URLS = "ANALYTICS_SYNC__ALERTS__URLS"
DAGSTER_URL = "ANALYTICS_SYNC__ALERTS__DAGSTER_URL"
ALLOW_HTTP = "ANALYTICS_SYNC__ALERTS__ALLOW_HTTP"
DEFAULT_DAGSTER_URL = "http://localhost:3000"
_SLACK = ("hooks.slack.com", "hooks.slack-gov.com")
_TEAMS = (".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com")
_WEB = ("webhook", "slack", "teams")
_MIN_SECRET_LENGTH = 6  # of a part of a path; a shorter one is an ordinary word


@dataclass(frozen=True)
class Receiver:
    """An address that messages are sent to.

    Attributes:
        kind: ``webhook``, ``slack``, ``teams`` or ``mail``.
        label: Its name in texts: the kind and the host, or the mailbox. No secret.
        url: The address. A secret.
        needs_tls: Whether nothing is sent without encryption.
    """

    kind: str
    label: str
    url: str
    needs_tls: bool

    @property
    def secrets(self) -> set[str]:
        """The parts of the address that no text may hold."""
        parts = urlsplit(self.url)
        words = {*parts.path.split("/"), *(v for vs in parse_qs(parts.query).values() for v in vs)}
        found = {word for word in words if len(word) >= _MIN_SECRET_LENGTH}
        if self.kind == "mail":  # the query names mailboxes
            return {unquote(parts.password)} if parts.password else set()
        return {self.url, f"{parts.path}?{parts.query}" if parts.query else parts.path, *found}


@dataclass(frozen=True)
class AlertSettings:
    """Who is told.

    Attributes:
        receivers: The receivers, in the order of the setting; none if it is not set.
        dagster_url: The address of Dagster's UI, for links.
    """

    receivers: Sequence[Receiver]
    dagster_url: str


def is_set(variable: str) -> bool:
    """Whether one of the settings of alerts is set.

    Args:
        variable: Its name as an environment variable.
    """
    return bool(_value(variable) or dlt.secrets.get(_key(variable), Any))


def _key(variable: str) -> str:
    """The name of a setting in dlt's configuration."""
    return variable.lower().replace("__", ".")


def _value(variable: str) -> Any:
    return dlt.config.get(_key(variable), Any)


def alert_settings() -> AlertSettings:
    """The settings as they are now.

    Raises:
        WrongSetting: A setting is wrong.
    """
    words = _words()
    if words and (problem := foreign_settings()):
        raise WrongSetting(f"{problem}. Alerts are not sent with them: remove the file.")
    allow = _text(ALLOW_HTTP).lower()
    if allow not in {"", "true", "false"}:
        raise WrongSetting(f"{ALLOW_HTTP}: expected true or false")
    found = [_receiver(word, n, allow == "true") for n, word in enumerate(words, 1)]
    return AlertSettings(list(_numbered(found)), _dagster_url())


def _words() -> list[str]:
    """The addresses. They stand apart by blanks or line breaks, or are a list in a TOML file."""
    found: Any = _value(URLS) or dlt.secrets.get(_key(URLS), Any)
    texts = found if isinstance(found, list | tuple) else [found or ""]
    return [word for text in texts for word in str(text).split()]


def _text(variable: str) -> str:
    return str(_value(variable) or "").strip()


def _dagster_url() -> str:
    url = _text(DAGSTER_URL) or DEFAULT_DAGSTER_URL
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or parts.username or parts.query:
        raise WrongSetting(
            f"{DAGSTER_URL} is no http(s) address of Dagster's UI; expected one such as "
            f"{DEFAULT_DAGSTER_URL}"
        )
    return url.rstrip("/")


def _receiver(word: str, number: int, allow_http: bool) -> Receiver:
    """The receiver of an address.

    Raises:
        WrongSetting: It is no such address.
    """
    place = f"{URLS}, address {number}"
    form, plus, url = word.partition("+")
    if not plus or form not in _WEB:
        form, url = "", word
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https", "smtp", "smtps"}:
        raise WrongSetting(
            f"{place}: expected https://HOST/..., slack+https://..., teams+https://..., "
            "webhook+https://..., or smtps://USER:PASSWORD@HOST/?from=...&to=..."
        )
    host, is_mail = parts.hostname or "", parts.scheme.startswith("smtp")
    needs_tls = not (allow_http or is_loopback_host(host))
    if is_mail:
        return _mailbox(url, parts, place, needs_tls)
    if parts.username is not None:
        raise WrongSetting(
            f"{place}: a user and a password in the address are not sent. Remove them."
        )
    if parts.scheme == "http" and needs_tls:
        raise WrongSetting(
            f"{place}: http://{host} would send messages unencrypted. Use https, or set "
            f"{ALLOW_HTTP}=true."
        )
    kind = form or _kind(host)
    return Receiver(kind, f"{kind} {host}{f':{parts.port}' if parts.port else ''}", url, needs_tls)


def _mailbox(url: str, parts: SplitResult, place: str, needs_tls: bool) -> Receiver:
    query = parse_qs(parts.query)
    to = [a for value in query.get("to", ()) for a in value.split(",") if a.strip()]
    if not to or not query.get("from") or not all("@" in a for a in (*to, *query["from"])):
        raise WrongSetting(
            f"{place}: a mail needs a sender and a recipient: "
            "smtps://USER:PASSWORD@HOST/?from=alerts@example.com&to=oncall@example.com"
        )
    return Receiver("mail", f"mail {', '.join(to)}", url, needs_tls)


def _kind(host: str) -> str:
    if host in _SLACK:
        return "slack"
    return "teams" if host.endswith(_TEAMS) else "webhook"


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None without a host, or with a port that is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _numbered(receivers: Sequence[Receiver]) -> Iterator[Receiver]:
    """The receivers, each with a label of its own: two channels may have one host."""
    seen: Counter[str] = Counter()
    for receiver in receivers:
        seen[receiver.label] += 1
        count = seen[receiver.label]
        yield replace(receiver, label=f"{receiver.label} ({count})") if count > 1 else receiver
