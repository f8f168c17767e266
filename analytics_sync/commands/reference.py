"""The reference of the command line, ``docs/commands.md``: it is made from the parser.

In: the parser of the command line. Out: Markdown on standard output, by ``python -m
analytics_sync.commands.reference``. A test compares it with the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from analytics_sync.commands.parsers.command_line import command_line

_HEAD = """# The command line

`analytics-sync COMMAND --help` explains a command. This page is made from the same texts:
`python -m analytics_sync.commands.reference > docs/commands.md`.

All commands read settings as the assets do: environment variables, `.dlt/config.toml`, `.dlt/secrets.toml`, vaults.
Secrets are masked in all that they print.

## Exit status

| status | meaning |
| --- | --- |
| 0 | It is done, and nothing is wrong. |
| 1 | It is done, and something is wrong: a defect, a difference, a failed resource. Each command says what. |
| 2 | Wrong usage, a catalog file that does not load, or a setting that is no value. |
| 3 | `check --live` only: nothing is wrong, and something is not proven. |
| 130 | Ctrl-C. |
| 141 | The program that reads the output has ended, such as `head`. |

## JSON

With `--json`, standard output has one JSON document and nothing else. Warnings and errors are on standard error.
A command without a result, such as one about a place that is not declared, writes `{"error": "..."}`. If the parser
refuses the arguments, it writes nothing. Names of keys stay; new ones may come. Times are ISO 8601.

## Places

A place is `SOURCE`, `SOURCE/RESOURCE`, `FILE` or `FILE/RESOURCE`: `delivery`, `delivery/builds`, `my_apis/shop.yaml`,
`my_apis/shop.yaml/orders`. Several stand side by side, or with commas between. A file need not be in the catalog folder.

## Completion

`source <(analytics-sync completion bash)` in `~/.bashrc`, or `source <(analytics-sync completion zsh)` in `~/.zshrc`
after `compinit`. Sources and resources are looked up once a session.

## What a live check proves

`check --live` reads the first page of each resource, of the newest day that is over. Each aspect is `ok`, `FAILED`,
`?` (not proven) or `-` (not declared).

| aspect | holds when |
| --- | --- |
| settings | all settings of the source are set |
| parent | the first page of the parent could be read |
| reachable | the API answers, and not with an error of its own |
| key | the key was not refused. An API that needs no key accepts each |
| allowed | the API lets the key read this resource |
| address | the path is there |
| records | `data_selector` finds records, and each is an object |
| primary key | each record has its key, and no two different records share one |
| cursor | each record has a cursor that is a time |
| types | all values fit the types of their columns exactly |

A page without records proves none of the last four: name other days with `--days`. A child is asked for the first
record of its parent's first page. Every request takes a slot of the rate limit; each is tried twice at most.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_commands(command_line(), "")]).rstrip() + "\n"


def _commands(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if name and not below:
        yield from _command(parser, name)
    for word, command in below[0].choices.items() if below else ():
        yield from _commands(command, f"{name} {word}".strip())


def _command(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    actions = [a for a in parser._actions if "--help" not in a.option_strings]
    yield f"## {name}\n"
    yield f"`analytics-sync {name}{''.join(f' {_usage(a)}' for a in actions)}`\n"
    yield f"{parser.description}\n"
    if actions:
        yield "| argument | meaning |\n| --- | --- |"
        yield from (f"| {_names(action)} | {_cell(action.help or '')} |" for action in actions)
        yield ""
    if parser.epilog:
        yield f"{parser.epilog}\n"
    if document := parser.get_default("document"):
        yield f"JSON: {document}.\n"
    if name == "lint":
        yield from _rules()


def _rules() -> Iterator[str]:
    """The rules of the linter. Its page is the only one that needs the catalog."""
    from analytics_sync.commands.lint.command import RULES

    yield "A comment `# lint: ignore RULE` on the line of a defect, or on the line above, leaves a rule out there.\n"
    yield "| rule | finds |\n| --- | --- |"
    yield from (f"| `{rule.name}` | {rule.title} |" for rule in RULES)
    yield ""


def _usage(action: argparse.Action) -> str:
    if action.option_strings:
        return f"[{action.option_strings[-1]}{_value(action)}]"
    shown = _metavar(action)
    return {"?": f"[{shown}]", "*": f"[{shown} ...]"}.get(str(action.nargs), shown)


def _names(action: argparse.Action) -> str:
    names = action.option_strings or [_metavar(action)]
    return f"`{', '.join(names)}{_value(action)}`"


def _value(action: argparse.Action) -> str:
    takes_none = action.nargs == 0 or not action.option_strings
    return "" if takes_none else f" {_metavar(action)}"


def _metavar(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
