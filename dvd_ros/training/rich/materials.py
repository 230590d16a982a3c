"""What things are made of: a texture, a tint, gloss, mirror, light of its own, relief, holes."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from dvd_ros.training.rich.prints import POOL, VARIANTS

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Kind:
    """Texture, metres a tile, gloss, mirror at right angles, relief; see Palette.make."""

    texture: str
    metres: tuple[float, float]
    gloss: float = 0.0
    mirror: float = 0.0
    relief: float = 0.0


KINDS = {
    'plain': Kind('plain', (0.5, 2.0), 0.05),
    'wall': Kind('plaster', (1.0, 3.0), 0, 0, 0.6), 'paint': Kind('plain', (0.5, 2.0), 0.15, 0.02),
    'lacquer': Kind('plain', (0.5, 2.0), 0.6, 0.05), 'plastic': Kind('plain', (0.3, 1.0), 0.3, 0.0),
    'wood': Kind('wood', (0.5, 1.4), 0.12, 0.0, 0.4),
    'planks': Kind('planks', (0.8, 1.8), 0.2, 0.04, 0.6),
    'tiles': Kind('tiles', (0.6, 1.6), 0.4, 0.05, 1.0),
    'bricks': Kind('bricks', (0.8, 1.6), 0, 0, 2.5), 'carpet': Kind('carpet', (0.6, 2.0), 0, 0, 1.),
    'fabric': Kind('fabric', (0.2, 0.6), 0, 0, 0.8), 'marble': Kind('marble', (0.6, 2), 0.6, 0.06),
    'asphalt': Kind('asphalt', (2.0, 5.0), 0.05, 0, 0.8),
    'concrete': Kind('concrete', (2.0, 4.0), 0.02, 0, 0.6),
    'paving': Kind('paving', (1.5, 3.0), 0.02, 0, 1.5),
    'grass': Kind('grass', (1.0, 3.0), 0, 0, 2.0), 'earth': Kind('earth', (1.5, 4.0), 0, 0, 2.0),
    'leaves': Kind('leaves', (0.7, 1.4), 0.05, 0, 3.0), 'bark': Kind('bark', (0.4, 1.), 0, 0, 3.0),
    'metal': Kind('metal', (0.3, 1.0), 0.8, 0.25), 'specks': Kind('specks', (0.3, 0.8), 0.4, 0.05),
    'mesh': Kind('mesh', (0.4, 0.8)), 'corrugated': Kind('corrugated', (1.0, 2.0), 0.2, 0, 4.0),
    'roof': Kind('roof', (2.0, 3.0), 0, 0, 2.0), 'glass': Kind('plain', (1.0, 2.0), 1.5, 0.12),
    'mirror': Kind('plain', (1.0, 2.0), 1.0, 0.9), 'picture': Kind('picture', (1., 1.), 0.1, 0.02),
    'poster': Kind('poster', (1.0, 1.0), 0.1, 0.02), 'page': Kind('page', (1.0, 1.0)),
    'screen': Kind('screen', (1.0, 1.0), 0.3, 0.05), 'books': Kind('books', (0.4, 0.6), 0, 0, 2.),
    'label': Kind('label', (0.2, 0.4), 0.3), 'cardboard': Kind('cardboard', (0.5, 0.8)),
    'facade': Kind('facade', (3.0, 3.0), 0, 0, 2.0), 'sign': Kind('sign', (1.0, 1.0), 0.2)}
# Those whose texture has its own colour are tinted little.
_COLOURED = {'wood', 'planks', 'tiles', 'bricks', 'marble', 'asphalt', 'concrete', 'paving',
             'grass', 'earth', 'leaves', 'bark', 'picture', 'poster', 'page', 'screen', 'books',
             'label', 'cardboard', 'facade', 'sign', 'roof'}


def hsv(hue: float, saturation: float, value: float) -> RGB:
    """Linear RGB of a hue 0..360, saturation and value 0..1 as they look on a display."""
    pixel = np.array([[[hue % 360, saturation, value]]], np.float32)
    red, green, blue = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].astype(float) ** 2
    return red, green, blue


@dataclass
class Palette:
    """The materials of one scene; rows as surface.py reads them."""

    rng: np.random.Generator
    rows: list[tuple[float, ...]] = field(default_factory=list)

    def make(self, kind: str, tint: RGB | None = None, *, emit: float = 0.0, fit: bool = False,
             repeat: tuple[float, float] = (1.0, 1.0), cutout: float = 0.0,
             mirror: float | None = None, metres: float | None = None) -> int:
        """
        Add a material and return its number.

        tint: linear RGB factor (default: at random). emit: light of its own, a factor on its
        colour. fit: the texture spans each face, ``repeat`` times. cutout: what is lower than this
        is a hole. mirror: reflectance at right angles. metres: of one tile of the texture.
        """
        rng, made = self.rng, KINDS[kind]
        if tint is None:
            tint = self.tone() if kind in _COLOURED else self.colour()
        size = metres or rng.uniform(*made.metres)
        gloss = made.gloss * rng.uniform(0.3, 1.5)
        reflect = made.mirror * rng.uniform(0.4, 1.4) if mirror is None else mirror
        self.rows.append((
            POOL.index(made.texture, int(rng.integers(VARIANTS))), 256 / size, *tint, gloss,
            rng.uniform(15, 90), min(reflect, 0.95), emit, made.relief * rng.uniform(0.3, 1.2),
            float(fit), *repeat, cutout, *((0.0, 0.0) if fit else rng.uniform(0, 256, 2))))
        return len(self.rows) - 1

    def tone(self) -> RGB:
        """Nearly white."""
        grey = self.rng.uniform(0.7, 1.1)
        red, green, blue = (grey * np.exp(self.rng.normal(0, 0.05, 3))).tolist()
        return red, green, blue

    def colour(self) -> RGB:
        """Any colour; greys, browns and dull ones are the more frequent, as among real things."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.3:
            return hsv(rng.uniform(0, 360), rng.uniform(0, 0.12), rng.uniform(0.15, 0.98))
        if kind < 0.5:
            return hsv(rng.uniform(10, 50), rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.9))
        if kind < 0.75:
            return hsv(rng.uniform(0, 360), rng.uniform(0.15, 0.5), rng.uniform(0.25, 0.9))
        return hsv(rng.uniform(0, 360), rng.uniform(0.55, 0.95), rng.uniform(0.35, 0.95))

    def dull(self) -> RGB:
        """Greys, browns, blues of floors."""
        rng = self.rng
        hue = rng.choice([30.0, 40.0, 215.0, 10.0]) + rng.normal(0, 12)
        return hsv(hue, rng.uniform(0.0, 0.4), rng.uniform(0.2, 0.75))

    def pale(self) -> RGB:
        """Walls and ceilings."""
        rng = self.rng
        if rng.random() < 0.35:
            return hsv(rng.uniform(0, 360), rng.uniform(0.1, 0.45), rng.uniform(0.55, 0.9))
        return hsv(rng.uniform(20, 240), rng.uniform(0, 0.12), rng.uniform(0.78, 0.98))

    def table(self) -> np.ndarray:
        """All materials, float64 [M,16]."""
        return np.array(self.rows, float)
