"""What a message about one account says: of all its alerts that changed, or of those that nobody has acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerting import words
from alerting.facts import Fact
from alerting.markup import clean
from alerting.notification import Group, Note, Notification, Reminder
from alerting.story import Story, kind_title, tell
from schemas.alerts import Change, Transition

_OF_ACCOUNT = frozenset({"MRR", "Renewal", "Health"})
"""Facts that are the account's, and the same for all of its alerts."""
_TITLES_SHOWN = 2
_CHANGED = frozenset({Change.ESCALATED, Change.WOKEN, Change.OPENED})


@dataclass(frozen=True, slots=True)
class GroupStory:
    """The parts of the message, each one clean line. `loud`: alerts that ask for something, the worst first, each with
    its own facts. `quiet`: a line for each of the others. `whole`: of whom it is, and the small print."""

    title: str
    lead: str
    """What is to be said of all of them; empty when nothing is."""
    loud: tuple[Story, ...]
    quiet: tuple[str, ...]
    went: str
    facts: tuple[Fact, ...]
    """Of the account."""
    playbooks: tuple[str, ...]
    also_open: str
    whole: Story


def group_story(note: Group) -> GroupStory:
    """The story of a group."""
    stories = [_as_new(each, note) for each in note.alerts]
    loud = [story for story in stories if not story.quiet]
    quiet = tuple(f"{story.icon} {story.title}: {story.sentence}" for story in stories if story.quiet)
    went = ", ".join(kind_title(each.kind).lower() for each in note.went)
    what = _kinds(loud) if loud else words.count(len(quiet), "change")
    title = f"{stories[0].icon} {what}: {stories[0].who}"
    story = _story(note, title, tuple(loud), note.alerts)
    return replace(story, quiet=quiet, went=f"Came and went meanwhile: {went}" if went else "")


def reminder_story(note: Reminder) -> GroupStory:
    """The story of a reminder."""
    stories = tuple(tell(each) for each in note.unanswered)
    ago = words.span(max(0, note.at - note.told_at))
    waits = f"Nobody has acknowledged {'it' if len(stories) == 1 else 'them'} for {ago}. Reminder {note.number}."
    title = f"⏰ {_kinds(stories)}, not acknowledged: {stories[0].who}"
    return replace(_story(note, title, stories, note.unanswered), lead=waits)


def _story(note: Note, title: str, loud: tuple[Story, ...], alerts: tuple[Notification, ...]) -> GroupStory:
    last = max(alerts, key=lambda each: (each.transition.at, each.transition.revision))
    whole = tell(last)
    of_account = [fact for story in (whole, *loud) for fact in story.facts if fact.label in _OF_ACCOUNT]
    facts = {fact.label: fact for fact in reversed(of_account)}  # by the newest alert, if it says so
    return GroupStory(
        title=title,
        lead="",
        loud=tuple(replace(story, facts=_own(story.facts)) for story in loud),
        quiet=(),
        went="",
        facts=tuple(facts[label] for label in ("MRR", "Renewal", "Health") if label in facts),
        playbooks=tuple(dict.fromkeys(story.playbook for story in loud if story.playbook)),
        also_open=_also_open(last.transition, alerts),
        whole=replace(
            whole,
            mention=next((story.mention for story in loud if story.mention), ""),
            team_mention=next((story.team_mention for story in loud if story.team_mention), ""),
            footer=_footer(note, alerts),
        ),
    )


def _as_new(each: Notification, note: Group) -> Story:
    """An alert's story. One that nobody has heard of has neither got worse nor woken up."""
    story = tell(each)
    if each.transition.alert_id in note.new and each.transition.change in _CHANGED:
        return replace(story, title=kind_title(each.transition.kind))
    return story


def _kinds(loud: Sequence[Story]) -> str:
    titles = [story.title if number == 0 else story.title.lower() for number, story in enumerate(loud[:_TITLES_SHOWN])]
    more = len(loud) - len(titles)
    return f"{', '.join(titles)} and {more} more" if more else " and ".join(titles)


def _own(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.label not in _OF_ACCOUNT)


def _also_open(last: Transition, alerts: tuple[Notification, ...]) -> str:
    told = {each.transition.kind for each in alerts}
    others = [each for each in last.also_open if each.kind not in told]
    return ", ".join(f"{kind_title(each.kind).lower()} ({each.severity.value})" for each in others)


def _footer(note: Note, alerts: tuple[Notification, ...]) -> str:
    worst = max((each.transition.severity for each in alerts), key=lambda severity: severity.rank)
    ids = ", ".join(each.transition.alert_id for each in alerts)
    parts = [
        worst.value.capitalize(),
        f"{'alert' if len(alerts) == 1 else 'alerts'} {ids}",
        f"account {clean(note.subject)}",
        f"meant for the route {note.rerouted_from}, which is broken" if note.rerouted_from else "",
    ]
    return " · ".join(part for part in parts if part)
