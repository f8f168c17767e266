"""The text of a message, in the form that each receiver takes.

In: a ``Message``. Out: plain text, or the JSON document of a webhook, of Slack or of Teams. A cause may
quote data, so no form renders it: it makes no link, mentions nobody and is short.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

MAX_CAUSE = 600  # characters
_CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True)
class Message:
    """A message about one incident, or about several with one cause.

    Attributes:
        event: ``failure``, ``check_failure``, ``well`` or ``test``.
        title: The first line.
        cause: The first line of the error; "" when all is well.
        source: Name of the source.
        resources: The resources as ``source/resource``; none if it is about the whole source.
        check: Name of the check; "" if it is about none.
        kind: The kind of the cause, such as ``HttpStatusError 403``.
        partitions: The partitions; "" without any.
        since: When it began, in ISO 8601.
        next: What to do next.
        run_id: The run that failed, or that is well.
        url: The address of the run in Dagster's UI.
    """

    event: str
    title: str
    cause: str = ""
    source: str = ""
    resources: tuple[str, ...] = ()
    check: str = ""
    kind: str = ""
    partitions: str = ""
    since: str = ""
    next: str = ""
    run_id: str = ""
    url: str = ""

    @classmethod
    def of(cls, document: dict[str, Any]) -> Message:
        """The message of a JSON document."""
        return cls(**{**document, "resources": tuple(document["resources"])})

    def document(self) -> dict[str, Any]:
        """The message as a JSON document."""
        return {**asdict(self), "resources": list(self.resources)}

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """The lines below the title, each with its name."""
        yield "Cause", self.cause
        if len(self.resources) > 1:
            yield "Resources", ", ".join(self.resources)
        yield "Partitions", self.partitions
        yield "Since", self.since
        yield "Next", self.next
        yield "Run", self.url

    @property
    def text(self) -> str:
        """The message as plain text."""
        lines = [f"{name}: {value}" for name, value in self.facts if value]
        return "\n".join([self.title, *lines])


def body(kind: str, message: Message) -> bytes:
    """The body of a request to a receiver of this kind."""
    document = {"slack": _slack, "teams": _teams, "webhook": _webhook}[kind](message)
    return json.dumps(document).encode()


def _webhook(message: Message) -> dict[str, Any]:
    return {**message.document(), "text": message.text}


def _slack(message: Message) -> dict[str, Any]:
    lines = [f"*{_slack_text(message.title)}*"]
    for name, value in message.facts:
        if value and name == "Cause":
            lines.append(f"```{_slack_text(value).replace('`', chr(39))}```")
        elif value:
            lines.append(f"{name}: {_slack_text(value)}")
    return {"text": "\n".join(lines), "unfurl_links": False, "unfurl_media": False}


def _slack_text(text: str) -> str:
    """A text without the three signs from which Slack makes links and mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(message: Message) -> dict[str, Any]:
    """An adaptive card. Its runs of text are plain: Teams renders no Markdown in them."""
    facts = [(name, value) for name, value in message.facts if value and value != message.url]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _run(message.title, weight="Bolder", size="Medium"),
            *(_run(f"{name}: {value}") for name, value in facts),
        ],
    }
    if message.url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Run", "url": message.url}]
    return {
        "type": "message",
        "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}],
    }


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
