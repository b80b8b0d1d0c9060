"""Whether the brokers can be reached from here: each address of the settings, and then each that the brokers name
themselves, which is where a client goes on to.

Asked connection by connection: a client says no more than that none of them would do.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from streams.cli.checks.finding import Finding, Findings
from streams.runtime.connecting import Address, Trouble, addresses, ask
from streams.runtime.settings import Settings

_SAY: Final = Findings("broker")
_MOST: Final = 30
"""Brokers that are asked: those of a large cluster are as good as each other."""


async def look(settings: Settings, patience: float) -> tuple[list[Finding], bool]:
    """What there is to say, and whether anybody answered. `patience`: seconds for each address; all are asked at once.

    Raises SettingsError when a certificate or key file cannot be used.
    """
    answers = await _ask_all(settings, addresses(settings), patience)
    named = {broker for each in answers.values() if not isinstance(each, Trouble) for broker in each}
    answered = [each for each, answer in answers.items() if not isinstance(answer, Trouble)]
    if not answered:
        troubles = ((each, answer) for each, answer in answers.items() if isinstance(answer, Trouble))
        return [_SAY.failure(why.text, why.remedy, _shown(each)) for each, why in troubles], False
    found = [_SAY.ok("answers", _shown(each)) for each in answered]
    found += [
        _SAY.warning(each.text, f"{each.remedy}; others answer, so that a worker starts", _shown(address))
        for address, each in answers.items()
        if isinstance(each, Trouble)
    ]
    further = await _ask_all(settings, sorted(named - set(answers))[:_MOST], patience)
    found += [
        _SAY.failure(
            f"the brokers name this address as one of theirs, and {each.text}",
            "set the broker's advertised.listeners to an address that this machine reaches",
            _shown(address),
        )
        for address, each in further.items()
        if isinstance(each, Trouble)
    ]
    return found, True


async def _ask_all(
    settings: Settings, those: Iterable[Address], patience: float
) -> dict[Address, Trouble | list[Address]]:
    asked = list(dict.fromkeys(those))
    answers = await asyncio.gather(*(ask(settings, each, patience) for each in asked))
    return dict(zip(asked, answers, strict=True))


def _shown(address: Address) -> str:
    host, port = address
    return f"{host}:{port}"
