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
    """The kind of authentication."""
    name: str = "Authorization"
    """Name of the header, parameter or cookie."""
    api_key: SecretText
    """The key: dlt.secrets["key"], also inside text."""
    location: Annotated[
        Literal["header", "query", "cookie"],
        BeforeValidator(
            _location, json_schema_input_type=Literal["header", "query", "cookie", "param"]
        ),
    ] = "header"
    """Where the key is sent."""


class BearerAuth(Model):
    """``Authorization: Bearer <token>``."""

    type: Literal["bearer"] = "bearer"
    """The kind of authentication."""
    token: SecretText
    """The token: dlt.secrets["key"], also inside text."""


class HttpBasicAuth(Model):
    """HTTP basic authentication. Many APIs take the key as the user name and an empty password."""

    type: Literal["http_basic"]
    """The kind of authentication."""
    username: str
    """The name: text, or dlt.secrets["key"]."""
    password: Reference | Literal[""]
    """The password: dlt.secrets["key"], or an empty text if the API takes none."""


class OAuth2ClientCredentials(Model):
    """A bearer token that the API gives for a client's id and secret, and that expires."""

    type: Literal["oauth2_client_credentials"]
    """The kind of authentication."""
    access_token_url: SettingText
    """The address of the tokens. The setting access_token_url wins."""
    client_id: SettingText
    """Id of the client: text, or a setting."""
    client_secret: SecretText
    """Secret of the client: dlt.secrets["key"]."""
    access_token_request_data: dict[str, SettingText | int | bool] = Field(default_factory=dict)
    """Further fields of the token request, such as scope."""
    default_token_expiration: PositiveInt = 3600
    """Seconds that a token is valid, if the answer does not say."""


Auth = Annotated[
    ApiKeyAuth | BearerAuth | HttpBasicAuth | OAuth2ClientCredentials, Discriminator("type")
]


def _auth(value: Any) -> Any:
    """A mapping with ``token`` is short for ``type: bearer``."""
    return {"type": "bearer", **value} if isinstance(value, dict) and "token" in value else value


StatusCode = Annotated[int, Field(ge=100, le=999)]
TRANSIENT_STATUSES = (429, 500, 502, 503, 504)


class ErrorHandler(Model):
    """The retry policy (ours)."""

    retry_on_status_codes: tuple[StatusCode, ...] = TRANSIENT_STATUSES
    """Statuses that are requested again, beside 429, 500, 502, 503 and 504. 202 means that the API is still
    preparing the response."""
    max_retries: NonNegativeInt = 3
    """The largest number of retries: 3 means 4 attempts."""
    backoff_factor: NonNegativeFloat = 2.0
    """The wait before retry n is this number to the power n in seconds, unless the server says how long."""

    @field_validator("retry_on_status_codes")
    @classmethod
    def _with_transient(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted({*TRANSIENT_STATUSES, *value}))


class RateLimit(Model):
    """At most ``requests`` in ``seconds`` for the whole source (ours)."""

    requests: PositiveInt
    """The number of requests."""
    seconds: PositiveFloat
    """The length of the span, in seconds."""


def _header(value: str | SettingParam) -> str | SettingParam:
    return check_setting_text(value) if isinstance(value, str) else value


def _charset(value: str) -> str:
    try:
        codec_of(value)
    except ValueError as e:
        raise ValueError(f"{e}; expected one such as utf-8 or windows-1252") from None
    return value


class Client(Model):
    """Address, authentication and limits of a source."""

    base_url: SettingText | None = None
    """The address of the API. The setting base_url wins. A host reserved for examples counts as none."""
    auth: Annotated[Auth | None, BeforeValidator(_auth)] = None
    """What shows the API who asks. The file names settings, and holds no secret."""
    headers: dict[str, Annotated[Header, AfterValidator(_header)]] = Field(default_factory=dict)
    """Headers of all requests: text, dlt.secrets["key"], or {type: secret, key, optional}."""
    paginator: PaginatorConfig | None = None
    """The paginator of resources that have none."""
    error_handler: ErrorHandler | None = None
    """The retry policy of resources that have none (ours)."""
    rate_limit: RateLimit | None = None
    """The largest number of requests in any span of time, over all processes (ours)."""
    connect_timeout: PositiveFloat = 10.0
    """Seconds for each address of the host (ours)."""
    read_timeout: PositiveFloat = 60.0
    """Seconds for the headers of a response, and then for each further part of its data (ours)."""
    max_response_bytes: PositiveInt = 256 * 1024 * 1024
    """The largest response, in bytes (ours)."""
    max_expansion: PositiveInt = 500
    """How many times larger a response may be unpacked than on the wire (ours)."""
    max_nesting: int = Field(default=1000, ge=1, le=1000)
    """How deep the JSON of a response may be nested (ours)."""
    charset: Annotated[str, AfterValidator(_charset)] | None = None
    """The charset of all responses, whatever they declare (ours)."""
    max_connections: PositiveInt = 16
    """The largest number of requests at a time (ours)."""
    max_pages: PositiveInt = 100_000
    """The largest number of pages of a request series (ours)."""
    max_seconds: PositiveFloat = 86_400.0
    """The longest time of a read, in seconds (ours)."""
    resume_within: NonNegativeFloat = 3600.0
    """A run that starts within these seconds continues a long read that was not loaded; 0 switches this off
    (ours)."""
