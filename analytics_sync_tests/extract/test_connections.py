"""Connections: to which address they lead, whatever a name resolves to, and whose certificate they take."""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.common.errors import ConnectionFailed, MissingSetting
from analytics_sync_tests.support.scripted_api import (
    Api,
    first_line,
    item,
    other_api,
    read,
    shop,
    shop_api,
)
from analytics_sync_tests.support.slow_server import WHOLE_RESPONSE, serve_slowly, tls_context

api = shop_api
elsewhere = other_api
ELSEWHERE = "192.0.2.1"  # reserved for documentation: no machine has it
ONCE = {"error_handler": {"max_retries": 0}}


_lookup = socket.getaddrinfo


class Names:
    """A resolver that gives the next address with each lookup of a name, and the last one again."""

    def __init__(self, *addresses: str) -> None:
        self.lookups = 0
        self._addresses = addresses

    def __call__(self, host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host[0].isdigit() or ":" in host:  # an address needs no lookup
            return _lookup(host, port, *args, **kwargs)
        address = self._addresses[min(self.lookups, len(self._addresses) - 1)]
        self.lookups += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port))]


def port_of(api: Api) -> str:
    return api.url.rpartition(":")[2]


def closed(body: Any) -> Any:
    """A response after which the server closes the connection: the next request makes a new one."""
    return (200, {"Connection": "close"}, body)


@pytest.mark.parametrize("name", ["localhost", "api.localhost"])
@pytest.mark.parametrize(
    "address", [ELSEWHERE, "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0", "169.254.169.254"]
)
def test_plain_http_does_not_leave_this_machine(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    """A name of this machine may resolve to another one: by a wrong entry, or by a resolver's owner."""
    monkeypatch.setattr(socket, "getaddrinfo", Names(address))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"http://{name}:{port_of(api)}")
    outcome = read(shop(item(ONCE)))
    assert isinstance(outcome.failures["items"], ConnectionFailed)
    assert f"{name} is the address {address}, which is not this machine" in first_line(
        outcome.error()
    )
    assert "nothing was sent" in first_line(outcome.error())
    assert not api.seen


def test_a_name_that_resolves_to_another_machine_later(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names("127.0.0.1", ELSEWHERE)
    monkeypatch.setattr(socket, "getaddrinfo", names)
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"http://localhost:{port_of(api)}")
    api.on("/items", closed([{"id": 1}]))
    paged = {"paginator": {"type": "page_number"}, **ONCE}
    outcome = read(shop(item(paged), max_connections=1))
    assert "which is not this machine" in first_line(outcome.error())
    assert len(api.seen) == 1
    assert names.lookups == 2


def test_a_name_is_looked_up_once_for_each_connection(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was checked is what is connected to: a second lookup could give another address."""
    names = Names("127.0.0.1", ELSEWHERE)
    monkeypatch.setattr(socket, "getaddrinfo", names)
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"http://localhost:{port_of(api)}")
    api.on("/items", [{"id": 1}])
    assert read(shop(item(ONCE))).ids() == [1]


def test_a_request_to_this_machine_takes_no_proxy_elsewhere(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy would get the credentials unencrypted."""
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://proxy.shop.invalid:3128")
    api.on("/items", [{"id": 1}])
    assert read(shop(item(ONCE))).ids() == [1]


def test_a_proxy_on_this_machine_is_used(
    api: Api, elsewhere: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", elsewhere.url)
    elsewhere.on("*", [{"id": 2}])
    assert read(shop(item(ONCE))).ids() == [2]
    assert elsewhere.seen[0].target == f"{api.url}/items"


@pytest.fixture
def proxied(api: Api, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_gets_its_credentials(
    elsewhere: Api, proxied: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    address = elsewhere.url.removeprefix("http://")
    proxied.setenv(variable, f"{scheme}loader:p%40ss%3Aword-1@{address}")
    elsewhere.on("*", [{"id": 2}])
    assert read(shop(item(ONCE))).ids() == [2]
    sent = elsewhere.seen[0].headers["proxy-authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"loader:p@ss:word-1"


def test_the_password_of_a_proxy_is_masked(elsewhere: Api, proxied: pytest.MonkeyPatch) -> None:
    address = elsewhere.url.removeprefix("http://")
    proxied.setenv("http_proxy", f"http://loader:p%40ss-word-1@{address}")
    elsewhere.on("*", (407, {}, {"error": "p@ss-word-1 is wrong"}))
    message = read(shop(item(ONCE))).error()
    assert "407" in first_line(message)
    assert "*** is wrong" in message
    assert "p@ss" not in message


@pytest.mark.parametrize(
    "address", ["socks5://127.0.0.1:1", "http://[::1", "http://a:b", "http://"]
)
def test_a_proxy_without_an_address(proxied: pytest.MonkeyPatch, address: str) -> None:
    proxied.setenv("http_proxy", address.replace("://", "://loader:p-word-123@", 1))
    with pytest.raises(MissingSetting) as caught:
        read(shop(item(ONCE)))
    assert str(caught.value).startswith(
        "shop: the proxy that HTTP_PROXY names has no http(s) address."
    )
    assert "p-word-123" not in str(caught.value)


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """The context of a server whose certificate is for the name localhost only."""
    if shutil.which("openssl") is None:
        pytest.skip("without openssl")
    return tls_context(tmp_path, ["DNS:localhost"])


@pytest.mark.parametrize(
    "case", ["known", "unknown authority", "another name", "another machine later"]
)
def test_certificates_are_verified(
    certified: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Whatever machine a name leads to, only the one with its certificate gets the request."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost,shop.invalid")
    if case != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    host = {"another name": "127.0.0.1", "another machine later": "shop.invalid"}.get(
        case, "localhost"
    )
    monkeypatch.setattr(socket, "getaddrinfo", Names("127.0.0.1"))
    with serve_slowly(WHOLE_RESPONSE, tls=certified) as server:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"https://{host}:{server.port}")
        outcome = read(shop(item(ONCE)))
        if case == "known":
            assert outcome.ids() == [1]
        else:
            assert isinstance(outcome.failures["items"], ConnectionFailed)
            assert "certificate verify failed" in first_line(outcome.error())
            assert server.requests == 0


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serve_slowly(WHOLE_RESPONSE) as server:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"https://127.0.0.1:{server.port}")
        assert f"SSL_CERT_FILE, {file}" in first_line(read(shop(item(ONCE))).error())
