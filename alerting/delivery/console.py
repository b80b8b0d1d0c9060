"""A terminal in place of Slack: prints a message as Slack would show it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alerting.delivery.answers import OK, Answer, Failure
from alerting.markup import harmless
from alerting.message import Block, Message

WIDTH = 76
_MARKUP = re.compile(r"\*(?P<bold>[^*\n]+)\*|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\n]+)>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class ConsoleChannel:
    """Prints messages to a rich console, standard output by default."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    async def send(self, message: Message) -> Answer:
        """See `Channel`. What cannot be printed (a closed pipe, say) is tried again later."""
        try:
            self._console.print(as_slack_shows_it(message))
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            return Answer(failure=Failure.CONNECTION, detail=type(error).__name__)
        return OK


def as_slack_shows_it(message: Message) -> RenderableType:
    """The message as a panel. Nothing in it is read as rich's own markup, nor by the terminal."""
    parts = list(_parts(message.blocks)) if message.blocks else [_lines(message.text)]
    return Panel(Group(*parts), width=WIDTH, border_style="dim", padding=(0, 1), title="slackwater", title_align="left")


def _parts(blocks: Sequence[Block]) -> Iterator[RenderableType]:
    for index, block in enumerate(blocks):
        if index:
            yield Text()
        if block["type"] == "header":
            yield Text.assemble((harmless(block["text"]["text"]), "bold"))
        elif block["type"] == "context":
            yield Text("   ", style="dim").join(_text(element) for element in block["elements"])
        elif block["type"] == "section":
            if "text" in block:
                yield _text(block["text"])
            if "fields" in block:
                yield _two_columns(block["fields"])


def _two_columns(fields: Sequence[Mapping[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 4), expand=False)
    for left, right in zip_longest(fields[::2], fields[1::2]):
        table.add_row(_text(left), _text(right) if right else Text())
    return table


def _text(element: Mapping[str, Any]) -> Text:
    if element["type"] == "plain_text":
        return Text("\n".join(harmless(line) for line in element["text"].split("\n")))
    return _lines(element["text"], markup=True)


def _lines(text: str, *, markup: bool = False) -> Text:
    """mrkdwn as rich text: bold, code and links when `markup` is on, and the escapes taken back."""
    shown = Text()
    for number, line in enumerate(text.split("\n")):
        if number:
            shown.append("\n")
        end = 0
        for found in _MARKUP.finditer(line) if markup else ():
            shown.append(_unescaped(line[end : found.start()]))
            style = {"bold": "bold", "code": "green", "link": "blue"}[found.lastgroup or ""]
            shown.append(_unescaped(found[found.lastgroup or 0]), style=style)
            end = found.end()
        shown.append(_unescaped(line[end:]))
    return shown


def _unescaped(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    # The renderer has cleaned it; what a terminal would obey is no place to rely on that.
    return harmless(text)
