"""The names and values that speak of paging in responses.

In: a name in an envelope or a header, and its value. Out: whether it is a flag, a cursor, a link, a total
or a number, and what it says. Names are compared in lower case and without separators.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_NO_LETTER = re.compile(r"[^a-z0-9]")
LINK_STARTS = ("http://", "https://", "/", "?")


def name_set(text: str) -> frozenset[str]:
    """Names in lower case, without separators."""
    return frozenset(text.split())


PAGING = name_set(
    """
    meta metadata links link pages paging pagination paginator pager page pageinfo cursor
    cursors info resultinfo responsemetadata responsemeta additionaldata hits nextpage
    searchmetadata
    """
)
_MORE = name_set(
    """
    hasmore hasnext hasnextpage hasmoreitems hasmorepages hasmoreresults hasmorerecords
    hasmoredata morerecords moreitems moredata morepages moreresults moreitemsincollection
    moreavailable moreresultsavailable istruncated nextpageexists
    """
)
_MORE_IF_PAGING = frozenset({"more", "truncated"})
_LAST = name_set(
    "islast islastpage endofrecords endofstream endofresults nomore nomorepages nomoreresults"
)
_LAST_IF_PAGING = frozenset({"last", "lastpage", "done"})
TOKENS = name_set(
    """
    nextcursor nextpagetoken nexttoken nextpage nexturl nexturi nextlink nexthref nextpageurl
    nextpageuri nextpagelink nextpagecursor nextpageid nextoffset nextstart nextkey nextmarker
    nextcontinuationtoken continuationtoken nextrecordsurl nextpagekey nextpagenumber
    odatanextlink nextpagestate nextscrollid
    """
)
TOKENS_IF_PAGING = frozenset({"next"})
TOKEN_KEYS = name_set("href url uri link cursor token after page offset start number id")
FILTERED_TOTALS = name_set("totalfilteredcount filteredcount recordsfiltered totalfiltered")
TOTALS = FILTERED_TOTALS | name_set(
    """
    total totalcount totalrecords totalresults totalitems totalentries totalelements totalrows
    totalhits totalobjects totalsize recordstotal odatacount count recordcount
    """
)
PAGE_TOTALS = name_set("totalpages pagecount pagestotal pages numpages lastpage pagetotal")
ERRORS = name_set(
    "errors error errormessages errormessage partialerrors exceptions exception failures"
)
WARNINGS = name_set("warnings warning notices")
ANY_TOTALS = TOTALS | PAGE_TOTALS
PAGE_NUMBERS = name_set("page currentpage pagenumber pageno")
OFFSETS = name_set("offset start skip startat startindex from")
HEADER_TOKENS = name_set(
    """
    xnextpage xnextcursor xnexttoken xnextpagetoken xcontinuationtoken xmscontinuation nextrange
    nextpage nextcursor nexttoken nextpagetoken
    """
)
HEADER_TOTALS = name_set("xtotalcount xtotal xpaginationtotalcount")


def read_flag(key: str, value: Any, *, is_paging: bool) -> bool | None:
    """Whether a flag says that there is more; None if it is no flag."""
    said = value.lower() if isinstance(value, str) else value
    if key in _MORE or (is_paging and key in _MORE_IF_PAGING):
        if said in (True, "true", "yes", "1") or (isinstance(said, int) and said > 0):
            return True
        return False if said in (False, "false", "no", "0") else None
    if key in _LAST or (is_paging and key in _LAST_IF_PAGING):
        if isinstance(said, bool):
            return not said
        return {"true": False, "false": True}.get(said) if isinstance(said, str) else None
    return True if key == "next" and is_paging and value is True else None


def is_usable(value: Any) -> bool:
    """Whether a value can lead to a next page: no empty, no false and no zero one."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return value > 0
    return isinstance(value, str) and value.strip().lower() not in (
        "",
        "0",
        "null",
        "none",
        "false",
    )


def whole_number_of(value: Any) -> int | None:
    """A whole number, as a number, as digits, or as the ``value`` of an object."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@lru_cache(1024)
def names_in(selector: str) -> frozenset[str]:
    """The names in a declared path, as they are spelled there."""
    return frozenset(re.findall(r"\w+", selector))


@lru_cache(4096)  # the names are the same in every response
def plain_name(name: Any) -> str:
    """A name in lower case, without separators."""
    return _NO_LETTER.sub("", str(name).lower())
