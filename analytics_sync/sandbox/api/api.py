"""One declared API, without HTTP.

In: a source, its ledger, and requests.
Out: responses.
It checks what a real server checks: the key, the path, and the presence and form of parameters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

import orjson

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.client import (
    ApiKeyAuth,
    BearerAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from analytics_sync.catalog.config.params import (
    REFERENCE,
    SettingParam,
    read_setting_text,
    settings_in,
)
from analytics_sync.sandbox.api.envelope import Envelope
from analytics_sync.sandbox.api.filters import arrange, order_of, window_of
from analytics_sync.sandbox.api.pagination import Pager
from analytics_sync.sandbox.api.routes import Routes
from analytics_sync.sandbox.data.ledger import Ledger
from analytics_sync.sandbox.data.response_shape import key_paths
from analytics_sync.sandbox.messages import Refused, Request, ServedResponse
from analytics_sync.sandbox.options import Options

_OWN_ADDRESS = re.compile(r"""\{dlt\.(?:secrets|config)\[["']base_url["']\]\}(/[^?#{}]*)""")


class Api:
    """Answers the requests to one source.

    Args:
        source: The declaration.
        ledger: The records of the source.
        options: The key, the maximum page size, and the resources without an envelope.
    """

    def __init__(self, source: Source, ledger: Ledger, options: Options) -> None:
        self.source = source
        self.routes = Routes(source)
        self._ledger = ledger
        self._options = options
        self._pagers = {r.name: Pager(r, options) for r in source.resources.values()}
        self._envelopes = {r.name: Envelope(r, options) for r in source.resources.values()}

    def respond(
        self, request: Request, resource: Resource | None, values: Mapping[str, str]
    ) -> ServedResponse:
        """The response to one request.

        Args:
            request: The request.
            resource: The resource of the request's path; None if no resource has this path.
            values: Values of the placeholders in the path.
        """
        try:
            self._check_key(request)
            if resource is None:
                raise Refused(404, f"{self.source.name} has nothing at {request.path}")
            return self._respond(request, resource, values)
        except Refused as e:
            return e.response()

    def _respond(
        self, request: Request, resource: Resource, values: Mapping[str, str]
    ) -> ServedResponse:
        params = self._params(request, resource, values)
        order, window = order_of(resource, request.query), window_of(resource, request.query)
        view = self._ledger.cached(
            resource.name, (order, window), arrange(order, window, key_paths(resource)), params
        )
        envelope = self._envelopes[resource.name]
        if view is None or (envelope.is_object and not view.versions):
            raise Refused(404, f"no {resource.name} at {request.path}")
        page = self._pagers[resource.name].page(view, request)
        if resource.count_path is not None:
            page.body_values[resource.count_path] = len(view.versions)
        return ServedResponse(200, envelope.body(page), page.headers)

    def _params(
        self, request: Request, resource: Resource, values: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The values of the resolved parameters, which select one parent's records.

        Raises:
            Refused: 422, a required parameter is missing.
        """
        for name, param in resource.settings.items():
            if name not in values and not param.is_optional and not request.one(name):
                raise Refused(422, f"parameter {name} is required")
        result = []
        for name in resource.resolved:
            value = values.get(name, request.one(name))
            if not value:
                raise Refused(422, f"parameter {name} is required")
            result.append(value)
        return tuple(result)

    def _check_key(self, request: Request) -> None:
        client, key, sent = self.source.client, self._options.key, request.headers
        match client.auth:
            case ApiKeyAuth(location="query") as auth:
                ok = _matches(request.one(auth.name), filled(auth.api_key, key))
            case ApiKeyAuth(location="cookie") as auth:
                ok = _matches(sent.get("cookie"), f"{auth.name}={filled(auth.api_key, key)}")
            case ApiKeyAuth() as auth:
                ok = _matches(sent.get(auth.name.lower()), filled(auth.api_key, key))
            case BearerAuth() as auth:
                ok = _matches(sent.get("authorization"), f"Bearer {filled(auth.token, key)}")
            case HttpBasicAuth() as auth:
                user = key if REFERENCE.match(auth.username) else auth.username
                pair = base64.b64encode(f"{user}:{key}".encode()).decode()
                ok = _matches(sent.get("authorization"), f"Basic {pair}")
            case OAuth2ClientCredentials():
                ok = _matches(sent.get("authorization"), f"Bearer {self._token}")
            case _:
                ok = True
        for name, value in client.headers.items():
            found = sent.get(name.lower())
            if isinstance(value, SettingParam):
                if value.type == "secret" and not (found is None and value.optional):
                    ok = ok and _matches(found, key)
            elif any(kind == "secrets" for kind, _ in settings_in(value)):
                ok = ok and _holds_key(found, value, key)
        if not ok:
            raise Refused(401, "missing or wrong key; the sandbox's settings hold the right one")

    @property
    def path_of_address(self) -> str:
        """The path behind the setting ``base_url``, where the declared address holds that setting."""
        found = _OWN_ADDRESS.match(self.source.client.base_url or "")
        return found[1].rstrip("/") if found else ""

    @property
    def _token(self) -> str:
        """The access token of this source."""
        return hashlib.sha256(f"{self.source.name} {self._options.key}".encode()).hexdigest()

    def token(self, method: str, body: bytes) -> ServedResponse:
        """The response to a request of an access token.

        Args:
            method: The HTTP method.
            body: A form with the secret of the client.
        """
        form = parse_qs(body.decode("utf-8", "replace"))
        if method != "POST" or form.get("grant_type") != ["client_credentials"]:
            return Refused(
                400, "expected a POST request with grant_type=client_credentials"
            ).response()
        if not _matches(form.get("client_secret", [""])[-1], self._options.key):
            return Refused(401, "wrong client_secret; the sandbox's settings hold it").response()
        answer = {"access_token": self._token, "token_type": "Bearer", "expires_in": 3600}
        return ServedResponse(200, orjson.dumps(answer))


def filled(text: str, key: str) -> str:
    """A text of ``auth`` with the key of the sandbox in place of each setting."""
    read = read_setting_text(text)
    if isinstance(read, str):
        return read
    return "".join(part if isinstance(part, str) else key for part in read.parts)


def _holds_key(sent: str | None, text: str, key: str) -> bool:
    """Whether a header is as declared: the key in place of each secret, any value for another setting."""
    read = read_setting_text(text)
    parts = [read] if isinstance(read, str) else read.parts
    pattern = ""
    for part in parts:
        if isinstance(part, str):
            pattern += re.escape(part)
        else:
            reference = REFERENCE.match(part.name)
            is_secret = reference is not None and reference[1] == "secrets"
            pattern += re.escape(key) if is_secret else ".+"
    return sent is not None and re.fullmatch(pattern, sent) is not None


def _matches(sent: str | None, expected: str) -> bool:
    return sent is not None and hmac.compare_digest(sent.encode(), expected.encode())
