"""The console shows a message as Slack would, and a terminal obeys nothing in it."""

from io import StringIO

from rich.cells import cell_len
from rich.console import Console

from alerting.delivery.answers import OK, Failure
from alerting.delivery.console import WIDTH, ConsoleChannel
from alerting.message import Message
from alerting.render import render
from schemas.alerts import Change, Kind
from tests.unit.alerting.gallery import notification_of
from tests.unit.alerting.samples import notification


async def printed(message: Message, *, colours: bool = False) -> str:
    out = StringIO()
    console = Console(file=out, width=100, force_terminal=colours, highlight=False, legacy_windows=False)
    assert await ConsoleChannel(console).send(message) == OK
    return out.getvalue()


def words(shown: str) -> str:
    """Without the frame, and without the places where lines were broken."""
    return " ".join(shown.replace("│", " ").split())


async def test_everything_that_slack_shows_is_printed_and_no_markup_is() -> None:
    shown = words(await printed(render(notification_of(Kind.USAGE_DROP, Change.OPENED))))
    for part in (
        "🟠 Usage drop: Acme Corp",
        "24 events where about 73 were expected.",
        "Observed Expected 24 events in 9 days about 73",
        "Events a day, last 28 days; highest 16",
        "Next step Ask the champion what changed; offer a refresher session: https://wiki.example.com/plays/drop",
        "Owner: anna@vendor.example",
    ):
        assert part in shown
    assert "*" not in shown
    assert "&lt;" not in shown


async def test_escapes_are_shown_as_what_they_stand_for_and_once_only() -> None:
    message = render(notification(playbook="a < b & c > d; &lt;"))
    assert "Next step a < b & c > d; &lt;" in words(await printed(message))
    assert "Next step: a < b & c > d; &lt;" in words(await printed(message.plain()))


async def test_no_name_reaches_the_terminal_as_a_command_or_as_markup_of_the_printer() -> None:
    raw = {"type": "plain_text", "text": "\x1b]0;owned\x07[bold red]Acme[/]\x1b[2J\u202e"}
    message = Message("x", ({"type": "header", "text": raw}, {"type": "section", "text": raw | {"type": "mrkdwn"}}))
    for shown in (await printed(message), await printed(message.plain())):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "[bold red]Acme[/]" in await printed(message)


async def test_every_line_of_the_panel_is_as_wide_as_the_panel() -> None:
    for kind in Kind:
        for change in Change:
            shown = await printed(render(notification_of(kind, change)))
            assert {cell_len(line) for line in shown.splitlines()} == {WIDTH}


async def test_bold_and_links_have_a_style_where_there_are_colours() -> None:
    shown = await printed(render(notification_of(Kind.USAGE_DROP, Change.OPENED)), colours=True)
    assert "\x1b[1mObserved\x1b[0m" in shown
    assert "\x1b[34mhttps://wiki.example.com/plays/drop" in shown


async def test_a_console_that_is_gone_is_an_answer_to_try_again() -> None:
    out = StringIO()
    channel = ConsoleChannel(Console(file=out))
    out.close()
    answer = await channel.send(render(notification()))
    assert answer.failure is Failure.CONNECTION
