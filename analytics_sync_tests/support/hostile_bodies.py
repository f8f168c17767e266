"""Hostile response bodies: bytes that are not data, and data that looks broken.

In: nothing. Out: ``bodies()``, whole bodies by name, and the keys that must be read from each. Names
and bytes are the same in every run.
"""

from __future__ import annotations

import json
import zlib

from analytics_sync_tests.support.hostile_payloads import MEGABYTE, deep

_GOOD = b'[{"id": 1, "t": "a"}, {"id": 2, "t": "b"}]'
_VALID: dict[str, bytes] = {
    "plain": _GOOD,
    "utf-8 mark": b"\xef\xbb\xbf" + _GOOD,
    "white space": b" \r\n\t" + _GOOD + b"\n\n  ",
    "escaped names": _GOOD.replace(b"id", b"\\u0069\\u0064"),
    "a megabyte of space": _GOOD[:-1] + b" " * MEGABYTE + b"]",
    "NaN": _GOOD.replace(b'"a"', b"NaN"),
    "an exponent": _GOOD.replace(b'"a"', b"1e400"),
    "5,000 digits": _GOOD.replace(b'"a"', b"9" * 5_000),
    "a small number": _GOOD.replace(b'"a"', b"1e-400"),
    "a small number behind many that look like one": _GOOD.replace(
        b'"a"', b'["a0e-0001", "0e-0001", -0.5E-401]'
    ),
    "1,000 deep": _GOOD.replace(b'"a"', deep(1000, "1").encode()),
    "900 deep": _GOOD.replace(b'"a"', deep(900, '"\\u0000"').encode()),
}
_CUT: dict[str, bytes] = {
    f"cut-{length:02}": _GOOD[:length] for length in range(1, len(_GOOD) - 1, 2)
}
_INVALID_TEXTS: dict[str, str] = {
    "nothing": "", "space": " \n ", "null": "null", "true": "true", "number": "5", "text": '"x"', "word": "ok", "undefined": "undefined",
    "no records": "[1, 2, 3]", "nulls": "[null, null]", "lists": "[[], []]", "empty object": "{}", "error": '{"error": "busy"}', "no id": '{"name": "x"}',
    "id null": '{"id": null}', "two lists": '{"a": [{"id": 1}], "b": [{"id": 2}]}', "json lines": '{"id": 1}\n{"id": 2}\n', "two documents": "[][]",
    "two objects": '{"id": 1}{"id": 2}', "comma between": '{"id": 1}, {"id": 2}', "rest behind": '[{"id": 1}] x', "semicolon behind": '[{"id": 1}];',
    "comment": '[{"id": 1} /* x */]', "line comment": '[{"id": 1}] // x', "hash comment": '# x\n[{"id": 1}]', "comma at the end": '[{"id": 1},]', "comma in an object": '[{"id": 1,}]',
    "comma first": '[,{"id": 1}]', "two commas": '[{"id": 1},,{"id": 2}]', "no comma": '[{"id": 1} {"id": 2}]', "single quotes": "[{'id': 1}]", "no quotes": "[{id: 1}]",
    "colon twice": '[{"id":: 1}]', "equals": '[{"id"= 1}]', "no value": '[{"id": }]', "no name": "[{: 1}]", "number as a name": "[{1: 1}]", "python": "[{'id': None}]", "True": '[{"id": True}]',
    "plus": '[{"id": +1}]', "zeros": '[{"id": 01}]', "hex": '[{"id": 0x1}]', "point first": '[{"id": .5}]', "point last": '[{"id": 1.}]', "underscore": '[{"id": 1_0}]', "exponent": '[{"id": 1e}]',
    "minus": '[{"id": -}]', "nan": '[{"id": nan}]', "-NaN": '[{"id": -NaN}]', "inf": '[{"id": inf}]', "+Infinity": '[{"id": +Infinity}]', "NaN, cut": '[{"id": NaN', "surrogate, cut": '[{"id": "\\ud800',
    "bad escape": '[{"id": 1, "t": "\\x41"}]', "bad escape and NaN": '[{"id": NaN, "t": "\\x41"}]', "half escape": '[{"id": 1, "t": "\\u00"}]', "no hex": '[{"id": 1, "t": "\\uzzzz"}]', "quote escape": '[{"id": 1, "t": "\\\'"}]',
    "unterminated": '[{"id": 1, "t": "a}]', "backslash at the end": '[{"id": 1, "t": "a\\"}]', "line break in a text": '[{"id": 1, "t": "a\nb"}]', "tab in a text": '[{"id": 1, "t": "a\tb"}]',
    "nul in a text": '[{"id": 1, "t": "a\0b"}]', "escape in a text": '[{"id": 1, "t": "\x1b[31m"}]', "nul behind": '[{"id": 1}]\0', "nul before": '\0[{"id": 1}]', "vertical tab": '\x0b[{"id": 1}]',
    "wide space": '\u00a0[{"id": 1}]', "line separator": '\u2028[{"id": 1}]', "two marks": '\ufeff\ufeff[{"id": 1}]', "mark behind": '[{"id": 1}]\ufeff', "smart quotes": "[{\u201cid\u201d: 1}]",
    "brackets crossed": '[{"id": 1]}', "closed twice": '[{"id": 1}]]', "closed only": "]", "xml": '<?xml version="1.0"?><items><id>1</id></items>', "html": "<!doctype html><title>Log in</title>",
    "yaml": "- id: 1\n- id: 2\n", "toml": "[[items]]\nid = 1\n", "csv": "id,t\n1,a\n", "jsonp": 'callback([{"id": 1}])', "guarded": ')]}\',\n[{"id": 1}]', "while": 'while(1);[{"id": 1}]', "form": "id=1&t=a",
    "sse": 'data: [{"id": 1}]\n\n', "chunked twice": '1a\r\n[{"id": 1}]\r\n0\r\n\r\n', "php": "<b>Warning</b>: x\n[]", "sql": "'; DROP TABLE victim.accounts; --", "traceback": "Traceback (most recent call last):\n  x",
    "secret escape": '{"message": "\x9b31m\u202e\u2028\u0085 please log in"}', "terminal": "\x1b]0;x\x07\x1b[2J", "base64": "W3siaWQiOiAxfV0=", "json in json": json.dumps('[{"id": 1}]'), "python bytes": "b'[]'",
    "a megabyte of lists": "[" * MEGABYTE, "a megabyte of objects": '{"a":' * (MEGABYTE // 5), "a megabyte of digits": "1" * MEGABYTE, "a list of digits": "[" + "1" * MEGABYTE,
    "a megabyte of backslashes": '["' + "\\" * MEGABYTE, "a megabyte of quotes": '"' * MEGABYTE, "a megabyte of commas": "[" + "," * MEGABYTE, "a megabyte of zeros": "[0." + "0" * MEGABYTE, "a megabyte of spaces": " " * MEGABYTE,
    "a megabyte of NaN": "[" + "NaN," * (MEGABYTE // 4), "a megabyte of nuls": "\0" * MEGABYTE, "a megabyte of surrogates": '["' + "\\ud800" * (MEGABYTE // 6), "minus signs": "-" * MEGABYTE, "1,025 deep": '[{"id": 1, "t": ' + deep(1025, "1") + "}]",
    "10,000 deep": '[{"id": 1, "t": ' + deep(10_000, "1", "{") + "}]", "100,000 deep": '[{"id": 1, "t": ' + deep(100_000, "1") + "}]", "100,000 deep, big": '[{"id": 1, "t": ' + deep(100_000, str(2**70)) + "}]",
    "deep error": '{"message": ' + deep(1000, '"\\u0000"', "{") + "}", "deep nothing": deep(1000, "1"), "100,000 deep, not closed": '[{"id": ' + "[" * 100_000, "deep objects": deep(100_000, "1", "{"),
}  # fmt: skip
_INVALID_BYTES: dict[str, bytes] = {
    **{f"{name} {mark}": ("\ufeff" if mark else "").encode(name) + _GOOD.decode().encode(name)
       for name in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be") for mark in ("", "marked")},
    "utf-7": "[{\u201c+AGkAZA-".encode("utf-7"), "latin-1": '[{"id": 1, "t": "caf\xe9"}]'.encode("latin-1"), "cp1252": b'[{"id": 1, "t": "\x80\x93"}]',
    "overlong": b'[{"id": 1, "t": "\xc0\xaf"}]', "cesu": b'[{"id": 1, "t": "\xed\xa0\xbd\xed\xb8\x80"}]', "beyond unicode": b'[{"id": 1, "t": "\xf5\x80\x80\x80"}]', "half a character": b'[{"id": 1, "t": "\xe2\x82"}]',
    "latin-1 and NaN": b'[{"id": NaN, "t": "caf\xe9"}]', "mark only": b"\xef\xbb\xbf", "utf-16 mark only": b"\xff\xfe", "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zlib.compress(_GOOD)[2:-4], "zlib": zlib.compress(_GOOD), "zip": b"PK\x03\x04" + bytes(30),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "elf": b"\x7fELF" + bytes(64), "pickle": b"\x80\x04cos\nsystem\n.", "ebcdic": _GOOD.decode().encode("cp500"), "all bytes": bytes(range(256)), "parquet": b"PAR1" + bytes(16) + b"PAR1", "bytes 255": b"\xff" * 1000, "msgpack": b"\x92\x81\xa2id\x01",
}  # fmt: skip


def bodies() -> dict[str, tuple[bytes, list[int] | None]]:
    """Bodies by name: the bytes, and the keys of the records; None for a body that is not data."""
    invalid = {
        **_CUT,
        **{name: text.encode() for name, text in _INVALID_TEXTS.items()},
        **_INVALID_BYTES,
    }
    return {
        **{f"right {name}": (raw, [1, 2]) for name, raw in _VALID.items()},
        "right empty list": (b"[]", []),
        "right one object": (b'{"id": 1}', [1]),
        "right some records": (b'[null, {"id": 1}, "x", {"id": "2"}]', [1, 2]),
        **{f"wrong {name}": (raw, None) for name, raw in invalid.items()},
    }  # fmt: skip
