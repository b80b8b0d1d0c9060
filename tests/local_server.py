"""A real HTTP server of a test, at an address of its own, that can be away and come back."""

from types import TracebackType
from typing import Self

from aiohttp import web

from streams.broker.ready import free_port


class LocalServer:
    """`async with`: it listens inside. `leave()` refuses connections, `come_back()` takes them again."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._runner: web.AppRunner | None = None

    def routes(self) -> list[web.RouteDef]:
        """What it answers, and by what."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.come_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the port and every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def come_back(self) -> None:
        """Listen at the same address as before."""
        app = web.Application()
        app.router.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        host, _, port = self.address.partition(":")
        await web.TCPSite(self._runner, host, int(port), reuse_address=True).start()
