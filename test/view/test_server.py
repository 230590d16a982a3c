"""What becomes of slow, silent and talkative clients of the view's server."""

import asyncio
import http.client
import json
import re
import socket
import threading

import pytest

# As they are on the wire: without content; of a client, which has to mask, with a mask of zeros.
PING, PONG = b'\x89\x00', b'\x8a\x80\0\0\0\0'


class Viewer:
    """A WebSocket client in a loop of its own; `take()` is the next packet's header and parts."""

    def __init__(self, server, unpack, **options):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._unpack = unpack

        async def connect():
            import aiohttp

            self._session = aiohttp.ClientSession()
            return await self._session.ws_connect(f'{server.url}live', max_msg_size=0, **options)

        self.socket = self.do(connect())

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def take(self):
        return self._unpack(self.do(self.socket.receive_bytes()))

    def close(self):
        async def leave():
            await self.socket.close()
            await self._session.close()

        if not self._thread.is_alive():
            return  # already closed, by the test
        self.do(leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@pytest.fixture
def look(unpack):
    """look(server): a Viewer."""
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    made = []

    def start(server, **options):
        made.append(Viewer(server, unpack, **options))
        return made[-1]

    yield start
    for viewer in made:
        viewer.close()


def packet(**header):
    from dvd_ros.view.packets import packet

    return packet(header)


def test_the_newest_is_sent_once_and_encoded_once(view, look):
    server = view()
    viewers = [look(server), look(server)]
    encoded = []

    def encode(number):
        encoded.append(number)
        return packet(kind='frame', number=number)

    for viewer in viewers:
        assert viewer.take()[0]['kind'] == 'hello'
    for number in range(3):
        server.feed.put('frame', lambda number=number: encode(number))
        for viewer in viewers:
            assert viewer.take()[0]['number'] == number
    assert encoded == [0, 1, 2]
    late = look(server)
    assert [late.take()[0]['kind'], late.take()[0]['number']] == ['hello', 2]


def test_nothing_is_encoded_while_nobody_looks_and_nothing_old_is_shown(view, look, soon):
    server = view()
    encoded = []

    def put(number):
        def encode():
            encoded.append(number)
            return packet(kind='frame', number=number)

        server.feed.put('frame', encode)

    put(0)
    viewer = look(server)
    assert viewer.take()[0]['kind'] == 'hello'
    put(1)
    assert viewer.take()[0]['number'] == 1
    viewer.close()
    soon(lambda: server.feed.watchers == 0, 'the viewer to be gone')
    put(2)
    again = look(server)
    assert again.take()[0]['kind'] == 'hello'
    put(3)
    assert again.take()[0]['number'] == 3
    assert encoded == [1, 3]


def test_a_slow_viewer_gets_fewer_and_newest_and_holds_nobody_up(view, look, unpack, soon,
                                                                 upgrade):
    """One does not read at all, of frames of 1 MB; another gets all of them."""
    server = view()
    slow = socket.create_connection(('127.0.0.1', server.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    slow.sendall((f'GET /live HTTP/1.1\r\nHost: localhost:{server.port}\r\n' + ''.join(
        f'{name.replace("_", "-")}: {value}\r\n' for name, value in upgrade.items())
        + '\r\n').encode())
    slow.settimeout(20)
    received = b''
    while b'"hello"' not in received:
        received += slow.recv(1 << 16)
    slow.sendall(PONG)
    quick = look(server)
    quick.take()
    count, body = 60, bytes(1_000_000)

    def encode(number):
        from dvd_ros.view.packets import packet
        return packet({'kind': 'frame', 'number': number}, body)

    for number in range(count):
        server.feed.put('frame', lambda number=number: encode(number))
        assert quick.take()[0]['number'] == number
    # All that is kept for the slow one: one packet on its way, one that waits.
    waiting = server._clients[0]._waiting
    assert [unpack(data)[0]['number'] for data in waiting.values()] == [count - 1]
    # Once it reads, and its browser answers the ping, it gets the newest, and no other.
    while f'"number": {count - 1}'.encode() not in received:
        received += slow.recv(1 << 20)
        if received.endswith(PING):
            slow.sendall(PONG)
    numbers = [int(number) for number in re.findall(rb'"number": (\d+)', received)]
    assert len(numbers) == 2
    assert numbers[1] == count - 1
    slow.close()
    soon(lambda: server.feed.watchers == 1, 'the slow one to be gone')


def test_no_more_viewers_than_allowed(view, look, ask, soon, upgrade):
    server = ask.server = view(clients=2)
    viewers = [look(server), look(server)]
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)
    connection.request('GET', '/live',
                       headers={name.replace('_', '-'): value for name, value in upgrade.items()})
    assert connection.getresponse().status == 503
    connection.close()
    viewers[0].close()
    soon(lambda: server.feed.watchers == 1, 'a free place')
    assert look(server).take()[0]['kind'] == 'hello'


def test_connections_that_ask_nothing_are_bounded(view, ask, soon):
    ask.server = view(clients=1)
    idle = [socket.create_connection(('127.0.0.1', ask.server.port)) for _ in range(48)]

    def ended(connection):
        connection.setblocking(False)
        try:
            return connection.recv(1) == b''
        except BlockingIOError:
            return False

    soon(lambda: sum(map(ended, idle)) >= 8, 'the refusal of some')
    assert not ended(idle[0])
    for connection in idle:
        connection.close()

    def answered():
        try:
            return ask('/').status == 200
        except OSError:
            return False

    soon(answered, 'an answer once they are gone')


def test_a_viewer_that_sends_is_ignored_or_shown_out(view, look, soon):
    from aiohttp import WSMsgType

    server = view()
    viewer = look(server)
    viewer.take()
    viewer.do(viewer.socket.send_str('{"kind": "state"}'))
    server.feed.put('frame', lambda: packet(kind='frame'))
    assert viewer.take()[0] == {'kind': 'frame', 'parts': []}
    viewer.do(viewer.socket.send_bytes(bytes(2000)))

    async def ending():
        try:
            return (await viewer.socket.receive()).type
        except ConnectionError:  # while the client answers a ping
            return WSMsgType.CLOSED

    assert viewer.do(ending()) in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)
    talker = look(server)
    soon(lambda: server.feed.watchers == 1, 'the first to be gone')
    talker.take()

    async def talk():
        for _ in range(100):
            await talker.socket.send_str('x')

    try:
        talker.do(talk())
    except ConnectionError:
        pass
    soon(lambda: server.feed.watchers == 0, 'the talker to be gone')


def test_what_cannot_be_encoded_stops_nothing(view, look, caplog):
    server = view()
    viewer = look(server)
    viewer.take()
    done = threading.Event()

    def broken():
        done.set()
        raise ValueError('no picture')

    server.feed.put('frame', broken)
    assert done.wait(20)
    server.feed.put('frame', lambda: packet(kind='frame', number=5))
    assert viewer.take()[0]['number'] == 5
    assert 'no picture' in caplog.text


def test_a_taken_port_is_told(view):
    from dvd_ros.view.server import ViewServer

    server = view()
    second = ViewServer(server.feed, bytes, port=server.port)
    with pytest.raises(OSError, match=f'port {server.port}.*choose another'):
        second.start()


def test_numbers_that_json_lacks_are_null(unpack):
    from dvd_ros.view.packets import packet

    header, parts = unpack(packet({'a': float('nan'), 'b': [float('inf'), 1.5], 'c': {'d': 2}},
                                  b'xy'))
    assert header == {'a': None, 'b': [None, 1.5], 'c': {'d': 2}, 'parts': [2]}
    assert parts == [b'xy']
    assert json.loads(json.dumps(header)) == header
