"""Generated texts: the name of a field and of its resource -> what such a field holds.

In: a name. Out: a function of a record's number that returns a text.
The texts are elements of ``words``. People of one record are one person: name, login and e-mail agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from analytics_sync.sandbox.data import words
from analytics_sync.sandbox.data.lifetimes import is_open

# (64 random bits, number of the record, instant of the record in ms) -> text
TextMaker = Callable[[int, int, int], str]

_HOST = "https://{}.example.com/{}"
_OF_PEOPLE = re.compile(
    r"user|member|people|person|contact|customer|self_ids|^me$|agent$|account|audit$"
)


def text_maker(name: str, resource: str) -> TextMaker:
    """The function that makes the texts of a field.

    Args:
        name: Name of the field.
        resource: Name of its resource.
    """
    low = name.lower()
    for pattern, make in _MAKERS:
        if pattern.search(low):
            return make(resource)
    if low == "title" and _OF_PEOPLE.search(resource):
        return _choice(words.JOB_TITLES)
    if _NAMES.search(low):
        qualified = (choices for pattern, choices in _QUALIFIED_NAMES if pattern.search(low))
        return next(map(_choice, qualified), None) or _name(resource)
    for pattern, choices in _CHOICES:
        if pattern.search(low):
            return _choice(choices)
    return _choice(words.SENTENCES)


def unique_text(name: str) -> TextMaker:
    """The function for a field of which no two records share a value; its last part is the number."""
    low = name.lower()
    if "email" in low:
        return lambda b, n, ms: f"{words.PEOPLE[b % len(words.PEOPLE)][1]}.{n}@example.com"
    nouns, services = words.NOUNS, words.SERVICES
    if re.search(r"slug|key|value|code|login|sku|reportname", low):
        return lambda b, n, ms: f"{services[b % len(services)]}-{n}"
    return lambda b, n, ms: f"{nouns[b % len(nouns)].capitalize()} {n}"


def url_maker(name: str, resource: str) -> TextMaker:
    """The function that makes the addresses of a field; no two records share one."""
    low = name.lower()
    if "avatar" in low or "image" in low or "icon" in low:
        return lambda b, n, ms: _HOST.format("images", f"{resource}/{n}.png")
    services = words.SERVICES
    if re.search(r"repo|vcs", low):
        return lambda b, n, ms: _HOST.format("git", f"acme/{services[b % len(services)]}-{n}")
    if "branch" in low or "commit" in low:
        part = "commit" if "commit" in low else "tree"
        return lambda b, n, ms: _HOST.format(
            "git", f"acme/{services[b % len(services)]}/{part}/{b:016x}{n:x}"
        )
    return lambda b, n, ms: _HOST.format("app", f"{resource.replace('_', '-')}/{n}")


def _choice(choices: Sequence[str]) -> TextMaker:
    size = len(choices)
    return lambda b, n, ms: choices[b % size]


def _state(resource: str) -> TextMaker:
    """Open states for open records, and final ones for the others."""
    ended, going = next(
        ((e, o) for pattern, e, o in _STATES if pattern.search(resource)), (_ENDED, _GOING)
    )
    return lambda b, n, ms: going[b % len(going)] if is_open(n) else ended[b % len(ended)]


def _person(part: int) -> Callable[[str], TextMaker]:
    people, size = words.PEOPLE, len(words.PEOPLE)

    def make(resource: str) -> TextMaker:
        if _OF_PEOPLE.search(resource):
            # A prime, so that the people of consecutive numbers differ.
            return lambda b, n, ms: people[n * 7919 % size][part]
        return lambda b, n, ms: people[b % size][part]

    return make


def _name(resource: str) -> TextMaker:
    if _OF_PEOPLE.search(resource):
        return _person(0)(resource)
    for pattern, choices in _NAMES_BY_RESOURCE:
        if pattern.search(resource):
            return _choice(choices)
    nouns, teams = words.NOUNS, words.TEAMS
    return lambda b, n, ms: f"{teams[b % len(teams)]} {nouns[b // 16 % len(nouns)]}"


def _type(resource: str) -> TextMaker:
    for pattern, choices in _TYPES:
        if pattern.search(resource):
            return _choice(choices)
    return _choice((resource,))


def _query(resource: str) -> TextMaker:
    return _choice(words.MONITOR_QUERIES if "monitor" in resource else words.SQL)


def _message(resource: str) -> TextMaker:
    if "build" in resource or "commit" in resource:
        return _choice(words.COMMITS)
    is_alert = re.search(r"monitor|downtime|synthetic", resource)
    return _choice(words.ALERTS if is_alert else words.LOG_LINES)


def _from(choices: Sequence[str]) -> Callable[[str], TextMaker]:
    return lambda resource: _choice(choices)


def _any(make: TextMaker) -> Callable[[str], TextMaker]:
    return lambda resource: make


_ENDED: tuple[str, ...] = ("success", "success", "success", "success", "failed", "canceled")
_GOING: tuple[str, ...] = ("running", "running", "queued", "on_hold")
_STATES: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...] = (
    (re.compile(r"incident"), ("resolved", "resolved", "resolved", "stable"), ("active",)),
    (re.compile(r"monitor|synthetic|objective"),
     ("OK", "OK", "OK", "OK", "Warn", "No Data"), ("Alert",)),
    (re.compile(r"downtime"), ("ended", "ended", "canceled"), ("active", "scheduled")),
    (re.compile(r"(^|_)logs?$"), ("info", "info", "info", "warn"), ("critical",)),
    (re.compile(r"user|member|account|agent"), ("active", "active", "active", "disabled"), ("pending",)),
    (re.compile(r"ticket|issue|case"), ("solved", "closed"), ("open", "waiting")),
    (re.compile(r"order|cart|invoice|payment"),
     ("paid", "shipped", "delivered", "returned"), ("open", "packed")),
    (re.compile(r"catalog|destination|source|transform|tour|survey|model"),
     ("public", "public", "enabled"), ("beta", "draft")),
)  # fmt: skip
_TYPES = (
    (re.compile(r"job"), ("build", "build", "build", "release")),
    (re.compile(r"monitor"), ("metric alert", "query alert", "log alert")),
    (re.compile(r"objective|slo"), ("metric", "monitor")),
    (re.compile(r"synthetic"), ("api", "browser")),
)
_QUALIFIED_NAMES = (
    (re.compile(r"branch"), words.BRANCHES),
    (re.compile(r"(repo|project|pipeline|service|image|entity).*name"), words.SERVICES),
    (re.compile(r"new_?event"), words.EVENTS),
    (re.compile(r"(organi[sz]ation|company|account|customer)_?name"), words.COMPANIES),
    (re.compile(r"(team|group)_?name"), words.TEAMS),
)
_NAMES = re.compile(r"name$|^title|^label|^subject|_title$")
_NAMES_BY_RESOURCE = (
    (re.compile(r"incident_team|team|group"), words.TEAMS),
    (re.compile(r"incident"), words.INCIDENTS),
    (re.compile(r"monitor|synthetic|downtime"), words.MONITORS),
    (re.compile(r"dashboard"), words.DASHBOARDS),
    (re.compile(r"objective|slo"), words.OBJECTIVES),
    (re.compile(r"tour|launcher|tooltip|helpbar"), words.GUIDES),
    (re.compile(r"survey"), words.QUESTIONS),
    (re.compile(r"segment"), words.AUDIENCES),
    (re.compile(r"job|workflow|build|step"), words.TASKS),
    (re.compile(r"project|repo|pipeline|runtime|service"), words.SERVICES),
    (
        re.compile(r"collaboration|organi[sz]ation|compan|customer|account|workspace"),
        words.COMPANIES,
    ),
    (re.compile(r"event|track"), words.EVENTS),
)
_MAKERS: tuple[tuple[re.Pattern[str], Callable[[str], TextMaker]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"e?mail_pref|email_auth", _from(("all", "smart", "none"))),
        (r"e-?mail", _person(2)),
        (r"login$|handle$|^user_?name$|^author$", _person(1)),
        (r"committer|initiator|triggered_?by|^user$|assignee|full_?name|first_?name", _person(0)),
        (r"owner$", _from(tuple(team.lower().replace(" ", "-") for team in words.TEAMS))),
        (r"^type$", _type),
        (r"^query$", _query),
        (r"message$", _message),
        (r"project_?slug", _from(tuple(f"gh/acme/{service}" for service in words.SERVICES))),
        (r"status|state$|^progress$|phase$", _state),
        (r"^ip$|_ip$|ip_?addr", _any(lambda b, n, ms: f"203.0.113.{b % 254 + 1}")),
        (r"sha$|revision|commit_?(id|hash)|hash$|checksum|idempotency|correlation",
         _any(lambda b, n, ms: f"{b:016x}{b ^ 0x5DEECE66D1CE4E5B:016x}{n % 2**32:08x}")),
        (r"fingerprint",
         _any(lambda b, n, ms: ":".join(f"{b >> 8 * i & 255:02x}" for i in range(8)))),
        (r"api_?key|token$|secret", _any(lambda b, n, ms: f"****{b % 2**16:04x}")),
        (r"version", _any(lambda b, n, ms: f"{b % 4 + 1}.{b // 4 % 20}.{b // 80 % 10}")),
        (r"colou?r", _any(lambda b, n, ms: f"#{b % 2**24:06x}")),
        (r"offset|radius|_size$|width|height", _any(lambda b, n, ms: f"{b % 12 * 4}px")),
        (r"border", _any(lambda b, n, ms: f"1px solid #{b % 2**24:06x}")),
        (r"duration", _any(lambda b, n, ms: f"{b % 3600}s")),
        (r"req_url|^path$|route", _any(lambda b, n, ms: f"/orders/{n % 100_000}")),
        (r"query_?params|req_query", _any(lambda b, n, ms: f"page={b % 9 + 1}&limit=50")),
        (r"_body$|req_params|request|payload",
         _any(lambda b, n, ms: f'{{"id": {n % 100_000}, "note": "{words.ACTIONS[b % 10]}"}}')),
    )
)  # fmt: skip
_CHOICES: tuple[tuple[re.Pattern[str], Sequence[str]], ...] = tuple(
    (re.compile(pattern), choices)
    for pattern, choices in (
        (r"vcs|provider", ("git", "gitea", "fossil")),
        (r"^if$|condition|filter", words.CONDITIONS),
        (r"^tag$", ("stable", "beta", "setup")),
        (r"impact", words.IMPACTS),
        (r"severity", ("SEV-1", "SEV-2", "SEV-2", "SEV-3", "SEV-3", "SEV-3", "SEV-4")),
        (r"priority|level|urgency", ("low", "medium", "medium", "high")),
        (r"visibility", ("organization", "private")),
        (r"branch", words.BRANCHES),
        (r"time_?zone", ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Denver")),
        (r"time_?frame|period|granularity", ("7d", "30d", "90d")),
        (r"metric_type", ("gauge", "count", "rate", "distribution")),
        (r"layout", ("ordered", "free")),
        (r"trigger_?type|^trigger$|event_?label|^event$", ("push", "push", "schedule", "api", "merge")),
        (r"kind$|type$|subtype|strategy", ("standard", "custom", "scheduled")),
        (r"action$", words.ACTIONS),
        (r"entity$", ("pipeline", "project", "user", "context", "runtime")),
        (r"host$|domain|server", words.HOSTS),
        (r"service|repo|project|image|component", words.SERVICES),
        (r"team|group", words.TEAMS),
        (r"compan|organi[sz]ation|customer|^account$", words.COMPANIES),
        (r"region|location|zone", words.REGIONS),
        (r"^language", ("Python", "Go", "TypeScript", "Rust", "Java")),
        (r"currency", ("EUR", "USD", "GBP", "JPY")),
        (r"country", ("DE", "FR", "JP", "BR", "US", "NO")),
        (r"^plan$|tier", ("free", "team", "team", "business")),
        (r"query_?identifier", ("user_id", "customer_id")),
        (r"sql", words.SQL),
        (r"yaml|descriptor|config", (words.WORKFLOW_FILE,)),
        (r"_op$|operator", ("and", "or")),
        (r"^enabled$|^active$", ("on", "on", "off", "subdomain")),
        (r"semantics|input|answer|other_text|comment|feedback|review", words.ANSWERS),
        (r"audience|segment", words.AUDIENCES),
        (r"button|widget_text|trigger_text", ("Next", "Done", "Skip", "Show me", "Not now")),
        (r"placeholder", ("Search for help …", "Ask a question", "Type to filter")),
        (r"position|screen|preset|inline", ("top_right", "bottom_right", "center", "left")),
        (r"^style$|^trigger", ("auto", "manual")),
        (r"range", ("0-50", "50-100", "0-10")),
        (r"event", words.EVENTS),
        (r"^log", words.LOG_LINES),
        (r"reason", ("waiting for approval", "limit of concurrent builds", "locked by another build")),
        (r"sku", tuple(f"{noun[:3].upper()}-{i:03}" for noun in words.NOUNS for i in (7, 42, 118))),
        (r"slug", tuple(f"{noun}-{service}" for noun in words.NOUNS for service in words.SERVICES)),
        (r"short_?name|tag|key|code", tuple(noun[:4] for noun in words.NOUNS)),
    )
)  # fmt: skip
