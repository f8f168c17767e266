"""The credentials of a source: what every request carries by its declared ``auth`` and headers.

In: the declared client and its settings. Out: headers and query parameters, to be sent to the configured
origin only. A token of OAuth2 is no part of them: ``oauth2.py`` requests it.
"""

from __future__ import annotations

import base64

from analytics_sync.catalog.config.client import ApiKeyAuth, BearerAuth, HttpBasicAuth
from analytics_sync.catalog.config.params import REFERENCE, SettingParam, referenced_key
from analytics_sync.extract.rest_client.settings import Settings


class Credentials:
    """The credentials of a source.

    Args:
        settings: Gives the values, and collects the secrets among them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def sent(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters with the credentials and the declared headers.

        Raises:
            MissingSetting: A value is not set, or cannot be sent.
        """
        headers, query = self._auth()
        for name, declared in self._settings.source.client.headers.items():
            if isinstance(declared, SettingParam):
                value = self._settings.param(declared, f"header {name}")
                if value is not None:
                    sent_name = self._settings.header_name(declared.key) or name
                    headers[sent_name] = self._settings.sendable(declared.key, value)
            else:
                sent_name = self._renamed(declared) or name
                headers[sent_name] = self._settings.text(
                    declared, f"header {name}", self._settings.sendable
                )
        return headers, query

    def _renamed(self, text: str) -> str | None:
        """The name that a setting gives to the header of a text, if the text is that setting alone."""
        whole = REFERENCE.match(text)
        return self._settings.header_name(whole[2]) if whole else None

    def _auth(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters of the declared ``auth``."""
        match self._settings.source.client.auth:
            case ApiKeyAuth(name=name, api_key=text, location=location):
                is_in_header = location in {"header", "cookie"}
                checked = self._settings.sendable if is_in_header else self._settings.without_blanks
                value = self._settings.text(text, "the API key", checked, is_secret=True)
                name = self._renamed(text) or name
                if location == "cookie":
                    return {"Cookie": f"{name}={value}"}, {}
                return ({name: value}, {}) if is_in_header else ({}, {name: value})
            case BearerAuth(token=text):
                token = self._settings.text(
                    text, "the API token", self._settings.sendable, is_secret=True
                )
                return {"Authorization": f"Bearer {token}"}, {}
            case HttpBasicAuth(username=user, password=reference):
                if user_reference := REFERENCE.match(user):
                    user = self._settings.require(user_reference[2], "the user name")
                    if user_reference[1] == "secrets":
                        self._settings.provided.add(user)
                password = self._password(reference) if reference else ""
                if not password and user_reference and user_reference[1] == "secrets":
                    self._settings.secrets.add(user)  # the user name is the key
                encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
                self._settings.secrets.add(encoded)
                return {"Authorization": f"Basic {encoded}"}, {}
        return {}, {}

    def _password(self, reference: str) -> str:
        """The password, which may be set and empty."""
        key = referenced_key(reference)
        value = self._settings.find(key, secret=True)
        if value is None:
            self._settings.fail_missing(
                key, "the password; empty if the API takes none", secret=True
            )
        return value
