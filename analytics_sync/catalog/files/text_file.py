"""The text of a file, or why it cannot be read.

In: a path, or the bytes of standard input. Out: text in UTF-8, or a ``CatalogError`` with the next step.
"""

from __future__ import annotations

from pathlib import Path

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.yaml_config import MAX_TEXT

_MAX_BYTES = 4 * (MAX_TEXT + 1)  # one character more than allowed shows an excess


def read_text(path: Path) -> str:
    """The text of a file, up to one character more than a file may have.

    Raises:
        CatalogError: The file cannot be read, or is no text in UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw, problem = file.read(_MAX_BYTES), ""
    except FileNotFoundError:
        problem = "there is no such file; look at its path and its spelling"
    except IsADirectoryError:
        problem = "it is a folder; name a file in it"
    except PermissionError as e:
        problem = f"{e.strerror}; give this user the right to read it"
    except (OSError, ValueError) as e:  # ValueError: the path holds a null character
        problem = f"{getattr(e, 'strerror', None) or e}; look at its path"
    if problem:
        raise CatalogError(f"cannot be read: {problem}", file=str(path))
    return decoded(raw, str(path))


def decoded(raw: bytes, file: str) -> str:
    """The text that bytes are in UTF-8.

    Args:
        raw: The bytes.
        file: The file's name, for messages.

    Raises:
        CatalogError: The bytes are no text in UTF-8.
    """
    try:
        text = raw.decode("utf-8")
        return text.replace("\r\n", "\n").replace("\r", "\n")[: MAX_TEXT + 1]
    except UnicodeDecodeError as e:
        line = raw.count(b"\n", 0, e.start) + 1
    # Raise outside the except block: the decoder's error holds the file's text.
    problem = "cannot be read: this line is no text in UTF-8; save the file in UTF-8"
    raise CatalogError(problem, file=file, line=line)
