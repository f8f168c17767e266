"""Generated JSON values: the name of a field -> the object or list that such a field holds.

In: a name. Out: a function of a record's number that returns a new object or list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from analytics_sync.sandbox.data import words

Json = dict[str, Any] | list[Any]
# (64 random bits, number of the record, instant of the record in ms) -> object or list
JsonMaker = Callable[[int, int, int], Json]


def json_maker(name: str) -> JsonMaker:
    """The function that makes the JSON values of a field of this name."""
    low = name.lower()
    for pattern, make in _MAKERS:
        if pattern.search(low):
            return make
    return _some(words.NOUNS) if low.endswith("s") else _settings


def _some(choices: Sequence[str], limit: int = 3) -> JsonMaker:
    size = len(choices)
    return lambda b, n, ms: [choices[(b >> 6 * i) % size] for i in range(b % (limit + 1))]


def _person(b: int, n: int, ms: int) -> Json:
    name, login, email = words.PEOPLE[b % len(words.PEOPLE)]
    return {"id": f"{b % 2**32:08x}", "name": name, "login": login, "email": email}


def _tags(b: int, n: int, ms: int) -> Json:
    service = words.SERVICES[b % len(words.SERVICES)]
    team = words.TEAMS[b // 16 % len(words.TEAMS)].lower().replace(" ", "-")
    env = ("production", "staging")[b % 5 == 0]
    return [f"env:{env}", f"service:{service}", f"team:{team}"][: b % 4]


def _code(b: int, n: int, ms: int) -> Json:
    service = words.SERVICES[b % len(words.SERVICES)]
    return {
        "repository": f"https://git.example.com/acme/{service}",
        "branch": words.BRANCHES[b // 16 % len(words.BRANCHES)],
        "revision": f"{b:016x}{n % 2**64:016x}",
        "commit": {"subject": words.COMMITS[b // 256 % len(words.COMMITS)]},
    }


def _problems(b: int, n: int, ms: int) -> Json:
    problem = {"type": "config", "message": "step deploy needs a step that does not exist"}
    return [problem] if b % 8 == 0 else []


def _steps(b: int, n: int, ms: int) -> Json:
    return [
        {"name": step, "status": "success", "seconds": (b >> 5 * i) % 240 + 1}
        for i, step in enumerate(words.STEPS[: b % 5])
    ]


def _stats(b: int, n: int, ms: int) -> Json:
    started = b % 9_000
    return {"started": started, "completed": started * (b // 7 % 90) // 100, "left": b % 40}


def _settings(b: int, n: int, ms: int) -> Json:
    return {
        "region": words.REGIONS[b % len(words.REGIONS)],
        "replicas": b % 5 + 1,
        "limits": {"cpu": b // 8 % 8 + 1, "memory_mb": 512 << b % 4},
        "enabled": b % 3 != 0,
    }


def _ids(b: int, n: int, ms: int) -> Json:
    return [f"{b >> 4 * i & 0xFFFFFFFF:08x}" for i in range(b % 4)]


def _trigger(b: int, n: int, ms: int) -> Json:
    _, login, _ = words.PEOPLE[b % len(words.PEOPLE)]
    return {"type": ("webhook", "schedule", "api")[b % 3], "actor": {"login": login}}


def _organization(b: int, n: int, ms: int) -> Json:
    name = words.COMPANIES[b % len(words.COMPANIES)]
    return {"name": name, "slug": name.lower().replace(" & ", "-").replace(" ", "-")}


def _health(b: int, n: int, ms: int) -> Json:
    return {
        "healthy": b % 8 != 0,
        "version": f"{b % 3 + 1}.{b // 8 % 20}.0",
        "restarts": b // 256 % 4,
    }


def _limits(b: int, n: int, ms: int) -> Json:
    critical = b % 90 + 10
    return {"critical": critical, "warning": critical * 4 // 5}


def _request(b: int, n: int, ms: int) -> Json:
    status = (200, 200, 201, 204, 404)[b % 5]
    return {
        "http": {"method": ("GET", "POST")[b % 2], "status_code": status},
        "duration_ms": b % 900,
    }


def _relations(b: int, n: int, ms: int) -> Json:
    return {"created_by_user": {"data": {"type": "users", "id": f"{b % 2**48:012x}"}}}


def _logos(b: int, n: int, ms: int) -> Json:
    noun = words.NOUNS[b % len(words.NOUNS)]
    return {"default": f"https://images.example.com/logos/{noun}.svg"}


def _texts(b: int, n: int, ms: int) -> Json:
    return {"LOG_LEVEL": ("info", "debug")[b % 2], "REGION": words.REGIONS[b % len(words.REGIONS)]}


_MAKERS: tuple[tuple[re.Pattern[str], JsonMaker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"tags$", _tags),
        (r"e-?mails$|handles|recipients", _some(tuple(email for _, _, email in words.PEOPLE))),
        (r"_?ids$|oids", _ids),
        (r"branches", _some(words.BRANCHES)),
        (r"regions|locations|platforms", _some(words.REGIONS)),
        (r"errors|messages|warnings|matching|pending|mandatory", _problems),
        (r"workflows|jobs", _some(words.TASKS)),
        (r"steps|parallel_runs", _steps),
        (
            r"roles|permissions|scopes|allowed",
            _some(("read", "write", "admin", "billing", "invite")),
        ),
        (r"events|actions", _some(words.EVENTS)),
        (r"buttons|items$|dropdown", _some(("Yes", "No", "Maybe later", "Other", "Not sure"))),
        (r"^(status|state|runtime)$", _health),
        (r"threshold|limits", _limits),
        (r"^attributes$", _request),
        (r"^relation", _relations),
        (r"logos?$|images?$", _logos),
        (r"keys$", lambda b, n, ms: [f"****{b % 2**16:04x}"][: b % 2]),
        (r"teams?$|groups?$", _some(words.TEAMS)),
        (r"settings|options|config|prefs", _settings),
        (r"stats|metrics|_data$|usage", _stats),
        (r"^user$|creator|author|profile|owner|committer|actor|personal|buyer|^customer$", _person),
        (r"vcs|commit|repo", _code),
        (r"trigger$", _trigger),
        (r"organi[sz]ation$|^account$|company", _organization),
        (r"variables|parameters|properties|labels|values", _texts),
    )
)
