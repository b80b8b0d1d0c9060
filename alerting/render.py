"""A notification as a Slack message, built of slack_sdk's Block Kit models and within Slack's limits.

What others wrote (names, sentences, owners) stands in plain_text, where no markup, mention or emoji code works. mrkdwn
is used for our own words and numbers, for the playbook's links and for the owner's mention. Longer content is cut with
an ellipsis and a count, never rejected. Limits: https://docs.slack.dev/reference/block-kit/blocks.
"""

import re

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
    TextObject,
)

from alerting import words
from alerting.markup import clean, cut, escape, escaped_units, mrkdwn
from alerting.message import Message
from alerting.notification import AnyNote, CatchUp, Notice
from alerting.past_story import CatchUpStory, catch_up_story
from alerting.sparkline import sparkline
from alerting.story import Story, tell

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


def render(notification: AnyNote) -> Message:
    """The message of a note. Total: any that is valid has one."""
    if isinstance(notification, Notice):
        return _notice(notification)
    if isinstance(notification, CatchUp):
        return _catch_up(catch_up_story(notification))
    story = tell(notification)
    blocks = _quiet(story) if story.quiet else _loud(story)
    return Message(_text(story), tuple(block.to_dict() for block in blocks))


def _notice(notice: Notice) -> Message:
    head = f"🔧 {clean(notice.title)}: {clean(notice.where)}"
    footer = " · ".join(
        part
        for part in (
            "slackwater itself, not an account",
            words.day(notice.at, words.zone(notice.timezone)),
            f"meant for the route {notice.rerouted_from}, which is broken" if notice.rerouted_from else "",
        )
        if part
    )
    text, advice = cut(clean(notice.text), SENTENCE_LIMIT) or "…", cut(clean(notice.advice), PLAYBOOK_LIMIT)
    blocks: list[Block] = [
        HeaderBlock(text=_plain(head, HEADER_LIMIT)),
        SectionBlock(text=_plain(text, SENTENCE_LIMIT)),
        SectionBlock(text=_markup(f"*What to do*  {_linked(advice)}")),
        ContextBlock(elements=[_plain(footer, ELEMENT_LIMIT)]),
    ]
    lines = [cut(head, 2 * HEADER_LIMIT), text, f"What to do: {advice}", footer]
    return Message(mrkdwn("\n".join(lines), TEXT_LIMIT), tuple(block.to_dict() for block in blocks))


def _catch_up(story: CatchUpStory) -> Message:
    head, lines = f"🌊 {story.title}", [cut(line, REASON_LIMIT) for line in story.lines]
    # A line is at most a third of what a section takes.
    sections = ["\n".join(lines[first : first + 5]) for first in range(0, len(lines), 5)]
    blocks: list[Block] = [
        HeaderBlock(text=_plain(head, HEADER_LIMIT)),
        SectionBlock(text=_plain(story.sentence, SENTENCE_LIMIT)),
        *(SectionBlock(text=_plain(section, SECTION_LIMIT)) for section in sections),
        ContextBlock(elements=[_plain(story.footer, ELEMENT_LIMIT)]),
    ]
    text = "\n".join([head, cut(story.sentence, SENTENCE_LIMIT), *lines, story.footer])
    return Message(mrkdwn(text, TEXT_LIMIT), tuple(block.to_dict() for block in blocks))


def _loud(story: Story) -> list[Block]:
    blocks: list[Block] = [HeaderBlock(text=_plain(_headline(story), HEADER_LIMIT))]
    if story.sentence:
        blocks.append(SectionBlock(text=_plain(story.sentence, SENTENCE_LIMIT)))
    fields = [_markup(f"*{escape(fact.label)}*\n{escape(fact.value)}") for fact in story.facts]
    blocks += [SectionBlock(fields=fields[i : i + FIELDS_LIMIT]) for i in range(0, len(fields), FIELDS_LIMIT)]
    if story.daily:
        blocks.append(SectionBlock(text=_markup(f"`{sparkline(story.daily)}`\n{_legend(story.daily)}")))
    if story.reasons:
        blocks.append(SectionBlock(text=_plain(_listed(story.reasons), SECTION_LIMIT)))
    if story.playbook:
        blocks.append(SectionBlock(text=_markup(f"*Next step*  {_linked(story.playbook)}")))
    if story.also_open:
        blocks.append(ContextBlock(elements=[_plain(f"Also open: {story.also_open}", ELEMENT_LIMIT)]))
    blocks.append(_context(story))
    return blocks


