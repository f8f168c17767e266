"""Sources with every kind of credential, whose values are canaries.

In: nothing. Out: the canaries by name, the settings that hold them, the catalog files of the
sources, and all forms in which a secret may be written.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

CANARIES = {
    "header": "Kx7Qm2Vt9Rb4Lw8Zc1Np6Ys3Hd5Jf0Ga",
    "second_header": "a\"b\\c'd %2F+/=&?#<>Qz81Lk20Mv93",
    "path": "room/77:ab cd+Wq5Et8Yu2Io",
    "query": "v=1&w=2;x Pl9Ok8Ij7Uh6",
    "key_in_query": "L" + "0123456789abcdefghijABCDEFGHIJ" * 20,
    "bearer": "hdr9Aa.eyK7bodyXq2Wz5.sigN3Mm8Tt",
    "password": "p@ss:w/ord?#Zx3Cv6Bn9",
    "pair": base64.b64encode(b"somebody:p@ss:w/ord?#Zx3Cv6Bn9").decode(),
    "short": "Sh0rt8ch",
    "base64": base64.b64encode(bytes(range(180, 250))).decode(),
    "key_of_links": "links-carry-me-Ee4Rr5Tt6",
    "database": "db+pass/Gg5Hh6Jj7Kk8",
}
ENVIRONMENT = {
    "SOURCES__ONE__API_KEY": CANARIES["header"],
    "SOURCES__ONE__APP_KEY": CANARIES["second_header"],
    "SOURCES__ONE__ROOM": CANARIES["path"],
    "SOURCES__ONE__WORD": CANARIES["query"],
    "SOURCES__TWO__API_KEY": CANARIES["key_in_query"],
    "SOURCES__THREE__TOKEN": CANARIES["bearer"],
    "SOURCES__FOUR__PASSWORD": CANARIES["password"],
    "SOURCES__FIVE__API_KEY": CANARIES["short"],
    "SOURCES__SIX__TOKEN": CANARIES["base64"],
    "SOURCES__SEVEN__API_KEY": CANARIES["key_of_links"],
}
_KEY = "type: api_key, api_key: 'dlt.secrets[\"api_key\"]'"
_TOKEN = "{type: bearer, token: 'dlt.secrets[\"token\"]'}"
_PATH = "/items"
SOURCES = {
    "one": (f"{{{_KEY}, name: X-Key}}", "/items/{room}"),
    "two": (f"{{{_KEY}, name: k, location: query}}", _PATH),
    "three": (_TOKEN, _PATH),
    "four": (
        "{type: http_basic, username: somebody, password: 'dlt.secrets[\"password\"]'}",
        _PATH,
    ),
    "five": (f"{{{_KEY}, name: X-Key}}", _PATH),
    "six": (_TOKEN, _PATH),
    "seven": (f"{{{_KEY}, name: k, location: query}}", _PATH),
}
_FILE = """
source: {name}
client:
  auth: {auth}
  error_handler: {{max_retries: 0}}
  connect_timeout: 2
  read_timeout: 2
  max_response_bytes: 100000
  headers: {headers}
resources:
  - name: items
    primary_key: id
    columns: {{id: text, note: text}}
    endpoint: {{path: "{path}", data_selector: data, params: {params},
      paginator: {{type: {paginator}}}}}
"""


def catalog_file(name: str, paginator: str) -> str:
    """The catalog file of a source.

    Args:
        name: The source, one of ``SOURCES``.
        paginator: The paginator of its resource, in YAML.
    """
    auth, path = SOURCES[name]
    params = "{room: {type: secret, key: room}, word: {type: secret, key: word}}"
    headers = "{X-App: {type: secret, key: app_key}}"
    has_secret_parameters = name == "one"
    return _FILE.format(
        name=name,
        auth=auth,
        path=path,
        paginator=paginator,
        params=params if has_secret_parameters else "{}",
        headers=headers if has_secret_parameters else "{}",
    )


def forms_of(secret: str) -> set[str]:
    """The forms in which a secret, or half of a long one, may be written.

    The forms are plain, percent-encoded, escaped, in JSON, in JSON within JSON, and in Base64 at
    each of the three alignments. Forms of fewer than 8 characters are left out.
    """
    half = len(secret) // 2
    parts = {secret} | ({secret[:half], secret[half:]} if len(secret) >= 16 else set())
    forms = set()
    for part in parts:
        forms |= {part, quote(part, safe=""), quote(part), quote_plus(part), repr(part)[1:-1]}
        forms |= {json.dumps(part)[1:-1], json.dumps(json.dumps(part))[3:-3]}
    for shift in range(3):
        coded = base64.b64encode(b"~" * shift + secret.encode()).decode()
        forms.add(coded[4 : len(coded) - 4])
    return {form for form in forms if len(form) >= 8}
