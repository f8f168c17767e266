"""The shape of a response, derived from the declaration of its resource.

In: a source, one of its resources, and the options.
Out: the fields of the records, the values that children need from them, and the form of the
response: one object, a bare list, or a list in an envelope.
"""

from __future__ import annotations

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.sandbox.data.declared_path import CannotServe, path_of
from analytics_sync.sandbox.data.json_path import Path
from analytics_sync.sandbox.options import Options

_LIST_PAGINATORS = {"page_number", "offset", "header_link", "header_cursor"}
_DEFAULT_FIELDS: tuple[tuple[str, str], ...] = (
    ("name", "text"),
    ("created_at", "timestamp"),
    ("updated_at", "timestamp"),
    ("count", "bigint"),
    ("enabled", "bool"),
    ("tags", "json"),
    ("detail", "json"),
)
_MIN_ROWS_OF_PARENT = 2


def key_paths(resource: Resource) -> tuple[Path, ...]:
    """The paths of the primary key's parts in a record."""
    return tuple(path_of(name) for name in resource.primary_key)


def cursor_in_record(resource: Resource) -> Path | None:
    """The field of the last record whose value is the cursor; None if the cursor is elsewhere.

    Raises:
        CannotServe: The cursor is a field of another record.
    """
    declared = getattr(resource.paginator, "cursor_path", None)
    selector = path_of(resource.selector or "data")
    keys = next((i for i, step in enumerate(selector) if not isinstance(step, str)), len(selector))
    path = path_of(declared) if declared else ()
    if path[:keys] != selector[:keys] or not isinstance(next(iter(path[keys:]), None), int):
        return None
    around = selector[keys + 1 :]  # keys between the list and the record
    field = path[keys + 1 :]
    if field[: len(around)] != around:
        return None
    if path[keys] != -1:
        raise CannotServe(f"the sandbox cannot serve {declared!r}: expected the last record")
    return field[len(around) :]


def check_paths(source: Source) -> None:
    """Check that the sandbox has a place for every path of a source.

    Raises:
        CannotServe: A resource has a path that the sandbox cannot serve.
    """
    for resource in source.resources.values():
        paginator = resource.paginator
        places = ("next_url_path", "cursor_path", "total_path", "has_more_path")
        declared = [getattr(paginator, place, None) for place in places]
        declared += [resource.selector, resource.count_path]
        declared += [param.field for param in resource.resolved.values()]
        declared += [*resource.inherited.values(), *resource.skip_parents]
        try:
            for path in filter(None, declared):
                path_of(path)
            cursor_in_record(resource)
        except CannotServe as e:
            raise CannotServe(f"{resource}: {e}") from None


def name_of(field: Field) -> str:
    """The path of a field, as text."""
    is_plain = all(isinstance(step, str) for step in field.path)
    return field.name if is_plain else ".".join(map(str, field.path))


def children(source: Source, resource: Resource) -> list[Resource]:
    """The resources whose requests take values from this resource's records."""
    return [r for r in source.resources.values() if r.parent == resource.name]


def fields(source: Source, resource: Resource) -> tuple[Field, ...]:
    """Every field of a record: the declared or the default fields, and those that children need."""
    by_path: dict[Path, Field] = {f.path: f for f in (*resource.fields, *resource.hints)}
    if not resource.fields:
        for path in key_paths(resource):
            by_path.setdefault(path, _field(path, "text", required=True))
        if resource.cursor is not None:  # a hint may give it a type that is no time
            by_path[resource.cursor.path] = resource.cursor
        for name, data_type in _DEFAULT_FIELDS:
            by_path.setdefault((name,), _field((name,), data_type))
    needed = [*param_patterns(source, resource), *inherited_by_children(source, resource)]
    for path in [*needed, *paged_by(resource)]:
        by_path.setdefault(path, _field(path, "text", required=True))
    return tuple(by_path.values())


