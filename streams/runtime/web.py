"""The worker's own pages: metrics, liveness, readiness. No data of any account."""

import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from mode import Service
from prometheus_client.exposition import choose_encoder

from schemas.errors import StartError

if TYPE_CHECKING:
    from streams.runtime.application import App

log = logging.getLogger(__name__)

STUCK_SECONDS: Final = 60.0
"""Without progress of the fetch loop or of a task for so long, the worker is not alive."""

_LAST_ANSWERS: Final = 1.0
"""Seconds that answers have at the end: who does not take theirs must not keep the worker."""


class Web(Service):
    """Serves `/metrics`, `/healthz` and `/readyz`."""

    def __init__(self, app: "App", **options: Any) -> None:
        self.app = app
        self._runner: web.AppRunner | None = None
        super().__init__(**options)

    async def on_start(self) -> None:
        """Listen. Raises `StartError` when that is impossible: the port is taken, say."""
        pages = web.Application()
        pages.router.add_get("/metrics", self._metrics)
        pages.router.add_get("/healthz", self._healthz)
        pages.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(pages, access_log=None, shutdown_timeout=_LAST_ANSWERS)
        await self._runner.setup()
        settings = self.app.settings
        site = web.TCPSite(self._runner, settings.web_host, settings.web_port)
        try:
            await site.start()
        except OSError as error:
            place = f"SLACKWATER_WEB_HOST={settings.web_host}, SLACKWATER_WEB_PORT={settings.web_port}"
            raise StartError(f"{place}: {error.strerror or error}") from error
        host, port = self._runner.addresses[0][:2]
        log.info("metrics at http://%s:%d/metrics", host, port)

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (ValueError, TypeError):  # it asks for a version that is no number
            encode, content_type = choose_encoder("")
        return web.Response(body=encode(self.app.metrics.registry), headers={"Content-Type": content_type})

    async def _healthz(self, _: web.Request) -> web.Response:
        stuck = self.app.stuck(STUCK_SECONDS)
        return web.Response(status=503 if stuck else 200, text=f"{stuck or 'ok'}\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self.app.ready
        return web.Response(status=200 if ready else 503, text="ready\n" if ready else "not assigned or recovering\n")
