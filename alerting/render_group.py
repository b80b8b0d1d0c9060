"""A message about one account and several of its alerts."""

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, SectionBlock

from alerting.blocks import (
    ELEMENT_LIMIT,
    HEADER_LIMIT,
    PLAYBOOK_LIMIT,
    REASON_LIMIT,
    SECTION_LIMIT,
    SENTENCE_LIMIT,
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
from alerting.group_story import GroupStory
from alerting.markup import cut
from alerting.message import Message
from alerting.story import Story

ALERTS_SHOWN = 5
"""With all that convinces; of others there is a line."""
REASONS_SHOWN = 3
PLAYBOOKS_SHOWN = 3
LINES_SHOWN = 7


def render_group(story: GroupStory) -> Message:
    """The message of a group, or of a reminder."""
    blocks: list[Block] = []
    if story.loud:
        blocks.append(HeaderBlock(text=plain(story.title, HEADER_LIMIT)))
    else:
        blocks.append(SectionBlock(text=plain(story.title, 2 * HEADER_LIMIT)))
    if story.lead:
        blocks.append(SectionBlock(text=plain(story.lead, SENTENCE_LIMIT)))
    for each in story.loud[:ALERTS_SHOWN]:
        blocks += _alert(each, alone=len(story.loud) == 1)
    if daily := next((each.daily for each in story.loud if each.daily), ()):
        blocks.append(curve(daily))
    if lines := _lines(story):
        blocks.append(SectionBlock(text=plain(lines, SECTION_LIMIT)))
    blocks += in_fields(story.facts)
    for step in story.playbooks[:PLAYBOOKS_SHOWN]:
        blocks.append(SectionBlock(text=markup(f"*Next step*  {linked(step)}")))
    if story.also_open:
        blocks.append(ContextBlock(elements=[plain(f"Also open: {story.also_open}", ELEMENT_LIMIT)]))
    blocks.append(context(story.whole, *((story.went,) if story.went else ())))
    return Message(_text(story), tuple(block.to_dict() for block in blocks))


def _alert(story: Story, *, alone: bool) -> list[Block]:
    """One of the alerts; the header has named it already where it is alone."""
    lines = story.sentence if alone else f"{_head(story)}\n{cut(story.sentence, SENTENCE_LIMIT)}"
    blocks: list[Block] = [SectionBlock(text=plain(lines, SECTION_LIMIT))] if lines.strip() else []
    blocks += in_fields(story.facts)
    if story.reasons:
        blocks.append(SectionBlock(text=plain(listed(story.reasons, REASONS_SHOWN), SECTION_LIMIT)))
    return blocks


def _lines(story: GroupStory) -> str:
    rest = tuple(f"{_head(each)}: {each.sentence}" for each in story.loud[ALERTS_SHOWN:])
    lines = (*rest, *story.quiet)
    shown = [cut(line, REASON_LIMIT) for line in lines[:LINES_SHOWN]]
    return "\n".join([*shown, f"… (+{len(lines) - LINES_SHOWN} more)"] if len(lines) > LINES_SHOWN else shown)


def _text(story: GroupStory) -> str:
    """All of it as lines of text."""
    alone = len(story.loud) == 1
    lines = [cut(story.title, 2 * HEADER_LIMIT), story.lead]
    for each in story.loud[:ALERTS_SHOWN]:
        lines += ["" if alone else _head(each), cut(each.sentence, SENTENCE_LIMIT), " · ".join(fact_lines(each.facts))]
        lines.append(listed(each.reasons, REASONS_SHOWN))
    lines += [_lines(story), " · ".join(fact_lines(story.facts))]
    lines += [f"Next step: {cut(step, PLAYBOOK_LIMIT)}" for step in story.playbooks[:PLAYBOOKS_SHOWN]]
    lines += [cut(f"Also open: {story.also_open}", ELEMENT_LIMIT) if story.also_open else "", story.went]
    return in_text(lines, story.whole)


def _head(story: Story) -> str:
    return f"{story.icon} {story.title}"
