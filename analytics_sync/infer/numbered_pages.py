"""Paging by numbers: a page size, and the number of a page or an offset.

In: the first page of a listing. Out: the paginator that gave exactly the part of it that was asked for, or records that
are all new. A small page size makes several pages of a listing that fits into one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analytics_sync.common.shown import counted
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.known_params import known_params
from analytics_sync.infer.pages import AnsweredPage, PageTaker
from analytics_sync.infer.param_names import OFFSETS, PAGES, SIZES, preferred
from analytics_sync.infer.param_search import Effect, ParamSearch
from analytics_sync.infer.proposal import Choice

_MAX_REQUESTS = 7  # of the search for one parameter
_SMALL = 10  # a size that APIs with a list of sizes know
_LARGE = 100


@dataclass(frozen=True)
class SmallPages:
    """The listing in small pages.

    Attributes:
        param: The parameter of the page size.
        size: The size.
        page: The first page of this size.
    """

    param: str
    size: int
    page: AnsweredPage

    @property
    def sent(self) -> dict[str, object]:
        """The parameter with its value."""
        return {self.param: self.size}


class NumberedPages:
    """Looks for paging by numbers.

    Args:
        asker: Sends the requests.
        taker: Makes pages of answers.
        first: The first page.
    """

    def __init__(self, asker: Asker, taker: PageTaker, first: AnsweredPage) -> None:
        self._asker = asker
        self._taker = taker
        self._first = first
        self._known = known_params(first)
        self.tried: list[str] = []
        """The parameters that were sent in vain."""
        self.is_sure = True
        """Whether the API took all parameters that were sent, and did nothing with them."""

    def small_pages(self) -> SmallPages | None:
        """The listing in pages of a third of the first page, or of ten records; None if no size is taken."""
        size = _SMALL if len(self._first) >= 3 * _SMALL else max(1, len(self._first) // 3)
        if len(self._first) <= size:
            return None
        name, page = self._search(
            preferred(SIZES, self._known),
            {},
            size,
            lambda page: self._first.has_part(page, 0, size),
        )
        return None if name is None or page is None else SmallPages(name, size, page)

    def find(self, small: SmallPages | None) -> tuple[Choice, AnsweredPage] | None:
        """The paginator, with a page that it leads to; None if there is none."""
        ways = [self._by_page, self._by_offset]
        if set(self._known) & set(OFFSETS) and not set(self._known) & set(PAGES):
            ways.reverse()
        for way in ways:
            if (found := way(small)) is not None:
                return found
        return None

    def _by_page(self, small: SmallPages | None) -> tuple[Choice, AnsweredPage] | None:
        first = self._first if small is None else small.page
        sent = {} if small is None else small.sent
        name, page = self._search(preferred(PAGES, self._known), sent, 2, first.is_continued_by)
        if name is None or page is None:
            return None
        again = self._taker.page(self._asker.probe({**sent, name: 2}))
        if again is None or again.names != page.names:
            self.tried.append(f"{name} (each answer has other records)")
            return None
        keys: dict[str, object] = {"type": "page_number", "page_param": name}
        if (base := self._base_page(name, page, small)) is not None:
            keys["base_page"] = base
        reason = f"{name}=2 gave {counted(len(page), 'record')} that are all new"
        if small is not None:
            keys |= {"limit_param": small.param, "limit": self._limit(small)}
        return Choice(keys, reason, "proven"), page

    def _base_page(self, name: str, second: AnsweredPage, small: SmallPages | None) -> int | None:
        """The number of the first page, if an answer shows it; the reader finds it out otherwise."""
        if small is not None:
            if self._first.has_part(second, small.size, small.size):
                return 1
            if self._first.has_part(second, 2 * small.size, small.size):
                return 0
        sent = {} if small is None else small.sent
        first = self._first if small is None else small.page
        page = self._taker.page(self._asker.probe({**sent, name: 1}))
        if page is None:
            return None
        if page.names == first.names:
            return 1
        return 0 if first.is_continued_by(page) and page.is_continued_by(second) else None

    def _by_offset(self, small: SmallPages | None) -> tuple[Choice, AnsweredPage] | None:
        first = self._first
        names = preferred(OFFSETS, self._known)
        if small is not None:
            start, length = small.size, min(small.size, len(first) - small.size)
            name, page = self._search(
                names, small.sent, start, lambda page: first.has_part(page, start, length)
            )
            limits: dict[str, object] = {"limit_param": small.param}
            limit = self._limit(small) if name else 0
        else:
            start, length = 1, len(first) - 1
            name, page = self._search(names, {}, start, lambda page: _is_shifted(first, page))
            limits, limit = {"limit_param": None}, len(first)
        if name is None or page is None:
            return None
        keys = {
            "type": "offset",
            "offset_param": name,
            **limits,
            "limit": limit,
            "cursor_path": None,
        }
        reason = f"{name}={start} left out exactly the first {counted(start, 'record')}"
        return Choice(keys, reason, "proven"), page

    def _limit(self, small: SmallPages) -> int:
        """The page size: 100 if the API takes it, else that of the first page."""
        usual = len(self._first)
        if usual >= _LARGE:
            return usual
        page = self._taker.page(self._asker.probe({small.param: _LARGE}))
        return _LARGE if page is not None and self._first.names == page.names[:usual] else usual

    def _search(
        self,
        names: Sequence[str],
        sent: Mapping[str, object],
        value: int,
        is_expected: Callable[[AnsweredPage], bool],
    ) -> tuple[str | None, AnsweredPage | None]:
        """The parameter that has the expected effect, and the page that it gave."""
        pages: dict[Sequence[str], AnsweredPage] = {}
        names = [name for name in names if name not in sent and name not in self._asker.query]

        def ask(some: Sequence[str]) -> Effect:
            page = self._taker.page(self._asker.probe({**sent, **dict.fromkeys(some, value)}))
            if page is None:
                return Effect.REFUSED
            if is_expected(page):
                pages[tuple(some)] = page
                return Effect.EXPECTED
            self.is_sure &= bool(sent) or page.names == self._first.names
            return Effect.NONE

        search = ParamSearch(ask, _MAX_REQUESTS)
        name = search.find(names)
        if name is None:
            self.tried += search.tried
            self.is_sure &= search.was_ignored and not search.is_cut_short
            return None, None
        return name, pages[(name,)]


def _is_shifted(first: AnsweredPage, page: AnsweredPage) -> bool:
    """Whether a page begins with the second record of another one."""
    rest = first.names[1:]
    return len(rest) > 0 and page.names[: len(rest)] == rest and first.names[0] not in page.names
