"""What one sees of the demo: messages as Slack would show them, above a line of progress."""

import asyncio
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from alerting.delivery.console import ConsoleChannel
from alerting.notification import Notification
from alerting.render import render
from schemas.alerts import AlertState, Severity, Transition
from schemas.instants import format_instant
from streams.cli.demo.digest import Digest
from streams.produce import Sent
from streams.simulator import FleetPlan
from streams.simulator.plan import DAY_MS

_READABLE = 1.5  # seconds that a message stands alone


class Screen:
    """A console with a progress line at its end; a plain one, where there is no terminal, gets a line now and then."""

    def __init__(self, console: Console, plan: FleetPlan) -> None:
        self._console = console
        self._plan = plan
        self._digest = Digest()
        self._channel = ConsoleChannel(console)
        self._open: dict[str, Transition] = {}
        self._said_day = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[status]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("getting ready", total=plan.days, status="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line about the demo itself."""
        self._console.print(text, style="dim", markup=False)

    def introduce(self, broker: str, worker: str) -> None:
        """What is running, and where to look."""
        plan = self._plan
        self.say(f"{plan.accounts} accounts, {plan.days} days from {format_instant(plan.start)[:10]}, seed {plan.seed}")
        self.say(f"Kafka at {broker}; the worker's metrics at {worker}/metrics, its health at {worker}/readyz")

    def progress(self, sent: Sent) -> None:
        """How far the fleet's life has been sent."""
        if sent.last_at is None:
            return
        day = (sent.last_at - self._plan.start) / DAY_MS
        open_ = sum(each.severity is not Severity.WATCH for each in self._open.values())
        status = f"{sent.total:,} events, {open_} alerts open"
        self._progress.update(self._task, description=format_instant(sent.last_at)[:10], completed=day, status=status)
        if not self._console.is_terminal and day >= self._said_day + 10:
            self._said_day = int(day // 10 * 10)
            self.say(f"day {self._said_day} of {self._plan.days}: {status}")

    def transition(self, transition: Transition) -> None:
        """Something happened to an alert; whether it is shown depends on how much else happens."""
        if transition.state is AlertState.RESOLVED:
            self._open.pop(transition.alert_id, None)
        else:
            self._open[transition.alert_id] = transition
        self._digest.add(transition)

    async def tell_messages(self) -> None:
        """Show messages one after the other, slowly enough to be read, for ever."""
        while True:
            transition = self._digest.take()
            if transition is None:
                await asyncio.sleep(0.05)
                continue
            await self._channel.send(render(Notification(route="default", transition=transition)))
            await asyncio.sleep(_READABLE)

    async def finish(self) -> None:
        """Say how much was not shown."""
        if self._digest.left_out:
            self.say(f"{self._digest.left_out} more messages are not shown here, because they came too fast to read")
