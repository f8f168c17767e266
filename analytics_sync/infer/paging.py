"""The paginator: the way from one page to the next, proven by a page of other records.

In: the first page of a listing, and an ``Asker``. Out: a ``Choice`` of a paginator, all pages that were read, and the
place of a total. Without a proof there is no paginator in the file, and the comment says what was tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analytics_sync.extract.rest_client.paginators.next_links import next_links
from analytics_sync.extract.rest_client.paginators.sign_names import TOTALS, plain_name
from analytics_sync.extract.rest_client.paginators.signs_of_more import says_all_read
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.followed_pages import FollowedPages
from analytics_sync.infer.numbered_pages import NumberedPages
from analytics_sync.infer.pages import AnsweredPage, PageTaker
from analytics_sync.infer.proposal import Choice, left_open, listed

_MIN_RECORDS = 2


@dataclass(frozen=True)
class Paging:
    """How a listing is paged.

    Attributes:
        paginator: The paginator.
        count_path: The place of the total; None if no answer has one.
        pages: The pages that were read, each with records of its own.
    """

    paginator: Choice
    count_path: Choice | None = None
    pages: Sequence[AnsweredPage] = field(default_factory=tuple)


def propose_paging(
    asker: Asker, taker: PageTaker, first: AnsweredPage, declared: Sequence[str] = ()
) -> Paging:
    """The paging of a listing.

    Args:
        asker: Sends the requests.
        taker: Makes pages of answers.
        first: The first page.
        declared: Parameters of cursors that other resources of the source declare.
    """
    if taker.place.kind == "object":
        return Paging(Choice("single_page", "the answer is one object"), pages=[first])
    followed = FollowedPages(asker, taker, declared)
    if (found := followed.find(first, {})) is not None:
        paginator, other = found
        return Paging(paginator, _total(first, None), [first, other])
    if len(first) < _MIN_RECORDS:
        return Paging(_left_open(followed.tried, first), pages=[first])
    numbered = NumberedPages(asker, taker, first)
    small = numbered.small_pages()
    if small is not None and (found := followed.find(small.page, small.sent)) is not None:
        paginator, other = found
        return Paging(paginator, _total(first, small.page), [first])
    if (found := numbered.find(small)) is not None:
        paginator, other = found
        pages = [first, other] if first.is_continued_by(other) else [first]
        return _with_total(paginator, _total(first, None if small is None else small.page), pages)
    if small is not None:
        tried = [f"{small.param}={small.size} gave a part, and the next part was not found"]
        return Paging(_left_open([*tried, *followed.tried], first, numbered.tried), pages=[first])
    if followed.tried:
        paginator = _left_open(followed.tried, first, numbered.tried)
    else:
        paginator = _single_page(numbered, first)
    return Paging(paginator, _total(first, None), [first])


def unproven_paging(first: AnsweredPage) -> Paging:
    """The paging of answers in a file: what speaks of more, and no paginator."""
    said = [sign.text for sign in first.signs_of_more()]
    said += [
        f"there is a link at {link.place}" for link in next_links(first.response, first.records)
    ]
    text = "; ".join(dict.fromkeys(said)) or "nothing in the answer speaks of more"
    return Paging(left_open(f"a file of answers proves no paginator; {text}"), pages=[first])


def _single_page(numbered: NumberedPages, first: AnsweredPage) -> Choice:
    """One page, if nothing speaks of more."""
    signs = first.signs_of_more()
    if signs:
        tried = [sign.text for sign in signs]
        return _left_open(tried, first, numbered.tried)
    if says_all_read(first.response, first.records, first.progress):
        return Choice("single_page", "the answer says that there is no more")
    if numbered.is_sure:
        reason = (
            f"nothing speaks of more, and the API ignores {listed(numbered.tried)}. If this is the whole listing, "
            "declare single_page"
        )
        return left_open(reason)
    return _left_open([], first, numbered.tried)


def _left_open(tried: Sequence[str], first: AnsweredPage, params: Sequence[str] = ()) -> Choice:
    said = list(tried)
    if params:
        said.append(f"tried without effect: {listed(params)}")
    if len(first) < _MIN_RECORDS:
        said.append("a listing of one record shows no paging; ask where there are more")
    text = "; ".join(said) or "nothing was tried"
    return left_open(f"no paginator is proven, so only certain links are followed. {text}")


def _total(first: AnsweredPage, small: AnsweredPage | None) -> Choice | None:
    """The place of the total: it is larger than the page, or the same beside a smaller page."""
    pages = [page for page in (small, first) if page is not None]
    for page in pages:
        for sign in page.signs_of_more():
            name = plain_name(sign.place.rpartition(".")[2])
            is_in_body = sign.place.lower() not in page.response.headers
            if sign.kind == "total" and name in TOTALS and is_in_body:
                others = [s.value for p in pages if p is not page for s in p.signs_of_more()]
                if not others or sign.value in others or sign.value == len(first):
                    reason = f"{sign.value:,} beside {len(page):,} records of a page"
                    return Choice(sign.place, reason)
    return None


def _with_total(paginator: Choice, total: Choice | None, pages: Sequence[AnsweredPage]) -> Paging:
    """An offset has its total itself."""
    if total is not None and paginator.value["type"] == "offset":
        keys = {**paginator.value, "total_path": total.value}
        reason = f"{paginator.reason}; the total is {total.reason}"
        return Paging(Choice(keys, reason, "proven"), None, pages)
    return Paging(paginator, total, pages)
