"""Alerts by mail: encryption, logins, and a server that is not to be trusted. The servers are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.alert_receivers import MailReceiver, mail_receiver
from analytics_sync_tests.support.slow_server import tls_context

USER, PASSWORD = "sync@a.example", "p@ss/w:rd-canary"
HERE, ELSEWHERE = "127.0.0.1", "127.1"
"""Two spellings of loopback. The second one does not look like it, and is treated as a foreign host."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailReceiver]:
    """A mail server whose certificate is trusted."""
    tls = tls_context(tmp_path, [f"IP:{HERE}", f"DNS:{ELSEWHERE}"])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with mail_receiver(tls) as found:
        found.login = USER, PASSWORD
        yield found


def send(
    server: MailReceiver,
    scheme: str,
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    login: str = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@",
) -> tuple[int, str]:
    """Send a test message; the exit status, and what was printed."""
    address = f"{scheme}://{login}{host}:{server.port}/?from=sync@a.example&to=one@a.example"
    monkeypatch.setenv("ANALYTICS_SYNC__ALERTS__URLS", address)
    status = main(["alert-test"])
    found = capsys.readouterr()
    assert PASSWORD not in found.out + found.err
    assert quote(PASSWORD, safe="") not in found.out + found.err
    return status, found.out + found.err


@pytest.mark.parametrize(
    ("scheme", "host"), [("smtps", HERE), ("smtps", ELSEWHERE), ("smtp", ELSEWHERE)]
)
def test_a_mail_is_sent_with_a_login_over_tls(
    server: MailReceiver,
    scheme: str,
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.is_tls_first = scheme == "smtps"
    status, printed = send(server, scheme, host, monkeypatch, capsys)
    assert (status, printed) == (0, "sent: mail one@a.example\n")
    assert server.logins == [(USER, PASSWORD)]
    assert len(server.mails) == 1
    secret = [encrypted for command, encrypted in server.commands if command in {"AUTH", "DATA"}]
    assert secret == [True, True]


def test_a_server_of_this_machine_needs_no_encryption(
    server: MailReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tls = None
    status, _ = send(server, "smtp", HERE, monkeypatch, capsys)
    assert status == 0
    assert server.logins == [(USER, PASSWORD)]


def test_nothing_is_sent_to_another_host_that_cannot_encrypt(
    server: MailReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tls = None
    status, printed = send(server, "smtp", ELSEWHERE, monkeypatch, capsys)
    assert status == 1
    assert printed.startswith("not sent: mail one@a.example: SMTPNotSupportedError: STARTTLS")
    assert not server.logins
    assert not server.mails


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("case", ["unknown authority", "another name"])
def test_nothing_is_sent_to_a_server_that_cannot_prove_its_name(
    tmp_path: Path,
    scheme: str,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tls = tls_context(
        tmp_path, ["DNS:mail.example"] if case == "another name" else [f"DNS:{ELSEWHERE}"]
    )
    if case == "another name":
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with mail_receiver(tls) as server:
        server.login, server.is_tls_first = (USER, PASSWORD), scheme == "smtps"
        status, printed = send(server, scheme, ELSEWHERE, monkeypatch, capsys)
        assert status == 1
        assert "CERTIFICATE_VERIFY_FAILED" in printed
        assert not server.logins
        assert not server.mails


def test_a_wrong_password_is_a_failure_that_does_not_show_it(
    server: MailReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.login = USER, "another"
    status, printed = send(server, "smtp", ELSEWHERE, monkeypatch, capsys)
    assert status == 1
    assert "SMTPAuthenticationError" in printed
    assert not server.mails
