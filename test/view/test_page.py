"""The page in a real browser: what arrives is drawn, and what is text stays text."""

from pathlib import Path

import cv2
import numpy as np
import pytest

MALICE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
OUT = Path(__file__).resolve().parents[2] / 'out' / 'view'


@pytest.fixture
def shown(view, browser, scene, soon):
    """A server whose pictures, cloud and state a browser has shown; told texts are malicious."""
    from dvd_ros.view.packets import cloud_packet, frame_packet, packet
    from dvd_ros.view.telemetry import Status

    server = view(node=f'/{MALICE}')
    server.image, server.depth, points, colours = scene(1)
    telemetry = server.telemetry
    for rate in (20, 25, 30):
        telemetry.align(scale=1.0 + rate / 100, window=3, segment=0, frames=13, new_frames=4,
                        correlation=float('nan'))
        telemetry.scale([{'name': MALICE, 'used': True, 'status': MALICE}], scale=0.5,
                        relative_sigma=0.02, metric=False, nominal=True, reason=MALICE)
        telemetry.camera(MALICE, width=160, height=90, fx=160.0, fy=160.0, cx=80.0, cy=45.0)
        telemetry.hear([Status('depth', 'WARN', MALICE, {'rate_in': str(rate), MALICE: MALICE}),
                        Status(MALICE, 'OK', 'fine', {})])
    head = {'frame_id': MALICE, 'stamp': 1.0, 'age': 0.2, 'width': 160, 'height': 90}
    browser.errors.clear()
    browser.open(server.url)
    soon(lambda: server.feed.watchers == 1, 'the browser')
    server.feed.put('frame', lambda: frame_packet(server.image, server.depth, head))
    server.feed.put('cloud', lambda: cloud_packet(points, colours, {'frame_id': MALICE}))
    state, samples = telemetry.state(), telemetry.samples()
    server.feed.put('state', lambda: packet({'kind': 'state', 'state': state, 'samples': samples}))
    soon(lambda: browser.run('Object.values(window.shown ?? {}).every(Boolean) '
                             '&& Object.keys(window.shown).length === 4'), 'all to be shown')
    return server


def part(browser, name):
    """The pixels of an element on the screen."""
    left, top, right, bottom = browser.run(
        f'(b => [b.left, b.top, b.right, b.bottom])'
        f'(document.getElementById({name!r}).getBoundingClientRect())')
    return browser.screenshot()[round(top) + 1:round(bottom) - 1, round(left) + 1:round(right) - 1]


def test_pictures_cloud_and_state_are_on_the_screen(shown, browser, soon):
    OUT.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(OUT / 'laptop.png'), browser.screenshot()[..., ::-1])

    image = part(browser, 'image')
    expected = cv2.resize(shown.image, image.shape[1::-1])
    assert np.abs(image.astype(float) - expected).mean() < 6.0

    depth = part(browser, 'depth').reshape(-1, 3)
    assert len(np.unique(depth // 16, axis=0)) > 50, 'a coloured ramp'

    # Points are coloured; the ground is nearly black.
    soon(lambda: (part(browser, 'cloud').max(axis=-1) > 60).mean() > 0.1, 'a cloud on the screen')
    before = part(browser, 'cloud').astype(float)
    browser.ask('Input.dispatchMouseEvent', type='mousePressed', x=1200, y=250, button='left',
                buttons=1, clickCount=1)
    browser.ask('Input.dispatchMouseEvent', type='mouseMoved', x=1120, y=250, button='left',
                buttons=1)
    browser.ask('Input.dispatchMouseEvent', type='mouseReleased', x=1120, y=250, button='left')
    soon(lambda: np.abs(part(browser, 'cloud') - before).mean() > 5.0, 'the cloud to turn')
    assert browser.errors == []


def test_the_depth_under_the_mouse_is_told_in_metres(shown, browser):
    left, top, width, height = browser.run(
        '(b => [b.left, b.top, b.width, b.height])'
        "(document.getElementById('depth').getBoundingClientRect())")

    def reading(row, column):
        browser.ask('Input.dispatchMouseEvent', type='mouseMoved',
                    x=left + (column + 0.5) * width / 160, y=top + (row + 0.5) * height / 90)
        return browser.run("document.getElementById('reading').textContent")

    words = reading(70, 100).split()
    assert words[1:] == ['m', 'nominal']
    assert float(words[0]) == pytest.approx(shown.depth[70, 100], rel=1e-3)
    assert reading(3, 100) == 'too far'
    assert reading(45, 30) == 'no depth'


def test_text_from_the_network_is_text(shown, browser):
    text = browser.run('document.body.textContent')
    for place in ('node', 'message', 'image-note', 'cloud-note', 'details'):
        assert MALICE in browser.run(f'document.getElementById({place!r}).textContent'), place
    assert text.count(MALICE) > 8
    assert browser.run('window.broken') is None
    assert browser.run("document.querySelectorAll('img[onerror], body script').length") == 0
    # And were it markup, the browser would not run it.
    browser.run("document.body.insertAdjacentHTML('beforeend', "
                "'<img id=probe src=/nothing onerror=\"window.broken=1\">')")
    browser.run('new Promise(done => setTimeout(done, 200))')
    assert browser.run('window.broken') is None
    browser.errors.clear()


def test_it_fits_a_phone(shown, browser):
    browser.open(shown.url, 390, 844)
    browser.run('new Promise(done => setTimeout(done, 500))')
    cv2.imwrite(str(OUT / 'phone.png'), browser.screenshot()[..., ::-1])
    assert browser.run('document.documentElement.scrollWidth') <= 390
    order = browser.run("['image', 'depth', 'cloud', 'curves'].map(id => "
                        'document.getElementById(id).getBoundingClientRect().top)')
    assert order == sorted(set(order)), 'one column'


def test_the_page_comes_back_to_a_server_that_comes_back(view, browser, soon):
    first = view()
    browser.open(first.url)
    soon(lambda: first.feed.watchers == 1, 'the browser')
    assert first.stop()
    soon(lambda: browser.run("document.getElementById('level').textContent") == 'OFFLINE',
         'the page to notice')
    again = view(at=first.port)
    soon(lambda: again.feed.watchers == 1, 'the browser again')
    soon(lambda: browser.run("document.getElementById('level').textContent") == 'SILENT',
         'the state of the new one')
