"""A note as a Slack message. `blocks` has the pieces, and why they are as they are."""

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, SectionBlock

from alerting import words
from alerting.blocks import (
    ELEMENT_LIMIT,
    HEADER_LIMIT,
    PLAYBOOK_LIMIT,
    REASON_LIMIT,
    SECTION_LIMIT,
    SENTENCE_LIMIT,
    TEXT_LIMIT,
    context,
    curve,
    fact_lines,
    in_fields,
    in_text,
    linked,
    listed,
    markup,
    plain,
)
from alerting.group_story import group_story, reminder_story
from alerting.markup import clean, cut, mrkdwn
from alerting.message import Message
from alerting.notification import AnyNote, CatchUp, Group, Notice, Notification, Reminder, Summary
from alerting.overview import Overview
from alerting.past_story import catch_up_story
from alerting.render_group import render_group
from alerting.sparkline import sparkline
from alerting.story import Story, tell
from alerting.summary_story import summary_story


def render(notification: AnyNote) -> Message:
    """The message of a note. Total: any that is valid has one."""
    if isinstance(notification, Notice):
        return _notice(notification)
    if isinstance(notification, CatchUp):
        return _overview(catch_up_story(notification))
    if isinstance(notification, Summary):
        return _overview(summary_story(notification))
    if isinstance(notification, Group):
        return render_group(group_story(notification))
    if isinstance(notification, Reminder):
        return render_group(reminder_story(notification))
    return _message(tell(notification))


def render_standing(notification: Notification) -> Message:
    """The alert as it stands after a change, for a message that is kept up to date. Total, too."""
    return _message(tell(notification, standing=True))


def _message(story: Story) -> Message:
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
        HeaderBlock(text=plain(head, HEADER_LIMIT)),
        SectionBlock(text=plain(text, SENTENCE_LIMIT)),
        SectionBlock(text=markup(f"*What to do*  {linked(advice)}")),
        ContextBlock(elements=[plain(footer, ELEMENT_LIMIT)]),
    ]
    lines = [cut(head, 2 * HEADER_LIMIT), text, f"What to do: {advice}", footer]
    return Message(mrkdwn("\n".join(lines), TEXT_LIMIT), tuple(block.to_dict() for block in blocks))


def _overview(story: Overview) -> Message:
    head, lines = story.title, [cut(line, REASON_LIMIT) for line in story.lines]
    # A line is at most a third of what a section takes.
    sections = ["\n".join(lines[first : first + 5]) for first in range(0, len(lines), 5)]
    blocks: list[Block] = [
        HeaderBlock(text=plain(head, HEADER_LIMIT)),
        SectionBlock(text=plain(story.sentence, SENTENCE_LIMIT)),
        *(SectionBlock(text=plain(section, SECTION_LIMIT)) for section in sections),
        ContextBlock(elements=[plain(story.footer, ELEMENT_LIMIT)]),
    ]
    text = "\n".join([head, cut(story.sentence, SENTENCE_LIMIT), *lines, story.footer])
    return Message(mrkdwn(text, TEXT_LIMIT), tuple(block.to_dict() for block in blocks))


def _loud(story: Story) -> list[Block]:
    blocks: list[Block] = [HeaderBlock(text=plain(_headline(story), HEADER_LIMIT))]
    if story.news:
        blocks.append(SectionBlock(text=plain(story.news, SENTENCE_LIMIT)))
    if story.sentence:
        blocks.append(SectionBlock(text=plain(story.sentence, SENTENCE_LIMIT)))
    blocks += in_fields(story.facts)
    if story.daily:
        blocks.append(curve(story.daily))
    if story.reasons:
        blocks.append(SectionBlock(text=plain(listed(story.reasons), SECTION_LIMIT)))
    if story.playbook:
        blocks.append(SectionBlock(text=markup(f"*Next step*  {linked(story.playbook)}")))
    if story.also_open:
        blocks.append(ContextBlock(elements=[plain(f"Also open: {story.also_open}", ELEMENT_LIMIT)]))
    blocks.append(context(story))
    return blocks


def _quiet(story: Story) -> list[Block]:
    lines = f"{cut(_headline(story), 2 * HEADER_LIMIT)}\n{cut(story.sentence, SENTENCE_LIMIT)}"
    still = (f"Still open: {story.also_open}",) if story.also_open else ()
    return [SectionBlock(text=plain(lines, SECTION_LIMIT)), context(story, *fact_lines(story.facts), *still)]


def _text(story: Story) -> str:
    """The whole story as lines of text."""
    lines = [
        cut(_headline(story), 2 * HEADER_LIMIT),
        cut(story.news, SENTENCE_LIMIT),
        cut(story.sentence, SENTENCE_LIMIT),
        " · ".join(fact_lines(story.facts)),
        sparkline(story.daily),
        listed(story.reasons),
        f"Next step: {cut(story.playbook, PLAYBOOK_LIMIT)}" if story.playbook else "",
        cut(f"Also open: {story.also_open}", ELEMENT_LIMIT) if story.also_open else "",
    ]
    return in_text(lines, story)


def _headline(story: Story) -> str:
    return f"{story.icon} {story.title}: {story.who}"
