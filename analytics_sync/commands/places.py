"""Places on the command line: sources, resources and catalog files that a command is about.

In: texts such as ``shop``, ``shop/orders``, ``my_apis/shop.yaml`` or ``my_apis/shop.yaml/orders``, several with
commas between. Out: the sources and their resources, and the files that do not load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analytics_sync.catalog import CatalogError, Resource, Source
from analytics_sync.catalog.configured import Catalog, configured_catalog, read_sources
from analytics_sync.catalog.loader import YAML_SUFFIXES
from analytics_sync.commands.usage import WrongUsage

FILE_SUFFIXES = YAML_SUFFIXES | {".py"}
_EXPECTED = "expected SOURCE, SOURCE/RESOURCE, FILE or FILE/RESOURCE"


class UnknownPlace(WrongUsage):
    """The command line names a source or a resource that is not declared."""


@dataclass(frozen=True)
class Chosen:
    """What the command line names.

    Attributes:
        parts: Each source, and its resources that are named.
        broken: Why other files do not load; empty if only places are named that load.
    """

    parts: Sequence[tuple[Source, Sequence[Resource]]]
    broken: Sequence[CatalogError] = ()

    @property
    def resources(self) -> Iterator[tuple[Source, Resource]]:
        """Each resource with its source."""
        return ((source, resource) for source, found in self.parts for resource in found)


def names_in(texts: Iterable[str]) -> list[str]:
    """The places of some texts. A text may hold several with commas between."""
    return [name for text in texts for part in text.split(",") if (name := part.strip())]


def chosen(texts: Iterable[str]) -> Chosen:
    """The places that the command line names; all of the configured catalog if it names none.

    Raises:
        UnknownPlace: One of them is not declared, or its file does not load.
    """
    names = names_in(texts)
    catalog: Catalog | None = None
    if not names:
        catalog = configured_catalog()
        parts = [(source, source.assets) for source in catalog.sources.values()]
        return Chosen(parts, [broken.error for broken in catalog.broken])
    found: dict[str, tuple[Source, dict[str, Resource]]] = {}
    for name in names:
        file = _file_of(name)
        if file is None:
            catalog = catalog or configured_catalog()
            pairs = [_of_catalog(catalog, name)]
        else:
            pairs = _of_file(*file)
        for source, resources in pairs:
            _, known = found.setdefault(source.name, (source, {}))
            known.update({resource.name: resource for resource in resources})
    return Chosen([(source, list(resources.values())) for source, resources in found.values()])


def one_resource(text: str) -> tuple[Source, Resource]:
    """The one resource that a text names.

    Raises:
        UnknownPlace: It names none or several.
    """
    pairs = list(chosen([text]).resources)
    if len(pairs) != 1:
        source = pairs[0][0].name if pairs else text
        known = ", ".join(resource.name for _, resource in pairs)
        raise UnknownPlace(
            f"{text!r} is no single resource: expected {source}/RESOURCE; known: {known}"
        )
    return pairs[0]


def in_source(source: Source, wanted: str) -> list[Resource]:
    """The resources of a source that have a table; those of one name if it is not empty.

    Raises:
        UnknownPlace: There is none.
    """
    resources = [r for r in source.assets if wanted in ("", r.name)]
    if not resources:
        known = ", ".join(r.name for r in source.assets)
        raise UnknownPlace(f"{source.name} has no resource {wanted!r}; known: {known}")
    return resources


def source_of(catalog: Catalog, name: str) -> Source:
    """A source of the configured catalog.

    Raises:
        UnknownPlace: There is no such source, or its file does not load.
    """
    if name not in catalog.sources:
        for broken in catalog.broken:
            if broken.name == name:
                raise UnknownPlace(str(broken.error))
        raise UnknownPlace(f"no source {name!r}; known: {', '.join(catalog.sources)}")
    return catalog.sources[name]


def _of_catalog(catalog: Catalog, text: str) -> tuple[Source, list[Resource]]:
    name, _, wanted = text.partition("/")
    source = source_of(catalog, name)
    return source, in_source(source, wanted)


def _file_of(text: str) -> tuple[Path, str] | None:
    """The file that a text names, and the name of a resource in it; None if it names no file."""
    path = Path(text)
    if path.suffix in FILE_SUFFIXES:
        return path, ""
    return (path.parent, path.name) if path.parent.suffix in FILE_SUFFIXES else None


def _of_file(path: Path, wanted: str) -> list[tuple[Source, list[Resource]]]:
    sources, errors = read_sources([path])
    if errors:
        raise UnknownPlace(str(errors[0]))
    if not sources:
        raise UnknownPlace(f"{path} declares no source: {_EXPECTED}")
    return [(source, in_source(source, wanted)) for source in sources]
