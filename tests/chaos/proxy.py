"""A network between the workers and the broker that can be made bad."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self

from streams.broker import KafkaBroker
from streams.broker.ready import free_port

_LISTENERS = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},PROXIED://127.0.0.1:{proxied_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxy_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
"""


class ProxiedKafka(KafkaBroker):
    """A Kafka with a second listener, whose clients are sent to a proxy. Who tells the end of a story does not go
    through it."""

    def __init__(self) -> None:
        super().__init__()
        self.proxy_port = self.proxied_port = 0

    def _more_properties(self, port: int, controller_port: int) -> str:
        self.proxy_port, self.proxied_port = free_port(), free_port()
        return _LISTENERS.format(
            port=port, controller_port=controller_port, proxied_port=self.proxied_port, proxy_port=self.proxy_port
        )


class Proxy:
    """`async with Proxy(broker, random) as proxy`: forwards what it is given, as well as it is told to."""

    def __init__(self, broker: ProxiedKafka, random: Random) -> None:
        self.address = f"127.0.0.1:{broker.proxy_port}"
        self.delay = 0.0
        """Every piece of data is held back for up to so many seconds."""
        self._broker = broker
        self._random = random
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.dropped = 0
        """Connections that were cut."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._broker.proxy_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._open.set()
        self._server.close()
        self.drop()

    def drop(self, share: float = 1.0) -> None:
        """Cut connections, each with this chance; half of a request may be through."""
        for writer in [each for each in self._writers if self._random.random() < share]:
            self.dropped += 1
            writer.transport.abort()

    def swallow(self) -> None:
        """From now on nothing arrives, and no connection is cut: a cable is pulled."""
        self._open.clear()

    def go_on(self) -> None:
        """What was held back arrives."""
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._broker.proxied_port)
        except OSError:
            writer.transport.abort()
            return
        ends: list[Callable[[], None]] = [writer.transport.abort, up_writer.transport.abort]
        self._writers |= {writer, up_writer}
        await asyncio.gather(self._pass_on(reader, up_writer, ends), self._pass_on(up_reader, writer, ends))
        self._writers -= {writer, up_writer}

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: list[Callable[[], None]]
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if self.delay:
                    await asyncio.sleep(self._random.uniform(0, self.delay))
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        for end in ends:
            end()
