"""The web server of the live view, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from aiohttp import web

from dvd_ros.view.client import Client
from dvd_ros.view.feed import Feed
from dvd_ros.view.guard import Guard

_PAGE = Path(__file__).with_name('page')
_TYPES = {'.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript',
          '.svg': 'image/svg+xml'}
# Of a message, and of a request; browsers send none of either.
_LARGEST = 1024
# Of each browser, and of one more: they open several for the files of a page.
_CONNECTIONS = 8
# New connections that are taken in one go, before they are counted.
_AT_ONCE = 16
# How long connections may take to end with the server, seconds.
_FAREWELL = 2.0
_log = logging.getLogger(__name__)


class ViewServer:
    """Serves the page, and pushes a feed's newest packets to all who look on.

    Only `/`, the files of the page, and `/live` (the WebSocket) are there. While nobody looks on
    nothing is encoded, and `feed.watchers` is 0.

    Parameters
    ----------
    feed:
        what is shown.
    greet:
        makes the first packet of each browser; called in the server's thread.
    host, port:
        where to listen; port 0 takes a free one, see `port`.
    guard:
        who may ask.
    clients:
        browsers at a time, at most; more are answered 503.

    """

    def __init__(self, feed: Feed, greet: Callable[[], bytes], host: str = '127.0.0.1',
                 port: int = 8642, guard: Guard | None = None, clients: int = 8) -> None:
        self.host, self.port = host, port
        self._feed, self._greet = feed, greet
        self._guard = guard or Guard()
        self._most = clients
        self._clients: list[Client] = []
        self._sockets: set[web.WebSocketResponse] = set()
        self._last: dict[str, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._changed: dict[str, asyncio.Event] = {}
        self._end: asyncio.Event
        self._ready = Event()
        self._trouble: BaseException | None = None
        self._thread = Thread(target=self._run, name='view', daemon=True)

    @property
    def url(self) -> str:
        """The page's address, as a browser on this machine opens it."""
        host = {'0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1'}.get(self.host, self.host)
        return f'http://{f"[{host}]" if ":" in host else host}:{self.port}/'

    def start(self) -> None:
        """Listen; OSError where the address cannot be had."""
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            self._thread.join()
            raise OSError(f'cannot listen on {self.host} port {self.port}: {self._trouble}; '
                          'choose another with host and port') from self._trouble

    def stop(self) -> bool:
        """Send all browsers away and end the thread; whether it ended."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: self._end.set())
            self._thread.join(5.0)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 (told by start)
            if self._ready.is_set():
                raise
            self._trouble = error
        finally:
            self._feed.told = lambda kind: None
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        self._changed = {kind: asyncio.Event() for kind in self._feed.periods}
        app = web.Application(middlewares=[self._guard.check], client_max_size=_LARGEST)
        app.on_response_prepare.append(self._guard.seal)
        for file in sorted(_PAGE.iterdir()):
            if file.suffix in _TYPES:
                path = '/' if file.name == 'index.html' else f'/{file.name}'
                app.router.add_get(path, _answer(file.read_bytes(), _TYPES[file.suffix]))
        app.router.add_get('/live', self._live, allow_head=False)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        pool = ThreadPoolExecutor(1, 'view-encoder')
        tasks = []
        listener = None
        try:
            listener = await self._loop.create_server(
                lambda: self._accept(runner), self.host or None, self.port, reuse_address=True,
                backlog=_AT_ONCE)
            self.port = listener.sockets[0].getsockname()[1]
            self._feed.told = self._told
            tasks = [asyncio.ensure_future(self._broadcast(kind, pool)) for kind in self._changed]
            self._ready.set()
            await self._end.wait()
        finally:
            if listener is not None:
                listener.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for socket in list(self._sockets):
                await socket.close(code=1001, message=b'the view ends')
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(runner.cleanup(), _FAREWELL)
            pool.shutdown()

    def _accept(self, runner: web.AppRunner) -> asyncio.BaseProtocol:
        """What answers a new connection: nothing where there are too many, which aiohttp keeps."""
        server = runner.server
        assert server is not None  # it is set up
        if len(server.connections) >= _CONNECTIONS * (self._most + 1):
            return _Refusal()
        return server()

    def _told(self, kind: str) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed[kind].set)
        except RuntimeError:
            pass  # the loop has just been closed

    async def _broadcast(self, kind: str, pool: ThreadPoolExecutor) -> None:
        """Encode the newest of a kind once for all, whenever one of them is ready to take it."""
        changed, done = self._changed[kind], 0
        while True:
            await changed.wait()
            changed.clear()
            newest = self._feed.newest(kind)
            if newest is None or newest.number == done:
                continue
            if not any(client.wants(kind) for client in self._clients):
                continue  # whoever becomes free sets `changed`
            done = newest.number
            try:
                packet = await self._loop.run_in_executor(pool, newest.encode)
            except Exception:
                _log.exception('cannot show a %s', kind)
                continue
            if self._clients:
                self._last[kind] = packet
            for client in self._clients:
                client.offer(kind, packet)
            await asyncio.sleep(self._feed.periods[kind])

    def _anything(self) -> None:
        for changed in self._changed.values():
            changed.set()

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if len(self._clients) >= self._most:
            raise web.HTTPServiceUnavailable(
                text=f'{self._most} browsers look on already (parameter clients).\n')
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_LARGEST,
                                       timeout=1.0)
        client = Client(socket, self._anything)
        self._clients.append(client)  # before the first await: more must not slip in
        self._feed.watchers = len(self._clients)
        try:
            await socket.prepare(request)
            self._sockets.add(socket)
            client.offer('hello', self._greet())
            for kind, packet in self._last.items():
                client.offer(kind, packet)
            self._anything()
            await client.run()
        finally:
            self._clients.remove(client)
            self._sockets.discard(socket)
            self._feed.watchers = len(self._clients)
            if not self._clients:
                self._last.clear()
                self._feed.clear()
            if request.transport is not None and not socket.closed:
                # One that does not read would not read a farewell either.
                request.transport.abort()
        return socket


class _Refusal(asyncio.Protocol):
    """Ends a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _answer(body: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:  # noqa: ARG001
        return web.Response(body=body, content_type=kind, charset='utf-8')
    return answer
