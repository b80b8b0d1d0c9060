"""The pieces that messages are made of: slack_sdk's Block Kit models, safe for any text, and within Slack's limits.

What others wrote (names, sentences, owners) stands in plain_text, where no markup, mention or emoji code works. mrkdwn
is used for our own words and numbers, for the playbook's steps, in which facts of the account do nothing either (see
`Play.says`), and for mentions. Longer content is cut with an ellipsis and a count, never rejected. Limits: https://docs.slack.dev/reference/block-kit/blocks.
"""

import re

from slack_sdk.models.blocks import ContextBlock, MarkdownTextObject, PlainTextObject, SectionBlock, TextObject

from alerting import words
from alerting.facts import Fact
from alerting.markup import cut, escape, escaped_units, mrkdwn
from alerting.sparkline import sparkline
from alerting.story import Story

TEXT_LIMIT = 4_000
HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELDS_LIMIT = 10
# Our own, far below Slack's: a message is read at a glance.
SENTENCE_LIMIT = 600
REASON_LIMIT = 400
REASONS_SHOWN = 5
NAME_LIMIT = 100
ELEMENT_LIMIT = 400
PLAYBOOK_LIMIT = 1_000

_LINK = re.compile(r"https?://[^\s<>|\"'`*…]++(?!…)")  # an address that was cut is none


def plain(text: str, limit: int) -> PlainTextObject:
    """Text in which nothing works, cut to a length."""
    # emoji=False: a company may be called ":fire:".
    return PlainTextObject(text=cut(text, limit), emoji=False)


def markup(text: str) -> MarkdownTextObject:
    """mrkdwn of our own; what others wrote in it is escaped already."""
    # verbatim: Slack adds no links and no mentions of its own.
    return MarkdownTextObject(text=text, verbatim=True)


def in_fields(facts: tuple[Fact, ...]) -> list[SectionBlock]:
    """Numbers with their names, in two columns."""
    fields = [markup(f"*{escape(fact.label)}*\n{escape(fact.value)}") for fact in facts]
    return [SectionBlock(fields=fields[i : i + FIELDS_LIMIT]) for i in range(0, len(fields), FIELDS_LIMIT)]


def curve(daily: tuple[int, ...]) -> SectionBlock:
    """Counts by day."""
    legend = f"Events a day, last {words.count(len(daily), 'day')}; highest {max(daily):,}"
    return SectionBlock(text=markup(f"`{sparkline(daily)}`\n{legend}"))


def listed(lines: tuple[str, ...], shown: int = REASONS_SHOWN) -> str:
    """A line each, and how many more there are."""
    items = [f"• {cut(line, REASON_LIMIT)}" for line in lines[:shown]]
    if len(lines) > shown:
        items.append(f"… (+{len(lines) - shown} more)")
    return "\n".join(items)


def linked(playbook: str) -> str:
    """Escaped, and its addresses made links: verbatim mrkdwn makes none by itself."""
    text = cut(playbook, PLAYBOOK_LIMIT, escaped_units)
    parts: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        address = found.group().rstrip(".,;:!?)")
        parts += [escape(text[end : found.start()]), f"<{escape(address)}>"]
        end = found.start() + len(address)
    return "".join([*parts, escape(text[end:])])


def context(story: Story, *more: str) -> ContextBlock:
    """The small print: whose account it is, and what is behind the message."""
    elements: list[TextObject] = [plain(line, ELEMENT_LIMIT) for line in more]
    if story.mention:
        elements.append(markup(f"Owner: {mention(story)}"))
    elif story.owner:
        elements.append(plain(f"Owner: {story.owner}", NAME_LIMIT))
    if story.team_mention:
        elements.append(markup(f"Team: {team_mention(story)}"))
    elif story.team:
        elements.append(plain(f"Team: {story.team}", NAME_LIMIT))
    elements.append(plain(story.footer, ELEMENT_LIMIT))
    return ContextBlock(elements=elements)


def mention(story: Story) -> str:
    """Calls the owner, who has a Slack user id."""
    return f"<@{story.mention}>"


def team_mention(story: Story) -> str:
    """The team's user group, called in Slack."""
    return f"<!subteam^{story.team_mention}>"


def fact_lines(facts: tuple[Fact, ...]) -> list[str]:
    """Numbers with their names, for a text."""
    return [f"{fact.label}: {fact.value}" for fact in facts]


def in_text(lines: list[str], story: Story) -> str:
    """A whole message as text, escaped, for Slack looks for mentions here too: lines, those that are empty left out,
    then whose account it is, the footer, and who is called."""
    people = [
        cut(f"Owner: {story.owner}", NAME_LIMIT) if story.owner and not story.mention else "",
        cut(f"Team: {story.team}", NAME_LIMIT) if story.team and not story.team_mention else "",
    ]
    whole = [*lines, *people, cut(story.footer, ELEMENT_LIMIT)]
    called = _calls(story)
    return mrkdwn("\n".join(line for line in whole if line), TEXT_LIMIT - len(called)) + called


def _calls(story: Story) -> str:
    """The mentions, as the last lines of a text."""
    owner = f"\nOwner: {mention(story)}" if story.mention else ""
    return owner + (f"\nTeam: {team_mention(story)}" if story.team_mention else "")