def _quiet(story: Story) -> list[Block]:
    lines = f"{cut(_headline(story), 2 * HEADER_LIMIT)}\n{cut(story.sentence, SENTENCE_LIMIT)}"
    return [SectionBlock(text=_plain(lines, SECTION_LIMIT)), _context(story, *_fact_lines(story))]


def _context(story: Story, *more: str) -> ContextBlock:
    elements: list[TextObject] = [_plain(line, ELEMENT_LIMIT) for line in more]
    if story.quiet and story.also_open:
        elements.append(_plain(f"Still open: {story.also_open}", ELEMENT_LIMIT))
    if story.mention:
        elements.append(_markup(f"Owner: {_mention(story)}"))
    elif story.owner:
        elements.append(_plain(f"Owner: {story.owner}", NAME_LIMIT))
    if story.team_mention:
        elements.append(_markup(f"Team: {_team_mention(story)}"))
    elif story.team:
        elements.append(_plain(f"Team: {story.team}", NAME_LIMIT))
    elements.append(_plain(story.footer, ELEMENT_LIMIT))
    return ContextBlock(elements=elements)


def _text(story: Story) -> str:
    """The whole story as lines of text; escaped, for Slack looks for mentions here too."""
    lines = [
        cut(_headline(story), 2 * HEADER_LIMIT),
        cut(story.sentence, SENTENCE_LIMIT),
        " · ".join(_fact_lines(story)),
        sparkline(story.daily),
        _listed(story.reasons),
        f"Next step: {cut(story.playbook, PLAYBOOK_LIMIT)}" if story.playbook else "",
        cut(f"Also open: {story.also_open}", ELEMENT_LIMIT) if story.also_open else "",
        cut(f"Owner: {story.owner}", NAME_LIMIT) if story.owner and not story.mention else "",
        cut(f"Team: {story.team}", NAME_LIMIT) if story.team and not story.team_mention else "",
        cut(story.footer, ELEMENT_LIMIT),
    ]
    mention = f"\nOwner: {_mention(story)}" if story.mention else ""
    mention += f"\nTeam: {_team_mention(story)}" if story.team_mention else ""
    return mrkdwn("\n".join(line for line in lines if line), TEXT_LIMIT - len(mention)) + mention


def _headline(story: Story) -> str:
    return f"{story.icon} {story.title}: {story.who}"


def _fact_lines(story: Story) -> list[str]:
    return [f"{fact.label}: {fact.value}" for fact in story.facts]


def _legend(daily: tuple[int, ...]) -> str:
    return f"Events a day, last {words.count(len(daily), 'day')}; highest {max(daily):,}"


def _listed(reasons: tuple[str, ...]) -> str:
    lines = [f"• {cut(reason, REASON_LIMIT)}" for reason in reasons[:REASONS_SHOWN]]
    if len(reasons) > REASONS_SHOWN:
        lines.append(f"… (+{len(reasons) - REASONS_SHOWN} more)")
    return "\n".join(lines)


def _linked(playbook: str) -> str:
    """Escaped, and its addresses made links: verbatim mrkdwn makes none by itself."""
    text = cut(playbook, PLAYBOOK_LIMIT, escaped_units)
    parts: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        address = found.group().rstrip(".,;:!?)")
        parts += [escape(text[end : found.start()]), f"<{escape(address)}>"]
        end = found.start() + len(address)
    return "".join([*parts, escape(text[end:])])


def _mention(story: Story) -> str:
    return f"<@{story.mention}>"


def _team_mention(story: Story) -> str:
    return f"<!subteam^{story.team_mention}>"


def _plain(text: str, limit: int) -> PlainTextObject:
    # emoji=False: a company may be called ":fire:".
    return PlainTextObject(text=cut(text, limit), emoji=False)


def _markup(text: str) -> MarkdownTextObject:
    # verbatim: Slack adds no links and no mentions of its own.
    return MarkdownTextObject(text=text, verbatim=True)
