"""dlt's paginators, authentication and configuration types, as Python code makes them.

In: the name of a class and its arguments. Out: the mapping that dlt's dictionary form has for it.
"""

from __future__ import annotations

from analytics_sync.catalog.from_python.values import Known, Setting, Value

SOURCE_FUNCTIONS = frozenset({"rest_api_source", "rest_api_resources"})

_PAGE_NUMBER = (
    "base_page", "page", "page_param", "total_path", "maximum_page", "stop_after_empty_page",
    "has_more_path", "page_body_path",
)  # fmt: skip
_OFFSET = (
    "limit", "offset", "offset_param", "limit_param", "total_path", "maximum_offset",
    "stop_after_empty_page", "has_more_path", "offset_body_path", "limit_body_path",
)  # fmt: skip
_CURSOR = (
    "cursor_path", "cursor_param", "cursor_body_path", "stop_after_empty_page", "has_more_path",
)  # fmt: skip
_OAUTH2 = (
    "access_token", "access_token_url", "client_id", "client_secret", "access_token_request_data",
    "default_token_expiration", "session",
)  # fmt: skip

# Class -> its type in dlt's dictionary form, and its parameters in order.
_OBJECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "SinglePagePaginator": ("single_page", ()),
    "PageNumberPaginator": ("page_number", _PAGE_NUMBER),
    "OffsetPaginator": ("offset", _OFFSET),
    "HeaderLinkPaginator": ("header_link", ("links_next_key",)),
    "HeaderCursorPaginator": ("header_cursor", ("cursor_key", "cursor_param")),
    "JSONLinkPaginator": ("json_link", ("next_url_path",)),
    "JSONResponsePaginator": ("json_link", ("next_url_path",)),
    "JSONResponseCursorPaginator": ("cursor", _CURSOR),
    "BearerTokenAuth": ("bearer", ("token",)),
    "APIKeyAuth": ("api_key", ("name", "api_key", "location")),
    "HttpBasicAuth": ("http_basic", ("username", "password")),
    "HTTPBasicAuth": ("http_basic", ("username", "password")),
    "OAuth2ClientCredentials": ("oauth2_client_credentials", _OAUTH2),
}

# dlt, requests, and copies of dlt's source in a project. A name without a module is one of a snippet.
_MODULES = frozenset({"", "dlt", "requests", "rest_api", "rest_client"})
_COPIES = (
    ".rest_api",
    ".rest_client",
    ".rest_api.typing",
    ".rest_client.auth",
    ".rest_client.paginators",
)
_MAPPINGS = frozenset({
    "RESTAPIConfig", "RESTAPIConfigBase", "ClientConfig", "EndpointResource", "EndpointResourceBase",
    "Endpoint", "IncrementalConfig", "IncrementalRESTArgs", "IncrementalParamConfig",
    "ResolveParamConfig", "ProcessingSteps", "ResponseActionDict", "PageNumberPaginatorConfig",
    "OffsetPaginatorConfig", "HeaderLinkPaginatorConfig", "HeaderCursorPaginatorConfig",
    "JSONLinkPaginatorConfig", "JSONResponseCursorPaginatorConfig", "BearerTokenAuthConfig",
    "ApiKeyAuthConfig", "HttpBasicAuthConfig", "OAuth2ClientCredentialsConfig",
})  # fmt: skip


def make_object(
    name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    """The mapping of a call such as ``BearerTokenAuth(token)``; None for another class.

    Args:
        name: The name with its module. A class of the same name in a module of the user is another one.
        arguments: Positional arguments.
        keywords: Named arguments.
        line: The line of the call.
    """
    module, _, name = name.rpartition(".")
    if module.partition(".")[0] not in _MODULES and not module.endswith(_COPIES):
        return None
    if name in _MAPPINGS and not arguments:
        return Value(dict(keywords), line)
    if name not in _OBJECTS:
        return None
    kind, parameters = _OBJECTS[name]
    if len(arguments) > len(parameters):
        return None
    given = dict(zip(parameters, arguments, strict=False)) | keywords
    return Value({"type": Value(kind, line)} | {k: named(k, v) for k, v in given.items()}, line)


def named(key: str, value: Value) -> Value:
    """``dlt.secrets.value`` as the setting of the key's name; another value as it is."""
    setting = injected(key, value)
    return Value(setting, value.line) if setting else value


def injected(key: str, value: Value) -> Setting | None:
    """The setting that dlt injects for ``key=dlt.secrets.value``; None for another value."""
    if isinstance(value.data, Known):
        if value.data.name.endswith("secrets.value"):
            return Setting("secrets", key, sure=True)
        if value.data.name.endswith("config.value"):
            return Setting("config", key, sure=True)
    return None


def incremental(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value:
    """``dlt.sources.incremental(...)`` as the mapping of a parameter."""
    given = dict(zip(("cursor_path", "initial_value"), arguments, strict=False)) | keywords
    return Value({"type": Value("incremental", line), **given}, line)
