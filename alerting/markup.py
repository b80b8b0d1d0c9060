"""Text that others wrote, made safe to show: cleaned, escaped for Slack's mrkdwn, and cut to a length.

Lengths are counted in UTF-16 code units, the larger of the ways in which Slack may count; escapes count as written.
Sources: https://docs.slack.dev/messaging/formatting-message-text, "Escaping text", and
https://docs.slack.dev/reference/block-kit/composition-objects/text-object.
"""

import unicodedata
from collections.abc import Callable

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ESCAPE = str.maketrans(_ESCAPES)
# Bidirectional overrides and isolates, which let a name rewrite the line around it, and characters nobody sees.
_HIDDEN = frozenset("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")


def clean(text: str) -> str:
    """One line without control, hidden or half characters; every white space becomes one blank.

    >>> clean("Acme\\nCorp\\x1b[31m\\t ")
    'Acme Corp [31m'
    """
    return " ".join(harmless(text).split())


def harmless(text: str) -> str:
    """The text without control, hidden or half characters; white space stays, each as a blank."""
    return "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    if character in _HIDDEN:
        return ""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return " " if category in {"Cc", "Zl", "Zp", "Zs"} else character


def escape(text: str) -> str:
    """For mrkdwn: exactly `&`, `<` and `>`, as Slack asks.

    >>> escape("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.translate(_ESCAPE)


def units(text: str) -> int:
    """UTF-16 code units: what lies above the basic plane counts twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def escaped_units(text: str) -> int:
    """The length that the text will have once it is escaped."""
    return units(text) + sum(len(_ESCAPES[character]) - 1 for character in text if character in _ESCAPES)


def cut(text: str, limit: int, length: Callable[[str], int] = units) -> str:
    """The text, or as much of it as fits, an ellipsis, and how many characters are missing.

    >>> cut("abcdefghijklmnopqrstuvwxyz", 20)
    'abcdefghijklm… (+13)'
    """
    if length(text) <= limit:
        return text
    room = limit - units(f"… (+{len(text):,})")
    kept = 0
    for character in text:
        room -= length(character)
        if room < 0:
            break
        kept += 1
    return f"{text[:kept].rstrip()}… (+{len(text) - kept:,})"


def mrkdwn(text: str, limit: int) -> str:
    """The text escaped, and cut so that the escaped one fits."""
    return escape(cut(text, limit, escaped_units))
