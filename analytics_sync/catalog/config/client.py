"""The declared client: what all requests of a source share.

In: the ``client`` value of a catalog file. Out: ``Client``, with authentication, retry policy,
rate limit and size limits. Keys and their meaning are those of dlt's ``rest_api``. "(ours)" marks
each key that dlt lacks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
)

from analytics_sync.catalog.config.base_model import Model
from analytics_sync.catalog.config.charsets import codec_of
from analytics_sync.catalog.config.paginators import PaginatorConfig
from analytics_sync.catalog.config.params import (
    REFERENCE,
    Header,
    SettingParam,
    check_setting_text,
    settings_in,
)


def _reference(value: str) -> str:
    if not REFERENCE.match(value):
        raise ValueError('expected a setting: dlt.secrets["name"]')
    return value


def _secret_text(value: str) -> str:
    if not settings_in(value):
        raise ValueError(
            'expected a setting: dlt.secrets["name"], or text with {dlt.secrets["name"]}'
        )
    return value


Reference = Annotated[str, AfterValidator(_reference)]
SecretText = Annotated[str, AfterValidator(_secret_text)]
SettingText = Annotated[str, AfterValidator(check_setting_text)]


def _location(value: Any) -> Any:
    return "query" if value == "param" else value


class ApiKeyAuth(Model):
    """A key in a header, a parameter of the query, or a cookie of the given name."""

    type: Literal["api_key"]
    name: str = "Authorization"
    api_key: SecretText
    location: Annotated[Literal["header", "query", "cookie"], BeforeValidator(_location)] = "header"


class BearerAuth(Model):
    """``Authorization: Bearer <token>``."""

    type: Literal["bearer"] = "bearer"
    token: SecretText


class HttpBasicAuth(Model):
    """HTTP basic authentication. Many APIs take the key as the user name and an empty password."""

    type: Literal["http_basic"]
    username: str
    password: Reference | Literal[""]


class OAuth2ClientCredentials(Model):
    """A bearer token that the API gives for a client's id and secret, and that expires."""

    type: Literal["oauth2_client_credentials"]
    access_token_url: SettingText
    client_id: SettingText
    client_secret: SecretText
    access_token_request_data: dict[str, SettingText | int | bool] = Field(default_factory=dict)
    default_token_expiration: PositiveInt = 3600


Auth = Annotated[
    ApiKeyAuth | BearerAuth | HttpBasicAuth | OAuth2ClientCredentials, Discriminator("type")
]


def _auth(value: Any) -> Any:
    """A mapping with ``token`` is short for ``type: bearer``."""
    return {"type": "bearer", **value} if isinstance(value, dict) and "token" in value else value


StatusCode = Annotated[int, Field(ge=100, le=999)]
TRANSIENT_STATUSES = (429, 500, 502, 503, 504)


class ErrorHandler(Model):
    """The retry policy (ours): ``max_retries`` 3 means 4 attempts.

    ``retry_on_status_codes`` adds statuses to the transient ones, also statuses of a success: 202
    means that the API is still preparing the response. The wait before retry n is
    ``backoff_factor`` to the power n seconds, unless the server sends a waiting time.
    """

    retry_on_status_codes: tuple[StatusCode, ...] = TRANSIENT_STATUSES
    max_retries: NonNegativeInt = 3
    backoff_factor: NonNegativeFloat = 2.0

    @field_validator("retry_on_status_codes")
    @classmethod
    def _with_transient(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted({*TRANSIENT_STATUSES, *value}))


class RateLimit(Model):
    """At most ``requests`` in ``seconds`` for the whole source (ours)."""

    requests: PositiveInt
    seconds: PositiveFloat


def _header(value: str | SettingParam) -> str | SettingParam:
    return check_setting_text(value) if isinstance(value, str) else value


def _charset(value: str) -> str:
    try:
        codec_of(value)
    except ValueError as e:
        raise ValueError(f"{e}; expected one such as utf-8 or windows-1252") from None
    return value


class Client(Model):
    """Address, authentication and limits of a source.

    All limits and timeouts are ours. Times are in seconds, sizes in bytes. ``charset`` (ours): the
    charset of all responses, whatever they declare.
    """

    base_url: SettingText | None = None
    auth: Annotated[Auth | None, BeforeValidator(_auth)] = None
    headers: dict[str, Annotated[Header, AfterValidator(_header)]] = Field(default_factory=dict)
    paginator: PaginatorConfig | None = None
    error_handler: ErrorHandler | None = None
    rate_limit: RateLimit | None = None
    connect_timeout: PositiveFloat = 10.0
    read_timeout: PositiveFloat = 60.0
    max_response_bytes: PositiveInt = 256 * 1024 * 1024
    max_expansion: PositiveInt = 500
    max_nesting: int = Field(default=1000, ge=1, le=1000)
    charset: Annotated[str, AfterValidator(_charset)] | None = None
    max_connections: PositiveInt = 16
    max_pages: PositiveInt = 100_000
    max_seconds: PositiveFloat = 86_400.0
    resume_within: NonNegativeFloat = 3600.0
