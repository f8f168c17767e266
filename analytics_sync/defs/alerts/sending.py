"""The sending of a message to one receiver.

In: a receiver and a message. Out: nothing, or a ``NotSent`` that says why, without the address. Only the host
of the address is asked: a redirect is not followed.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

import certifi
import urllib3

from analytics_sync.common.errors import MissingSetting, Place
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import shown
from analytics_sync.defs.alerts.alert_settings import Receiver
from analytics_sync.defs.alerts.wording import Message, body
from analytics_sync.extract.rest_client.connections.proxies import Proxy, find_proxy
from analytics_sync.extract.rest_client.urls import is_loopback_host

_SECONDS = 10.0
_MAX_SUBJECT = 150
_MAX_PROBLEM = 200
_NO_RETRIES = urllib3.Retry.from_int(False, redirect=False)


class NotSent(Exception):
    """A receiver did not take a message."""


def send(receiver: Receiver, message: Message) -> None:
    """Send a message.

    Raises:
        NotSent: The receiver did not take it.
    """
    try:
        problem = _mail(receiver, message) if receiver.kind == "mail" else _post(receiver, message)
    except MissingSetting as e:  # the proxy
        problem = str(e)
    except (urllib3.exceptions.HTTPError, smtplib.SMTPException, OSError, ValueError) as e:
        problem = f"{type(e).__name__}: {e}"
    if problem:
        redacted = Redactor(receiver.secrets)(problem)
        raise NotSent(f"{receiver.label}: {shown(redacted, _MAX_PROBLEM)}")


def _post(receiver: Receiver, message: Message) -> str:
    """Post the message, and return what went wrong; "" if nothing did."""
    is_here = is_loopback_host(urlsplit(receiver.url).hostname or "")
    proxy = find_proxy(receiver.url, Place("alerts"), loopback_only=is_here)
    with _manager(proxy) as manager:
        response = manager.request(
            "POST",
            receiver.url,
            body=body(receiver.kind, message),
            headers={"Content-Type": "application/json"},
            retries=_NO_RETRIES,
            redirect=False,
            preload_content=False,
        )
        status = response.status
        response.close()
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed. Set the new address."
    return "" if 200 <= status < 300 else f"answered {status}"


def _manager(proxy: Proxy | None) -> urllib3.PoolManager:
    timeout = urllib3.Timeout(connect=_SECONDS, read=_SECONDS)
    if proxy:
        return urllib3.ProxyManager(
            proxy.url, proxy_headers=proxy.headers, timeout=timeout, ca_certs=_certificates()
        )
    return urllib3.PoolManager(timeout=timeout, ca_certs=_certificates())


def _certificates() -> str:
    return os.environ.get("SSL_CERT_FILE") or certifi.where()


def _mail(receiver: Receiver, message: Message) -> str:
    """Send the message as a mail, and return what went wrong; "" if nothing did."""
    parts = urlsplit(receiver.url)
    query = parse_qs(parts.query)
    mail = EmailMessage()
    mail["Subject"] = shown(message.title, _MAX_SUBJECT)
    mail["From"] = query["from"][0]
    mail["To"] = ", ".join(query["to"])
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="analytics-sync")
    mail.set_content(message.text)
    host, tls = parts.hostname or "", ssl.create_default_context(cafile=_certificates())
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=_SECONDS)
    with server:
        if parts.scheme == "smtp" and receiver.needs_tls:
            server.starttls(context=tls)  # fails if the server has none
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        refused = server.send_message(mail)
    return f"{len(refused)} recipients were refused" if refused else ""
