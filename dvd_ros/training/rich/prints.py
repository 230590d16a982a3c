"""What is printed, shown or stacked: posters, pages, screens, book spines, signs, facades."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.training.rich.surfaces import MAKERS, Maker, Surface, grid, pack, shade
from dvd_ros.training.textures import LEVEL_START, TEXTURE_SIZE, fractal_noise, mix, random_colour

_S = TEXTURE_SIZE
VARIANTS = 12


def _canvas(colour: np.ndarray) -> np.ndarray:
    canvas = np.empty((_S, _S, 3), np.float32)
    canvas[:] = colour
    return canvas


def _ink(colour: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in colour)


def _lines(rng: np.random.Generator, canvas: np.ndarray, box: tuple[int, int, int, int],
           colour: np.ndarray, tall: int) -> None:
    """Lines of words: short bars with gaps, as print looks from afar."""
    left, top, right, bottom = box
    for y in range(top, bottom - tall, max(tall * 2, 3)):
        x, end = left, left + int((right - left) * rng.uniform(0.6, 1.0))
        while x < end:
            word = int(rng.integers(2, 8)) * max(tall // 2, 1)
            cv2.rectangle(canvas, (x, y), (min(x + word, end), y + tall - 1), _ink(colour), -1)
            x += word + max(tall // 2, 2)


def _photo(rng: np.random.Generator) -> np.ndarray:
    """A picture of no known thing: a horizon, soft masses, a few solid shapes."""
    rgb = mix(fractal_noise(rng, 2.2), random_colour(rng), random_colour(rng))
    rgb = mix((fractal_noise(rng, 2.0) > rng.uniform(0.3, 0.7)) * 0.8, random_colour(rng), rgb)
    y, _ = grid()
    rgb = np.ascontiguousarray(mix((y > rng.uniform(0.3, 0.8)) * rng.uniform(0, 0.8),
                                   random_colour(rng), rgb), np.float32)
    for _ in range(int(rng.integers(0, 8))):
        centre = (int(rng.integers(_S)), int(rng.integers(_S)))
        axes = (int(rng.integers(8, 60)), int(rng.integers(8, 60)))
        cv2.ellipse(rgb, centre, axes, float(rng.uniform(0, 180)), 0, 360,
                    _ink(random_colour(rng)), -1)
    rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.5, 2.5))
    return rgb * (0.75 + 0.35 * fractal_noise(rng, 1.2)[..., None])


def _picture(rng: np.random.Generator) -> Surface:
    rgb = np.ascontiguousarray(_photo(rng), np.float32)
    if rng.random() < 0.5:
        rim = int(rng.integers(6, 40))
        framed = _canvas(np.ones(3) * rng.uniform(0.75, 1))
        framed[rim:-rim, rim:-rim] = cv2.resize(rgb, (_S - 2 * rim, _S - 2 * rim))
        rgb = framed
    return rgb, np.zeros((_S, _S))


def _poster(rng: np.random.Generator) -> Surface:
    canvas = _canvas(random_colour(rng) if rng.random() < 0.6 else np.ones(3) * 0.93)
    if rng.random() < 0.7:
        top = int(rng.integers(10, 120))
        tall = int(rng.integers(60, 130))
        canvas[top:top + tall, 14:-14] = cv2.resize(_photo(rng).astype(np.float32), (_S - 28, tall))
    ink = random_colour(rng) * rng.choice([0.3, 1.0])
    start = int(rng.integers(8, 40))
    _lines(rng, canvas, (16, start, 240, start + 30), ink, int(rng.integers(8, 20)))
    _lines(rng, canvas, (16, int(rng.integers(130, 200)), 240, 246), ink * 0.5, 4)
    return canvas, np.zeros((_S, _S))


def _page(rng: np.random.Generator) -> Surface:
    canvas = _canvas(np.ones(3) * rng.uniform(0.85, 0.98))
    _lines(rng, canvas, (20, 18, 236, 50), np.ones(3) * 0.15, 9)
    _lines(rng, canvas, (20, 60, 236, 240), np.ones(3) * 0.3, int(rng.integers(2, 5)))
    if rng.random() < 0.4:
        canvas[120:200, 40:216] = cv2.resize(_photo(rng).astype(np.float32), (176, 80))
    return canvas, np.zeros((_S, _S))


def _screen(rng: np.random.Generator) -> Surface:
    if rng.random() < 0.4:
        return _photo(rng), np.zeros((_S, _S))
    dark = rng.random() < 0.4
    canvas = _canvas(random_colour(rng) * 0.4 if dark else np.array([0.3, 0.5, 0.8]))
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(0, 120)), int(rng.integers(0, 110))
        w, h = int(rng.integers(80, 136)), int(rng.integers(60, 140))
        ground = np.ones(3) * (0.12 if dark else 0.95)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), _ink(ground), -1)
        cv2.rectangle(canvas, (x, y), (x + w, y + 8), _ink(random_colour(rng)), -1)
        _lines(rng, canvas, (x + 5, y + 14, x + w - 5, y + h - 4),
               random_colour(rng) if dark else np.ones(3) * 0.3, 3)
    return canvas, np.zeros((_S, _S))


def _books(rng: np.random.Generator) -> Surface:
    """Backs of books side by side."""
    canvas, height = _canvas(np.ones(3) * 0.06), np.zeros((_S, _S), np.float32)
    x = 0
    while x < _S:
        wide, top = int(rng.integers(7, 26)), int(rng.integers(0, 60))
        colour = random_colour(rng) * rng.uniform(0.5, 1.0)
        cv2.rectangle(canvas, (x, top), (x + wide - 2, _S), _ink(colour), -1)
        cv2.rectangle(height, (x + 1, top), (x + wide - 3, _S), float(rng.uniform(0.5, 1.0)), -1)
        if wide > 9:
            _lines(rng, canvas, (x + 3, top + 20, x + wide - 4, top + int(rng.integers(40, 120))),
                   random_colour(rng), 3)
        x += wide
    return canvas, height


def _label(rng: np.random.Generator) -> Surface:
    """The wrapping of packets, tins, bottles."""
    canvas = _canvas(random_colour(rng))
    for _ in range(int(rng.integers(1, 4))):
        y = int(rng.integers(0, 200))
        cv2.rectangle(canvas, (0, y), (_S, y + int(rng.integers(10, 90))),
                      _ink(random_colour(rng)), -1)
    for _ in range(int(rng.integers(0, 3))):
        cv2.circle(canvas, (int(rng.integers(_S)), int(rng.integers(_S))),
                   int(rng.integers(15, 60)), _ink(random_colour(rng)), -1)
    for x in (0, 128):
        _lines(rng, canvas, (x + 20, 60, x + 110, 100), random_colour(rng), 12)
        _lines(rng, canvas, (x + 20, 130, x + 110, 220), np.ones(3) * 0.2, 4)
    return canvas, np.zeros((_S, _S))


def _cardboard(rng: np.random.Generator) -> Surface:
    noise = fractal_noise(rng, 1.2)
    rgb = shade(rng, (0.68, 0.53, 0.36), 0.08) * (1 - 0.12 * noise)[..., None]
    rgb = np.ascontiguousarray(rgb, np.float32)
    tape = int(rng.integers(110, 140))
    cv2.rectangle(rgb, (0, tape), (_S, tape + 18), (0.75, 0.66, 0.5), -1)
    if rng.random() < 0.6:
        x, y = int(rng.integers(10, 150)), int(rng.integers(150, 190))
        cv2.rectangle(rgb, (x, y), (x + 80, y + 50), (0.92, 0.92, 0.9), -1)
        _lines(rng, rgb, (x + 5, y + 6, x + 74, y + 46), np.ones(3) * 0.2, 4)
    return rgb, noise


def _facade(rng: np.random.Generator) -> Surface:
    """One window of a house and the wall about it; the houses near the camera are built."""
    name = str(rng.choice(['plaster', 'bricks', 'concrete']))
    rgb, height = MAKERS[name](rng)
    rgb = np.ascontiguousarray(rgb * shade(rng, (0.85, 0.8, 0.72), 0.12), np.float32)
    height = np.ascontiguousarray(0.6 + 0.1 * height, np.float32)
    left, top = int(rng.integers(40, 80)), int(rng.integers(40, 70))
    right, bottom = _S - left, _S - int(rng.integers(50, 80))
    trim = rng.uniform(0.5, 1)
    cv2.rectangle(rgb, (left - 8, top - 8), (right + 8, bottom + 8), (trim, trim, trim), -1)
    y, x = grid()
    pane = mix(np.clip(y + 0.4 * fractal_noise(rng, 2.0), 0, 1), np.array([0.12, 0.14, 0.16]),
               np.array([0.5, 0.6, 0.7]) * rng.uniform(0.3, 1))
    rgb[top:bottom, left:right] = pane[top:bottom, left:right]
    height[top:bottom, left:right] = 0
    middle = _S // 2
    cv2.rectangle(rgb, (middle - 3, top), (middle + 3, bottom), (trim, trim, trim), -1)
    if rng.random() < 0.5:
        cv2.rectangle(rgb, (left, top + 30), (right, top + 35), (trim, trim, trim), -1)
    cv2.rectangle(rgb, (left - 14, bottom + 8), (right + 14, bottom + 16), (0.6, 0.6, 0.58), -1)
    return rgb, height


def _sign(rng: np.random.Generator) -> Surface:
    bright = np.array([[0.75, 0.1, 0.1], [0.1, 0.25, 0.65], [0.95, 0.95, 0.95], [0.9, 0.75, 0.1],
                       [0.1, 0.45, 0.2]])
    rim, ground = bright[rng.permutation(5)[:2]]
    canvas = _canvas(rim)
    cv2.rectangle(canvas, (22, 22), (_S - 22, _S - 22), _ink(ground), -1)
    if rng.random() < 0.6:
        _lines(rng, canvas, (40, 70, 216, 200), np.ones(3) * rng.choice([0.1, 0.95]), 26)
    else:
        cv2.arrowedLine(canvas, (128, 210), (128, 60), (0.1, 0.1, 0.1), 22)
    return canvas, np.zeros((_S, _S))


def _clouds(rng: np.random.Generator) -> Surface:
    noise = fractal_noise(rng, rng.uniform(1.5, 2.1))
    return np.ones((_S, _S, 3)), noise


PRINTS: dict[str, Maker] = {
    'picture': _picture, 'poster': _poster, 'page': _page, 'screen': _screen, 'books': _books,
    'label': _label, 'cardboard': _cardboard, 'facade': _facade, 'sign': _sign, 'clouds': _clouds}
ALL: dict[str, Maker] = {**MAKERS, **PRINTS}
KINDS = tuple(ALL)


class Pool:
    """Textures uint8 [n,texels,4] of all kinds, each drawn when it is first asked for."""

    def __init__(self) -> None:
        # Memory that nobody touches costs nothing.
        self.textures = np.zeros((len(KINDS) * VARIANTS, LEVEL_START[-1], 4), np.uint8)
        self._made: set[int] = set()

    def index(self, kind: str, variant: int) -> int:
        """Which texture is the ``variant``-th (0..VARIANTS-1) of a kind."""
        found = KINDS.index(kind) * VARIANTS + variant % VARIANTS
        if found not in self._made:
            pack(ALL[kind](np.random.default_rng((20261127, found))), self.textures[found])
            self._made.add(found)
        return found


POOL = Pool()
