"""Messages as a page that looks much as Slack does, in light and dark: to look at, not to rely on."""

import html
import re
from collections.abc import Iterable
from typing import Any

from alerting.message import Message

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d1c1d; --faint: #616061; --line: #ddd; --link: #1264a3;
  --code: #c01343; --raised: #f8f8f8 }
@media (prefers-color-scheme: dark) { :root { --paper: #1a1d21; --ink: #d1d2d3; --faint: #ababad; --line: #44474b;
  --link: #1d9bd1; --code: #e8912d; --raised: #222529 } }
body { font: 15px/1.46 Lato, "Noto Sans", sans-serif; background: var(--paper); color: var(--ink); max-width: 680px;
  margin: 2em auto; padding: 0 1em }
h2 { font-size: 13px; font-weight: 400; color: var(--faint); margin: 2.2em 0 .3em; border-top: 1px solid var(--line);
  padding-top: .5em }
article { white-space: pre-line; overflow-wrap: anywhere }
article > div { margin: .5em 0 }
.header { font-weight: 900; font-size: 18px }
.context { color: var(--faint); font-size: 13px }
.context span { margin-right: 1.2em }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .5em 1em }
a { color: var(--link) } mark { background: #f2c74466; color: var(--link) }
code { color: var(--code); background: var(--raised); border: 1px solid var(--line); border-radius: 3px;
  padding: 0 .2em }
"""


def page(messages: Iterable[tuple[str, Message]]) -> str:
    """The messages, each under its name."""
    cards = (
        f"<h2>{html.escape(name)}</h2><article>{''.join(map(_block, message.blocks))}</article>"
        for name, message in messages
    )
    head = '<meta charset=utf-8><meta name=viewport content="width=device-width"><title>slackwater: messages</title>'
    return f"<!doctype html><html lang=en>{head}<style>{STYLE}</style>{''.join(cards)}</html>\n"


def _block(block: dict[str, Any]) -> str:
    inner = _text(block["text"]) if "text" in block else ""
    if "fields" in block:
        inner += f"<div class=fields>{''.join(f'<div>{_text(field)}</div>' for field in block['fields'])}</div>"
    inner += "".join(f"<span>{_text(element)}</span>" for element in block.get("elements", ()) if "text" in element)
    return f"<div class={block['type']}>{inner}</div>"


def _text(element: dict[str, Any]) -> str:
    text = element["text"]
    if isinstance(text, dict):  # a button's
        return f"[{html.escape(text['text'])}]"
    if element["type"] == "plain_text":
        return html.escape(text)
    text = re.sub(r"<([@!][\w^]+)>", r"<mark>\1</mark>", text)
    text = re.sub(r"<(https?://[^<>]+)>", r'<a href="\1">\1</a>', text)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text))
