"""The ``Link`` header by RFC 8288: forms that servers send, and round trips of drawn links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_sync.extract.rest_client.paginators.link_header import (
    Link,
    MalformedLinkHeader,
    find_link,
    parse_links,
)
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

NEXT = {
    "one link": '</a?page=2>; rel="next"',
    "no quotes": "</a?page=2>; rel=next",
    "no blanks": '</a?page=2>;rel="next"',
    "blanks everywhere": '  < /a?page=2 > \t;\trel = "next"  ',
    "upper case": '</a?page=2>; REL="NEXT"',
    "several relation types": '</a?page=2>; rel="last  next"',
    "after another link": '</a?page=9>; rel="last", </a?page=2>; rel="next"',
    "empty elements": ", ,</a?page=9>; rel=last,, </a?page=2>; rel=next,",
    "other parameters": '</a?page=2>; title="a, b; rel=\\"prev\\" <c>"; results=true; rel="next"',
    "a parameter without a value": '</a?page=2>; crossorigin; rel="next"',
    "an empty parameter": '</a?page=2>;; rel="next";',
    "the first rel counts": '</a?page=2>; rel="next"; rel="prev"',
    "a later rel does not count": '</b>; rel="prev"; rel="next", </a?page=2>; rel="next"',
    "a link from another resource": '</b>; rel=next; anchor="/c", </a?page=2>; rel=next',
    "an extended parameter": "</a?page=2>; title*=UTF-8''n%c3%a9; rel=next",
    "a malformed part after it": '</a?page=2>; rel="next", nonsense',
}


@pytest.mark.parametrize("name", NEXT)
def test_the_next_link_is_found_in_every_form(name: str) -> None:
    assert find_link(NEXT[name], "next") == "/a?page=2"


@pytest.mark.parametrize(
    "target", ["/a?f=1;2&g=3,4", "/a?q=rel=%22prev%22", "?ids=1,2;rel=last", "/é?x=(a,b)"]
)
def test_a_target_may_hold_commas_and_semicolons(target: str) -> None:
    header = f'</first>; rel="first", <{target}>; rel="next"; title="x", </z>; rel="last"'
    assert [link.target for link in parse_links(header)] == ["/first", target, "/z"]
    assert find_link(header, "next") == target


@pytest.mark.parametrize(
    "header",
    ["", ",", "</a>", "</a>; rel", "</a>; title=next", '</a>; rel="http://x/next"', "<>; rel=prev"],
)
def test_no_next_link(header: str) -> None:
    assert find_link(header, "next") is None


@pytest.mark.parametrize("header", ["/a?page=2; rel=next", '</a; rel="next"', '</a> rel="next"'])
def test_a_malformed_header_is_an_error(header: str) -> None:
    with pytest.raises(MalformedLinkHeader):
        find_link(header, "next")


_RELATIONS = st.lists(st.sampled_from(["next", "prev", "last", "http://x/r"]), max_size=3)
_TARGETS = st.text(
    st.characters(codec="latin-1", categories=["L", "N", "P", "S"]), max_size=12
).map(lambda text: text.replace(">", "").replace("<", ""))
_LINKS = st.builds(
    Link, _TARGETS, _RELATIONS.map(tuple), st.none() | st.text('ab"\\,;<>= ', min_size=1)
)


@given(
    st.lists(_LINKS, max_size=4), st.text('x"\\,;<>= \t'), st.booleans(), st.sampled_from(["", " "])
)
def test_links_survive_a_round_trip(
    links: list[Link], title: str, rel_first: bool, blank: str
) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def written(link: Link) -> str:
        parameters = [f"rel={quoted(' '.join(link.relations))}", f"title={quoted(title)}", "flag"]
        if link.anchor is not None:
            parameters.append(f"Anchor={blank}{quoted(link.anchor)}")
        if not rel_first:
            parameters.reverse()
        return f"<{link.target}>" + "".join(f"{blank};{blank}{p}" for p in parameters)

    assert list(parse_links(f"{blank},".join(written(link) for link in links))) == links


def test_a_listing_follows_links_that_hold_separators(api: Api) -> None:
    def respond(path: str, query: dict[str, str], headers: object) -> object:
        page = int(query.get("at", "0").partition(",")[0])
        link = f'</items?at={page + 1},x;rel=%22prev%22>; Rel="last NEXT"; title="a; b, c"'
        sent = [("Link", '</items>; rel="first"; crossorigin'), ("LINK", link)]
        return 200, sent if page < 2 else [], {"data": [{"id": page}]}

    api.on("/items", respond)
    source = shop(item({"paginator": "header_link", "data_selector": "data"}))
    assert read(source).ids() == [0, 1, 2]


def test_a_link_header_that_cannot_be_read_is_no_end(api: Api) -> None:
    api.on("/items", (200, {"Link": "/items?page=2; rel=next"}, {"data": [{"id": 1}]}))
    source = shop(item({"paginator": "header_link", "data_selector": "data"}))
    assert "Link header" in read(source).error()
