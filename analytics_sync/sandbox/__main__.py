"""``python -m analytics_sync.sandbox``: serve catalog files until SIGTERM or SIGINT.

In: command-line options.
Out: a running server, one line of output with its address, and the settings file of ``--env``.
The exit status after SIGTERM or SIGINT is 0.
"""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType

from analytics_sync.catalog import CatalogError, Source, load_catalog
from analytics_sync.catalog.configured import configured_catalog
from analytics_sync.sandbox.manners import MANNERS
from analytics_sync.sandbox.options import Options
from analytics_sync.sandbox.server import Sandbox


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status.

    Args:
        argv: The command line without the program's name; None reads it from ``sys.argv``.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        sources = _sources(args)
        options = _options(args)
        sandbox = Sandbox(sources, options, port=args.port, manners=args.manner)
    except (CatalogError, ValueError, OSError, OverflowError) as e:
        parser.error(str(e))
    if not sources:
        parser.error("no catalog file found; name one with --catalog FILE")
    stop = threading.Event()

    def request_stop(signum: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    with sandbox:
        if args.env is not None:
            lines = (f"{name}={value}\n" for name, value in sandbox.settings().items())
            args.env.write_text("".join(lines), encoding="utf-8")
        print(
            f"analytics-sync sandbox on {sandbox.url}: generated data for trying, testing and writing "
            f"catalog files, not a real API; serving {', '.join(sources)}",
            flush=True,
        )
        while not stop.wait(args.live):
            sandbox.advance()
    return 0


def _parser() -> argparse.ArgumentParser:
    default = Options()
    parser = argparse.ArgumentParser(
        prog="python -m analytics_sync.sandbox",
        description="The declared APIs on 127.0.0.1 with generated data. Not a real API.",
        epilog="\n".join(_manner_lines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--catalog",
        type=Path,
        action="append",
        metavar="FILE",
        help="a catalog file; all that ship",
    )
    add("--configured", action="store_true",
        help="the files that ship and those of ANALYTICS_SYNC__CATALOG_DIR, as Dagster loads them")  # fmt: skip
    add("--port", type=int, default=8765, help="0 is any free port; %(default)s")
    add("--seed", type=int, default=default.seed, help="same seed, same data; %(default)s")
    add("--rows", type=int, default=default.rows, help="records of a snapshot; %(default)s")
    add("--rows-per-day", type=int, default=default.rows_per_day, help="of a window; %(default)s")
    add("--rows-per-parent", type=int, default=default.rows_per_parent, help="%(default)s")
    add(
        "--max-chain",
        type=int,
        default=default.max_chain,
        help="records below parents; %(default)s",
    )
    add("--days", type=int, default=len(default.days), help="up to today, UTC; %(default)s")
    add("--max-page", type=int, default=default.max_page, help="records on a page; %(default)s")
    add("--drift", type=float, default=0.0, help="share of records unlike their declaration; 0")
    add("--latency-ms", type=float, default=0.0, help="how long each answer takes; 0")
    add("--key", default=default.key, help="the key every API accepts; %(default)s")
    add("--root-list", action="append", default=[], metavar="[SOURCE/]RESOURCE",
        help="a resource answered as a bare list")  # fmt: skip
    add("--root-object", action="append", default=[], metavar="[SOURCE/]RESOURCE",
        help="a resource answered as one bare object")  # fmt: skip
    add("--manner", action="append", default=[], metavar="NAME[=SOURCE/RESOURCE]",
        help="answer otherwise than declared, in a manner listed below; repeatable")  # fmt: skip
    add("--live", type=float, metavar="SECONDS", help="let the data change this often; never")
    add("--env", type=Path, metavar="FILE", help="write the settings to this file as KEY=value")
    return parser


def _sources(args: argparse.Namespace) -> Mapping[str, Source]:
    """The sources to serve. Those that are switched off are served too."""
    if not args.configured:
        return load_catalog(args.catalog)
    catalog = configured_catalog()
    for broken in catalog.broken:
        print(f"not served: {broken.error}", flush=True)
    return catalog.sources


def _manner_lines() -> Iterator[str]:
    yield "manners (after a harmless one, a run must have the right rows; after a provable one,"
    yield "the right rows, a failure, or a failed check of severity ERROR):"
    width = max(map(len, MANNERS))
    for name, manner in sorted(MANNERS.items()):
        yield f"  {name:{width}}  {manner.promise}: {manner.about.replace('``', '')}"


def _options(args: argparse.Namespace) -> Options:
    default = Options()
    return Options(
        seed=args.seed,
        rows=args.rows,
        rows_per_day=args.rows_per_day,
        rows_per_parent=args.rows_per_parent,
        max_chain=args.max_chain,
        start=default.end - timedelta(days=args.days),
        end=default.end,
        max_page=args.max_page,
        drift=args.drift,
        key=args.key,
        root_lists=default.root_lists | set(args.root_list),
        root_objects=default.root_objects | set(args.root_object),
        latency_ms=args.latency_ms,
    )


if __name__ == "__main__":
    raise SystemExit(main())
