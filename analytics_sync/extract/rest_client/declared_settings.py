"""The declared settings: every setting that a source mentions, and whether it is set.

In: a source. Out: one ``DeclaredSetting`` for each of its address, credentials, headers and parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics_sync.catalog import Source
from analytics_sync.catalog.building.setting_places import SettingPlace, setting_places
from analytics_sync.catalog.config.params import settings_in
from analytics_sync.catalog.naming import variable_name
from analytics_sync.extract.rest_client.setting_hints import has_blanks_around
from analytics_sync.extract.rest_client.settings import Settings, holds_itself


@dataclass(frozen=True)
class DeclaredSetting:
    """A setting that the declaration of a source mentions.

    Attributes:
        variable: Its environment variable.
        purpose: What it is for.
        optional: Whether a run does without it.
        is_set: Whether it has a value.
        has_blanks: Whether the value begins or ends with a space, which nobody sees.
    """

    variable: str
    purpose: str
    optional: bool
    is_set: bool
    has_blanks: bool = False


def declared_settings(source: Source) -> list[DeclaredSetting]:
    """Every setting of a source: address, credentials, parameter values."""
    settings = Settings(source)
    path, declared = ("client", "base_url"), source.client.base_url or ""
    # An address that is made of other settings needs those, and not its own.
    has_address = settings.address() is not None or (
        bool(settings_in(declared)) and not holds_itself(declared)
    )
    places = {"base_url": SettingPlace("base_url", path, "the API's address", has_address)}
    for place in setting_places(source.client, source.resources):
        places.setdefault(place.key, place)
        if place.header:
            name, purpose = f"{place.key}_name", f"name of its header, {place.header} by default"
            places.setdefault(name, SettingPlace(name, place.path, purpose, is_optional=True))
    return [_looked_up(settings, place) for place in places.values()]


def _looked_up(settings: Settings, place: SettingPlace) -> DeclaredSetting:
    value = settings.find(place.key, secret=place.is_secret)
    return DeclaredSetting(
        variable_name(settings.source.name, place.key),
        place.purpose,
        place.is_optional,
        is_set=bool(value) or (value is not None and place.may_be_empty),
        has_blanks=has_blanks_around(value or ""),
    )
