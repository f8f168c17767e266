"""SQL for warehouses that were never run here: our statements in the words of their dialect.

In: a statement as we write it, with the names quoted as the warehouse wants them. Out: the same statement as
sqlglot writes it in that dialect: ``TOP`` for ``LIMIT``, ``STRING`` for ``VARCHAR``. Tested warehouses get our
statements as they are.
"""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp

# The dialects of tested warehouses, and where sqlglot has no dialect.
_AS_WRITTEN = frozenset({"duckdb", "postgres", "sqlite", "mysql", "", "None"})
_MARK = "%s"
_PARAMETER = "analytics_sync_parameter"


@lru_cache(maxsize=256)
def in_dialect(sql: str, dialect: str) -> str:
    """A statement of ours in a dialect.

    Args:
        sql: One statement. Its parameters are ``%s``; no text in it holds these two characters.
        dialect: The dialect, in sqlglot's words.

    Raises:
        ValueError: The statement is none in this dialect.
    """
    if dialect in _AS_WRITTEN:
        return sql
    parameters = sql.count(_MARK)
    text = sql.replace(_MARK, _PARAMETER)
    if dialect == "tsql":
        text = text.replace("TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET")
    try:
        tree = sqlglot.parse_one(text, read=dialect)
    except sqlglot.ParseError as e:
        raise ValueError(f"{sql!r} is no statement in the dialect {dialect!r}: {e}") from e
    made = tree.transform(_varchar).sql(dialect=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE)
    if made.count(_PARAMETER) != parameters:
        raise ValueError(f"{sql!r} loses a parameter in the dialect {dialect!r}")
    return made.replace(_PARAMETER, _MARK)


def _varchar(node: exp.Expression) -> exp.Expression:
    """A text of any length, where the dialect cuts a ``VARCHAR`` without a length."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.VARCHAR:
        return exp.DataType.build("text")
    return node