def _field(path: Path, data_type: str, *, required: bool = False) -> Field:
    column = "__".join(map(str, path))
    return Field(path, column, data_type, required=required)  # type: ignore[arg-type]


def paged_by(resource: Resource) -> list[Path]:
    """The fields whose values lead to the next page; no record lacks them."""
    field = cursor_in_record(resource)
    return [] if field is None else [field]


def param_patterns(source: Source, resource: Resource) -> dict[Path, list[str]]:
    """Fields that children take path or query values from -> the declared ``match`` patterns."""
    result: dict[Path, list[str]] = {}
    for child in children(source, resource):
        for param in child.resolved.values():
            patterns = result.setdefault(path_of(param.field), [])
            if param.match is not None:
                patterns.append(param.match)
    return result


def inherited_by_children(source: Source, resource: Resource) -> list[Path]:
    """The fields that children inherit."""
    declared = [f for child in children(source, resource) for f in child.inherited.values()]
    return [path_of(field) for field in dict.fromkeys(declared)]


def fields_of_child_keys(source: Source, resource: Resource) -> set[Path]:
    """Fields that must not be null because a child's primary key inherits them."""
    result = set()
    for child in children(source, resource):
        result |= {
            path_of(parent_field)
            for field, parent_field in child.inherited.items()
            if field in child.primary_key
        }
    return result


def skipped_values(source: Source, resource: Resource) -> dict[Path, tuple[object, ...]]:
    """Fields of ``skip_parents`` -> the values with which a record has no children."""
    result: dict[Path, tuple[object, ...]] = {}
    for child in children(source, resource):
        for name, values in child.skip_parents.items():
            path = path_of(name)
            result[path] = (*result.get(path, ()), *values)
    return result


def is_bare(resource: Resource, options: Options) -> bool:
    """Whether the response is a list without an envelope."""
    path = path_of(resource.selector or "data")
    return (
        _named(resource, options.root_lists)
        or (bool(path) and not isinstance(path[0], str))
        or (resource.selector == "$" and not is_object(resource, options))
    )


def is_object(resource: Resource, options: Options) -> bool:
    """Whether the response is one record instead of a list.

    A selector ``$`` says only that the response root holds the data. With a page number, an offset
    or a header, the root is a list. The root is one object in three cases: the path ends with a
    placeholder; the paginator is a cursor, for which a root list has no place; there is a parent.
    """
    if resource.selector not in {"$", None} or _named(resource, options.root_lists):
        return False
    if resource.selector == "$" and _named(resource, options.root_objects):
        return True
    if resource.paginator.type in _LIST_PAGINATORS or cursor_in_record(resource) is not None:
        return False
    if "{" in resource.path.rstrip("/").rpartition("/")[2]:
        return True
    return resource.selector == "$" and (
        resource.paginator.type == "cursor" or resource.parent is not None
    )


def _named(resource: Resource, names: frozenset[str]) -> bool:
    return str(resource) in names or (resource.selector == "$" and resource.name in names)


def rows(source: Source, resource: Resource, options: Options) -> int:
    """Number of records: per day with a window, per parent for a child, otherwise in all."""
    if is_object(resource, options):
        return 1
    if resource.incremental is not None:
        count, days = options.rows_per_day, len(options.days)
    elif resource.parent is not None:
        return options.rows_per_parent
    else:
        count, days = options.rows, 1
    factor = _max_descendants(source, resource, options)
    if options.max_chain and factor:
        count = min(count, max(_MIN_ROWS_OF_PARENT, options.max_chain // (factor * days)))
    return count


def _max_descendants(source: Source, resource: Resource, options: Options) -> int:
    """Records of the largest table below one record of this resource; 0 without children."""
    largest = 0
    for child in children(source, resource):
        count = 1 if is_object(child, options) else max(1, options.rows_per_parent)
        largest = max(largest, count * max(1, _max_descendants(source, child, options)))
    return largest
