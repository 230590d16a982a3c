"""A live view fed by an invented camera, and a real browser where there is one."""

import asyncio
import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

PATIENCE = 30.0  # seconds; the machine may be busy with other work
BROWSERS = ('chromium-headless-shell', 'chrome-headless-shell', 'chromium', 'google-chrome',
            'chromium-browser')


def wait_for(condition, what):
    """Poll until `condition()` is true and return its value."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f'{what}: not within {PATIENCE:.0f} s')
        time.sleep(0.05)
    return value


@pytest.fixture(scope='session')
def scene():
    """scene(number): image, depth, points and colours."""
    return _scene


def _scene(number, height=90, width=160):
    """A picture that changes with its number, its depth (with a hole and a sky) and its cloud."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    image = np.stack([columns * 255 / width, rows * 255 / height,
                      np.full_like(rows, 40 * number % 256)], axis=-1).astype(np.uint8)
    depth = (6.0 - 5.0 * rows / height).astype(np.float32)
    depth[:10], depth[40:50, 20:40] = np.inf, np.nan
    there = np.isfinite(depth)
    x, y = ((columns - width / 2) / width)[there], ((rows - height / 2) / width)[there]
    points = np.stack([x, y, np.ones_like(x)], axis=-1) * depth[there][:, None]
    return image, depth, points, image[there]


@pytest.fixture
def view():
    """Start servers: view(...) gives a running ViewServer with `feed` and `telemetry`."""
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    from dvd_ros.view.feed import Feed
    from dvd_ros.view.packets import colour_table, packet
    from dvd_ros.view.server import ViewServer
    from dvd_ros.view.telemetry import Telemetry

    started = []

    def start(node='/depth_node', at=0, **options):
        feed = Feed({'frame': 50.0, 'cloud': 50.0, 'state': 50.0})
        telemetry = Telemetry(node)
        server = ViewServer(
            feed, lambda: packet({'kind': 'hello', 'colours': colour_table(),
                                  'state': telemetry.state(), 'samples': telemetry.samples()}),
            port=at, **options)
        server.start()
        server.feed, server.telemetry = feed, telemetry
        started.append(server)
        return server

    yield start
    for server in started:
        assert server.stop()


@pytest.fixture(scope='session')
def unpack():
    """unpack(data): the header and the parts of a packet."""
    return _unpack


def _unpack(data):
    size = int.from_bytes(data[:4], 'little')
    header, rest, parts = json.loads(data[4:4 + size]), data[4 + size:], []
    for length in header['parts']:
        parts.append(rest[:length])
        rest = rest[length:]
    assert rest == b''
    return header, parts


@pytest.fixture(scope='session')
def soon():
    """soon(condition, what): wait until a condition is true."""
    return wait_for


class Browser:
    """A page in a headless browser, driven through its debugging port."""

    def __init__(self, program, folder):
        self._process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-dev-shm-usage', '--no-first-run',
             '--remote-debugging-port=0', f'--user-data-dir={folder}', '--use-angle=swiftshader',
             '--enable-unsafe-swiftshader', '--window-size=1400,900', 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        port = Path(folder, 'DevToolsActivePort')
        wait_for(lambda: port.exists() and port.read_text().count('\n'), 'a browser')
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._count = 0
        self.errors = []
        self._do(self._connect(f'http://127.0.0.1:{port.read_text().split()[0]}'))

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _connect(self, url):
        import aiohttp

        self._session = aiohttp.ClientSession()
        async with self._session.get(f'{url}/json/list') as answer:
            pages = await answer.json()
        page = next(one for one in pages if one['type'] == 'page')
        self._socket = await self._session.ws_connect(page['webSocketDebuggerUrl'], max_msg_size=0)
        for domain in ('Page', 'Runtime', 'Log'):
            await self._ask(f'{domain}.enable')

    async def _ask(self, method, **parameters):
        self._count += 1
        await self._socket.send_json({'id': self._count, 'method': method, 'params': parameters})
        while True:
            answer = await self._socket.receive_json()
            if answer.get('id') == self._count:
                assert 'error' not in answer, answer
                return answer['result']
            if answer.get('method') == 'Runtime.exceptionThrown' or (
                    answer.get('method') == 'Log.entryAdded'
                    and answer['params']['entry']['level'] == 'error'):
                self.errors.append(answer['params'])

    def ask(self, method, **parameters):
        return self._do(self._ask(method, **parameters))

    def run(self, script):
        """The value of an expression of JavaScript."""
        answer = self.ask('Runtime.evaluate', expression=script, returnByValue=True,
                          awaitPromise=True)
        assert 'exceptionDetails' not in answer, answer
        return answer['result'].get('value')

    def open(self, url, width=1400, height=900):
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask('Page.navigate', url=url)

    def screenshot(self):
        """uint8 [H,W,3] RGB."""
        import cv2

        data = base64.b64decode(self.ask('Page.captureScreenshot', format='png')['data'])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    def close(self):
        async def leave():
            await self._socket.close()
            await self._session.close()

        try:
            self._do(leave())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            # The program may be a script that waits for the browser: the whole group has to go.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE)


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    """A headless browser; skips where there is none."""
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f'no browser here (one of {", ".join(BROWSERS)})')
    made = Browser(program, tmp_path_factory.mktemp('browser'))
    yield made
    made.close()


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


@pytest.fixture(scope='session')
def upgrade():
    """Headers that ask for a WebSocket."""
    return {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec_WebSocket_Version': '13',
            'Sec_WebSocket_Key': 'AAAAAAAAAAAAAAAAAAAAAA=='}
