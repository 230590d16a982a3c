"""One browser that looks on: at most one packet of each kind waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

# A browser that has not answered for so long is gone, seconds.
_PATIENCE = 20.0
# Nobody has to send anything; who sends more than this is shown out.
_MESSAGES = 16


class Client:
    """Sends packets to a WebSocket as fast as it takes them, and no faster.

    After each turn a ping is sent and its answer awaited: what a slow network has not yet
    delivered is never more than one turn, and a newer packet replaces the one that waits.

    Parameters
    ----------
    socket:
        the WebSocket, prepared with autoping off.
    free:
        called when packets that waited are on their way.

    """

    def __init__(self, socket: web.WebSocketResponse, free: Callable[[], None]) -> None:
        self._socket = socket
        self._free = free
        self._waiting: dict[str, bytes] = {}
        self._filled = asyncio.Event()
        self._answered = asyncio.Event()

    def wants(self, kind: str) -> bool:
        """Whether no packet of this kind waits."""
        return kind not in self._waiting

    def offer(self, kind: str, packet: bytes) -> None:
        """Let a packet wait in place of the one of its kind that waits."""
        self._waiting[kind] = packet
        self._filled.set()

    async def run(self) -> None:
        """Send until the browser goes, does not answer, or talks too much."""
        tasks = [asyncio.ensure_future(self._send()), asyncio.ensure_future(self._listen())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            packets, self._waiting = self._waiting, {}
            self._free()
            self._answered.clear()
            await asyncio.wait_for(self._push(list(packets.values())), _PATIENCE)

    async def _push(self, packets: list[bytes]) -> None:
        for packet in packets:
            await self._socket.send_bytes(packet)
        await self._socket.ping()
        await self._answered.wait()

    async def _listen(self) -> None:
        for _ in range(_MESSAGES):
            while True:
                message = await self._socket.receive()
                if message.type is not WSMsgType.PONG:
                    break
                self._answered.set()
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return  # closed, or larger than allowed
