"""The view's server without ROS: what it serves, to whom, and what becomes of slow clients."""

import asyncio
import http.client
import json
import re
import socket
import threading

import pytest

PAGE = ('/', '/view.js', '/packets.js', '/depth.js', '/cloud.js', '/curves.js', '/details.js',
        '/view.css', '/icon.svg')


@pytest.fixture
def ask(view):
    """ask(path, method, host, **headers): an answer of a running server, its body in `text`."""
    server = view()

    def request(path='/', method='GET', host=None, **headers):
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader('Host', f'localhost:{server.port}' if host is None else host)
        for name, value in headers.items():
            connection.putheader(name.replace('_', '-'), value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    request.server = server
    return request


UPGRADE = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec_WebSocket_Version': '13',
           'Sec_WebSocket_Key': 'AAAAAAAAAAAAAAAAAAAAAA=='}

# As they are on the wire: without content; of a client, which has to mask, with a mask of zeros.
PING, PONG = b'\x89\x00', b'\x8a\x80\0\0\0\0'


def check_sealed(answer):
    policy = dict(entry.split(' ', 1) for entry in
                  answer.getheader('Content-Security-Policy').split('; '))
    assert policy['default-src'] == "'none'"
    assert policy['script-src'] == policy['style-src'] == "'self'"
    assert policy['frame-ancestors'] == policy['base-uri'] == policy['form-action'] == "'none'"
    assert 'unsafe' not in answer.getheader('Content-Security-Policy')
    assert answer.getheader('X-Content-Type-Options') == 'nosniff'
    assert answer.getheader('X-Frame-Options') == 'DENY'
    assert answer.getheader('Cache-Control') == 'no-store'
    assert answer.getheader('Access-Control-Allow-Origin') is None
    assert 'aiohttp' not in answer.getheader('Server')


@pytest.mark.parametrize('path', PAGE)
def test_the_page_is_served_and_loads_nothing_from_elsewhere(ask, path):
    answer = ask(path)
    assert answer.status == 200
    check_sealed(answer)
    kind = {'js': 'text/javascript', 'css': 'text/css', 'svg': 'image/svg+xml'}
    assert answer.getheader('Content-Type').startswith(kind.get(path.split('.')[-1], 'text/html'))
    assert 'http' not in answer.text.replace('http://www.w3.org/2000/svg', '') \
        .replace("'https:'", '')
    # Nothing that would make markup of a text.
    for danger in ('innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval('):
        assert danger not in answer.text
    head = ask(path, 'HEAD')
    assert (head.status, head.text) == (200, '')


@pytest.mark.parametrize('method', ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'LOCK'])
@pytest.mark.parametrize('path', ['/', '/live', '/nothing'])
def test_nothing_can_be_written(ask, method, path):
    answer = ask(path, method)
    assert answer.status == 405
    assert answer.getheader('Allow') == 'GET,HEAD'
    check_sealed(answer)


@pytest.mark.parametrize('path', [
    '/server.py', '/../server.py', '/page/../../__init__.py', '/%2e%2e/server.py', '//etc/passwd',
    '/..%2fserver.py', '/..%5cserver.py', '/view.js/../../guard.py', '/page/view.js',
    '/index.html', '/view.js%00', '/.', '/../../../../../../etc/passwd',
])
def test_no_path_leads_out_of_the_page(ask, path):
    answer = ask(path)
    assert answer.status in (400, 404)
    assert 'import' not in answer.text
    assert 'root:' not in answer.text


@pytest.mark.parametrize('host', ['localhost', 'LocalHost:80', '127.0.0.1', '127.0.0.1:9000',
                                  '[::1]:8642', 'localhost.', 'Robot.Local', '10.1.2.3:8642',
                                  '[fd00::7]:1'])
def test_own_names_are_answered(view, ask, host):
    from dvd_ros.view.guard import Guard

    ask.server = view(guard=Guard(['robot.local', '10.1.2.3', 'fd00::7']))
    connection = http.client.HTTPConnection('127.0.0.1', ask.server.port, timeout=20)
    connection.request('GET', '/', headers={'Host': host})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize('host', [
    'evil.example', 'evil.example:8642', 'localhost.evil.example', '127.0.0.1.evil.example', '',
    'localhost@evil.example', 'localhost:80:80', 'robot.local', '169.254.1.1', '[::2]',
    'localhost; script-src *', '127.0.0.2',
])
@pytest.mark.parametrize('path', ['/', '/live'])
def test_foreign_names_are_refused(ask, host, path):
    answer = ask(path, host=host, **(UPGRADE if path == '/live' else {}))
    assert answer.status in (400, 421)
    if answer.status == 421:
        check_sealed(answer)
        assert 'ws://' not in answer.getheader('Content-Security-Policy')


def test_the_address_that_was_connected_to_is_an_own_name(view):
    """On all addresses a robot is reached by its own, which no other site can take."""
    server = view(host='0.0.0.0')
    for host, status in (('127.0.0.2', 200), ('127.0.0.3', 421)):
        connection = http.client.HTTPConnection('127.0.0.2', server.port, timeout=20)
        connection.request('GET', '/', headers={'Host': f'{host}:{server.port}'})
        assert connection.getresponse().status == status
        connection.close()


@pytest.mark.parametrize('origin', ['http://evil.example', 'null', 'http://localhost', 'file://',
                                    'http://localhost:1', 'ftp://localhost:{port}', 'http://[',
                                    'http://x@localhost:{port}'])
def test_a_foreign_origin_gets_no_socket(ask, origin):
    answer = ask('/live', Origin=origin.format(port=ask.server.port), **UPGRADE)
    assert answer.status == 403
    assert ask.server.feed.watchers == 0
    check_sealed(answer)


def test_the_own_origin_gets_a_socket(ask, soon):
    answer = ask('/live', Origin=f'http://localhost:{ask.server.port}', **UPGRADE)
    assert answer.status == 101
    soon(lambda: ask.server.feed.watchers == 0, 'the end of the socket')


@pytest.mark.parametrize('name', ['', 'a b', 'http://robot', 'robot:8642', 'a/b', "x'; *"])
def test_an_allowed_name_must_be_one(name):
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    from dvd_ros.view.guard import Guard

    with pytest.raises(ValueError, match='host name'):
        Guard([name])


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


def test_a_slow_viewer_gets_fewer_and_newest_and_holds_nobody_up(view, look, unpack, soon):
    """One does not read at all, of frames of 1 MB; another gets all of them."""
    server = view()
    slow = socket.create_connection(('127.0.0.1', server.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    slow.sendall((f'GET /live HTTP/1.1\r\nHost: localhost:{server.port}\r\n' + ''.join(
        f'{name.replace("_", "-")}: {value}\r\n' for name, value in UPGRADE.items())
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


def test_no_more_viewers_than_allowed(view, look, ask, soon):
    server = ask.server = view(clients=2)
    viewers = [look(server), look(server)]
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=20)
    connection.request('GET', '/live',
                       headers={name.replace('_', '-'): value for name, value in UPGRADE.items()})
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
