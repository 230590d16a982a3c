"""Who may ask the live view for what: by method, Host and Origin; and the headers of all answers.

A page of somebody else, open in the same browser, must neither read the robot's camera nor show
this page in a frame. It can make requests to any address; its name can be made to lead here (DNS
rebinding), which Host betrays; it can open a WebSocket across origins, which Origin betrays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web

_HOST = re.compile(r'(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?', re.IGNORECASE)
_ALWAYS = ('localhost', '127.0.0.1', '::1')
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Refuses requests that are not for this server, and sets the headers of every answer.

    Parameters
    ----------
    names:
        host names and addresses, without a port, that browsers may call the server by, besides
        localhost, 127.0.0.1, [::1] and the address that the connection came in on (an address
        cannot be rebound).

    Raises
    ------
    ValueError
        a name that is none.

    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = set(_ALWAYS)
        for name in names:
            plain = name if name.startswith('[') or ':' not in name else f'[{name}]'
            found = _HOST.fullmatch(plain)
            if found is None or found['name'] != plain:
                raise ValueError(f'allow_host needs a host name or address without a port, '
                                 f'got {name!r}')
            self._names.add(_bare(plain))

    @web.middleware
    async def check(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer 405 to all but GET and HEAD, 421 to a foreign Host, 403 to a foreign Origin."""
        if request.method not in ('GET', 'HEAD'):
            raise web.HTTPMethodNotAllowed(request.method, ['GET', 'HEAD'])
        host = request.headers.get('Host', '')
        if not self._ours(host, request):
            raise web.HTTPMisdirectedRequest(
                text='This server is not called by that name. Start it with --allow-host NAME '
                     '(parameter allow_host) to reach it by a name of its machine.\n')
        origin = request.headers.get('Origin')
        if origin is not None and not _same(origin, host):
            raise web.HTTPForbidden(text='Other sites may not read this one.\n')
        return await handler(request)

    async def seal(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the headers of an answer: nothing foreign is loaded, framed, guessed or kept."""
        # Not every browser takes 'self' for WebSockets, too.
        host = request.headers.get('Host', '')
        socket = f' ws://{host}' if self._ours(host, request) else ''
        response.headers.update({
            'Content-Security-Policy':
                "default-src 'none'; script-src 'self'; style-src 'self'; "
                f"connect-src 'self'{socket}; img-src 'self'; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'",
            'X-Content-Type-Options': 'nosniff',
            'X-Frame-Options': 'DENY',
            'Referrer-Policy': 'no-referrer',
            'Cross-Origin-Opener-Policy': 'same-origin',
            'Cross-Origin-Resource-Policy': 'same-origin',
            'Cache-Control': 'no-store',
            'Server': 'dvd_ros',
        })

    def _ours(self, host: str, request: web.Request) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = _bare(found['name'])
        end = request.transport.get_extra_info('sockname') if request.transport else None
        return name in self._names or bool(end and name == str(end[0]).removeprefix('::ffff:'))


def _bare(name: str) -> str:
    return name.lower().strip('[]').removesuffix('.')


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ('http', 'https') and parts.netloc.lower() == host.lower()
