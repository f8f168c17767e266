"""The subcommand ``analytics-sync completion``: a script that completes the command line in a shell.

In: the parser of the command line. Out: a script for bash or zsh on standard output. The words of commands and
options stand in the script: a key press starts no Python. Sources and resources come from ``analytics-sync list``,
once a session.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

from analytics_sync.commands.parsers.command_line import command_line

_PLACES = frozenset({"place", "places", "resource", "selection", "source"})
"""The arguments that take the name of a source or of a resource."""
_PATHS = frozenset({"file", "files", "places"})
"""The arguments that take the path of a file."""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
_SCRIPT = """# completion of analytics-sync for {shell}
{start}_analytics_sync_words() {{
    case "$1" in
{cases}
    esac
}}
_analytics_sync_places() {{
    if [ -z "$_ANALYTICS_SYNC_PLACES" ]; then
        _ANALYTICS_SYNC_PLACES=$(analytics-sync list 2>/dev/null |
            awk 'NR > 1 {{ split($1, part, "/"); print part[1]; print $1 }}' | sort -u)
    fi
}}
_analytics_sync() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="" words word number
    for ((number = 1; number < COMP_CWORD; number++)); do
        word="${{COMP_WORDS[number]}}"
        case "$word" in -*) continue ;; esac
        words=$(_analytics_sync_words "${{command:+$command }}$word")
        [ -n "$words" ] || break
        command="${{command:+$command }}$word"
    done
    words=$(_analytics_sync_words "$command")
    COMPREPLY=()
    case "$words" in
        *@places*) case "$current" in
            -*) ;;
            *) _analytics_sync_places  # not in $(...): a subshell would forget the places
                COMPREPLY+=($(compgen -W "$_ANALYTICS_SYNC_PLACES" -- "$current")) ;;
        esac ;;
    esac
    case "$words" in
        *@paths*) COMPREPLY+=($(compgen -f -- "$current")) ;;
    esac
    words="${{words//@places/}}"
    COMPREPLY+=($(compgen -W "${{words//@paths/}}" -- "$current"))
}}
complete -F _analytics_sync analytics-sync
"""


def completion(options: argparse.Namespace) -> int:
    """Print the script for a shell."""
    cases = "\n".join(
        f"        {shlex.quote(name)}) echo {shlex.quote(' '.join(words))} ;;"
        for name, words in _words(command_line())
    )
    start = _ZSH if options.shell == "zsh" else ""
    print(_SCRIPT.format(shell=options.shell, start=start, cases=cases), end="")
    return 0


def _words(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each command by the words that call it, and the words that may follow."""
    words: list[str] = []
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        words += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            below |= action.choices
            words += action.choices
        elif action.choices:
            words += map(str, action.choices)
        words += ["@places"] if action.dest in _PLACES and not action.option_strings else []
        words += ["@paths"] if action.dest in _PATHS else []
    yield name, list(dict.fromkeys(words))
    for word, command in below.items():
        yield from _words(command, f"{name} {word}".strip())
