"""To whom the view's server answers, and that nothing can be written or loaded from elsewhere."""

import http.client

import pytest

PAGE = ('/', '/view.js', '/packets.js', '/depth.js', '/cloud.js', '/curves.js', '/details.js',
        '/view.css', '/icon.svg')


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
def test_foreign_names_are_refused(ask, host, path, upgrade):
    answer = ask(path, host=host, **(upgrade if path == '/live' else {}))
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
def test_a_foreign_origin_gets_no_socket(ask, origin, upgrade):
    answer = ask('/live', Origin=origin.format(port=ask.server.port), **upgrade)
    assert answer.status == 403
    assert ask.server.feed.watchers == 0
    check_sealed(answer)


def test_the_own_origin_gets_a_socket(ask, soon, upgrade):
    answer = ask('/live', Origin=f'http://localhost:{ask.server.port}', **upgrade)
    assert answer.status == 101
    soon(lambda: ask.server.feed.watchers == 0, 'the end of the socket')


@pytest.mark.parametrize('name', ['', 'a b', 'http://robot', 'robot:8642', 'a/b', "x'; *"])
def test_an_allowed_name_must_be_one(name):
    pytest.importorskip('aiohttp', reason='aiohttp is not installed here')
    from dvd_ros.view.guard import Guard

    with pytest.raises(ValueError, match='host name'):
        Guard([name])
