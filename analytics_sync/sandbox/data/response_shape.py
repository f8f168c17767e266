"""What a declaration means for a server that has to answer it.

In: a source, one of its resources, the options. Out: the fields its records have, what the fields
must provide for children, and whether an answer is one object or a list.
"""

from __future__ import annotations

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.sandbox.data.json_path import Path
from analytics_sync.sandbox.options import Options

_PAGED = {"page_number", "offset", "header_link", "header_cursor"}
_PLAIN: tuple[tuple[str, str], ...] = (
    ("name", "text"),
    ("created_at", "timestamp"),
    ("updated_at", "timestamp"),
    ("count", "bigint"),
    ("enabled", "bool"),
    ("tags", "json"),
    ("detail", "json"),
)


def key_paths(resource: Resource) -> tuple[Path, ...]:
    """Where the parts of the primary key stand in a record."""
    by_column = {field.column: field.path for field in resource.fields}
    return tuple(by_column.get(c) or _undeclared(c) for c in resource.key)


def _undeclared(column: str) -> Path:
    return tuple(column.split("__")) if column.strip("_").count("__") else (column,)


def children(source: Source, resource: Resource) -> list[Resource]:
    """The resources that are walked from this one's records."""
    return [r for r in source.resources.values() if r.parent == resource.name]


def fields(source: Source, resource: Resource) -> tuple[Field, ...]:
    """Every field a record has: the declared ones, or a plain handful; and what children need."""
    known = {f.path: f for f in resource.fields}
    if not known:
        for path in key_paths(resource):
            known[path] = _field(path, "text", required=True)
        for name, data_type in _PLAIN:
            known.setdefault((name,), _field((name,), data_type))
    for path in walked_by(source, resource):
        known.setdefault(path, _field(path, "text", required=True))
    return tuple(known.values())


def _field(path: Path, data_type: str, *, required: bool = False) -> Field:
    return Field(path, "__".join(path), data_type, required=required)  # type: ignore[arg-type]


def walked_by(source: Source, resource: Resource) -> dict[Path, list[str]]:
    """Fields that children take path or query values from -> the expressions that cut them."""
    result: dict[Path, list[str]] = {}
    for child in children(source, resource):
        for param in child.resolved.values():
            patterns = result.setdefault(tuple(param.field.split(".")), [])
            if param.match is not None:
                patterns.append(param.match)
    return result


def needed_by(source: Source, resource: Resource) -> set[Path]:
    """Fields that must not be null because a child's key is made of them."""
    needed = set()
    for child in children(source, resource):
        keys = {".".join(path) for path in key_paths(child)}
        needed |= {
            tuple(theirs.split(".")) for ours, theirs in child.inherited.items() if ours in keys
        }
    return needed


def skipped_by(source: Source, resource: Resource) -> dict[Path, tuple[object, ...]]:
    """Fields whose value decides whether there is a child -> the values for which there is none."""
    result: dict[Path, tuple[object, ...]] = {}
    for child in children(source, resource):
        for name, values in child.skip_parents.items():
            path = tuple(name.split("."))
            result[path] = (*result.get(path, ()), *values)
    return result


def is_bare(resource: Resource, options: Options) -> bool:
    """Whether the answer is a list without an envelope."""
    return _named(resource, options.root_lists) or (
        resource.selector == "$" and not is_object(resource, options)
    )


def is_object(resource: Resource, options: Options) -> bool:
    """Whether the answer is one record instead of a list.

    A selector ``$`` says only that the response root holds the data. What is paged there is a list.
    One object is what has a cursor paginator (a root list would have no room for the cursor), what
    has a parent, and what is named by a placeholder at the end of its path; all else is a list.
    """
    if resource.selector not in {"$", None} or _named(resource, options.root_lists):
        return False
    if resource.selector == "$" and _named(resource, options.root_objects):
        return True
    if resource.paginator.type in _PAGED:
        return False
    if "{" in resource.path.rstrip("/").rpartition("/")[2]:
        return True
    return resource.selector == "$" and (
        resource.paginator.type == "cursor" or resource.parent is not None
    )


def _named(resource: Resource, names: frozenset[str]) -> bool:
    return str(resource) in names or (resource.selector == "$" and resource.name in names)


def rows(source: Source, resource: Resource, options: Options) -> int:
    """Records of this resource: per day if it is windowed, below each parent if it is a child."""
    if is_object(resource, options):
        return 1
    if resource.incremental is not None:
        wanted, days, least = options.rows_per_day, len(options.days), 2
    elif resource.parent is not None:
        return options.rows_per_parent
    else:
        wanted, days, least = options.rows, 1, 2
    factor = _widest(source, resource, options)
    if options.max_chain and factor:
        wanted = min(wanted, max(least, options.max_chain // (factor * days)))
    return wanted


def _widest(source: Source, resource: Resource, options: Options) -> int:
    """Records in the biggest table below one record of this resource; 0 without children."""
    below = 0
    for child in children(source, resource):
        own = 1 if is_object(child, options) else max(1, options.rows_per_parent)
        below = max(below, own * max(1, _widest(source, child, options)))
    return below
