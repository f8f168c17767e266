"""The names of parameters that real APIs have for paging and for time filters.

In: the name of a token in an answer, or of a cursor field. Out: names of parameters, the likeliest first. They
decide what is asked, and never what is proposed: an answer proves that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

SIZES = (
    "limit", "per_page", "page_size", "pageSize", "perPage", "page[size]", "page[limit]", "count", "size",
    "max_results", "maxResults", "$top", "take", "rows", "items_per_page",
)  # fmt: skip
PAGES = ("page", "page_number", "pageNumber", "page[number]", "p", "pageIndex", "page_no", "pageNo")
OFFSETS = (
    "offset", "skip", "start", "startAt", "page[offset]", "start_index", "startIndex", "$skip", "from",
)  # fmt: skip
AFTER_IDS = ("starting_after", "after", "after_id", "since_id", "last_id", "cursor")
_CURSORS = (
    "cursor", "page_token", "pageToken", "after", "page[cursor]", "page[after]", "token", "next",
    "continuation_token", "starting_after", "page",
)  # fmt: skip
_STARTS_AND_ENDS = (
    ("from", "to"), ("since", "until"), ("start_date", "end_date"), ("startDate", "endDate"),
    ("start_time", "end_time"), ("startTime", "endTime"), ("start", "end"), ("date_from", "date_to"),
    ("min_date", "max_date"), ("filter[from]", "filter[to]"), ("from_date", "to_date"),
    ("modified_since", ""), ("after", "before"), ("begin", "end"), ("starting_at", "ending_at"),
)  # fmt: skip
_OF_CURSOR = (
    ("{c}[gte]", "{c}[lte]"), ("{c}_after", "{c}_before"), ("{c}_since", "{c}_until"),
    ("{c}_min", "{c}_max"), ("{c}_from", "{c}_to"), ("{c}__gte", "{c}__lte"), ("{c}_gte", "{c}_lte"),
    ("filter[{c}][gte]", "filter[{c}][lte]"), ("min_{c}", "max_{c}"), ("{c}[from]", "{c}[to]"),
    ("{c}[after]", "{c}[before]"),
)  # fmt: skip
_OF_CAMEL_CURSOR = (
    ("{c}From", "{c}To"), ("{c}After", "{c}Before"), ("{c}Since", "{c}Until"), ("{c}Gte", "{c}Lte"),
    ("min{C}", "max{C}"),
)  # fmt: skip
_ENDS_OF_CURSOR = ("_at", "At", "_time", "Time", "_date", "Date", "_on", "On")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_for_token(place: str, known: Iterable[str]) -> list[str]:
    """The parameters that may take a token.

    Args:
        place: The place of the token in the answer: an object around it may be a part of the parameter's name.
        known: Parameters that links of the answer hold.
    """
    above, _, name = place.rpartition(".")
    holder = above.rpartition(".")[2]
    words = re.split(r"[_\-\s.]+", _WORD_ENDS.sub("_", name).lower())
    stripped = [word for word in words if word not in ("next", "x", "end")] or words
    likely = [_camel(stripped), "_".join(stripped), "-".join(stripped), name]
    if "offset" in words or "start" in words:
        likely += OFFSETS
    elif "page" in words and "token" not in words:
        likely += ["page", "page_number", "page[number]"]
    if holder:
        inner = dict.fromkeys([*stripped, "cursor", *words])
        likely += [form.format(holder, one) for one in inner for form in ("{}[{}]", "{}.{}")]
    known = [n for n in known if n in likely or n.lower().replace("-", "_") in _CURSORS]
    return list(dict.fromkeys([*known, *likely, *_CURSORS]))[:24]


def names_for_times(cursor: str) -> dict[str, str]:
    """The parameters that may be the start of a window, each with the one for its end; empty without one."""
    name = cursor.rpartition(".")[2]
    stem = next((name.removesuffix(end) for end in _ENDS_OF_CURSOR if name.endswith(end)), name)
    own, of_stem = _pairs(_OF_CURSOR, name), _pairs(_OF_CURSOR, stem)
    if _WORD_ENDS.search(name):
        own = [*_pairs(_OF_CAMEL_CURSOR, stem), *_pairs(_OF_CAMEL_CURSOR, name)]
    return dict([*own, *_STARTS_AND_ENDS, *of_stem])


def _pairs(forms: Iterable[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    capital = name[:1].upper() + name[1:]
    return [(a.format(c=name, C=capital), b.format(c=name, C=capital)) for a, b in forms]


def in_links(links: Iterable[str]) -> list[str]:
    """The parameters that addresses of an answer hold."""
    found: dict[str, None] = {}
    for link in links:
        found |= dict.fromkeys(name for name, _ in parse_qsl(urlsplit(link).query))
    return list(found)


def preferred(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names in the order of likeliness: those first that the answer or the source knows."""
    names, known = list(names), set(known)
    return sorted(names, key=lambda name: name not in known)


def names_in_body(values: Mapping[str, object]) -> list[str]:
    """The names that an answer uses around its records: many an API echoes its parameters."""
    found: list[str] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += names_in_body(value)
        else:
            found.append(name)
    return found


def _camel(words: list[str]) -> str:
    return words[0] + "".join(word.capitalize() for word in words[1:])
