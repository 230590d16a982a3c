"""Roads: in towns between houses, in suburbs, in the country."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.training.rich import houses, outlook, people, plants, roadside, vehicles
from dvd_ros.training.rich.builder import Builder, Frame, RichScene
from dvd_ros.training.rich.materials import Palette

_BACK, _FAR = -25.0, 130.0


def daylight(b: Builder) -> tuple[np.ndarray, np.ndarray, float]:
    """Sun, ambient light [6,3], the sky [15] and haze 1/m."""
    rng = b.rng
    b.night = rng.random() < 0.07
    elevation, azimuth = rng.uniform(0.12, 1.2), rng.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
                    np.sin(elevation)])
    kind, level = rng.random(), rng.uniform(0.25, 0.6)
    if b.night:
        kind, level = 1.0, rng.uniform(0.015, 0.08)
    sky = outlook.sky(rng, sun if kind < 0.65 else None, level * rng.uniform(1.6, 3.5))
    warm = np.array([1.0, 0.75 + 0.2 * elevation, 0.5 + 0.4 * elevation])
    if kind < 0.65:
        b.light((float(sun[0]), float(sun[1]), float(sun[2])), 0.01,
                np.minimum(warm, 1.0) * rng.uniform(0.8, 2.6))
        b.lights[-1] = (*b.lights[-1][:-1], 1.0)
    ambient = np.ones((6, 3)) * level * np.array([rng.uniform(0.8, 1), rng.uniform(0.9, 1), 1.0])
    ambient[4] *= 1.3
    ambient[5] *= rng.uniform(0.3, 0.6)
    ambient[:4] *= rng.uniform(0.6, 1.0, (4, 1))
    haze = rng.choice([0.0, 0.0, *rng.uniform(0.0, 0.003, 2), rng.uniform(0.0, 0.015)])
    return ambient, sky, float(haze)


def distance(b: Builder) -> None:
    """Hills, woods and far houses on all sides."""
    rng = b.rng
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(2, 7))):
            a, far = rng.uniform(0, 2 * np.pi), rng.uniform(500, 900)
            b.ellipsoid(Frame(), (far * np.cos(a), far * np.sin(a), -8),
                        (rng.uniform(300, 800), rng.uniform(300, 800), rng.uniform(30, 150)),
                        b.mat('leaves', (0.7, 0.85, 0.95), metres=60.0))
    leaf = [b.mat('leaves', cutout=0.12, metres=rng.uniform(4, 7)) for _ in range(3)]
    for _ in range(int(rng.integers(2, 9))):  # edges of woods
        a, far, s = rng.uniform(0, 2 * np.pi), rng.uniform(90, 240), rng.uniform(7, 20)
        at = Frame().at(far * np.cos(a) + 40, far * np.sin(a), 0, a)
        for k in range(int(rng.integers(2, 9))):
            high = s * rng.uniform(0.6, 1.2)
            b.ellipsoid(at, (rng.normal(0, s * 0.3), (k - 4) * s * 0.55, high * 0.45),
                        (s * 0.9, s * rng.uniform(0.7, 1.2), high * 1.1), leaf[k % 3])


def _markings(b: Builder, half: float, lanes: int) -> None:
    rng = b.rng
    worn = rng.uniform(0.4, 0.9)
    paint = b.mat('wall', (worn, worn, worn * rng.uniform(0.8, 1.0)))
    f = Frame()
    dash, gap = rng.uniform(2, 5), rng.uniform(3, 8)
    for k in range(1, lanes):
        y = (2 * k / lanes - 1) * half
        if k * 2 == lanes and rng.random() < 0.3:
            for s in (-0.12, 0.12):
                b.box(f, (50, y + s, 0.004), (155, 0.12, 0.008), paint)
            continue
        for x in np.arange(_BACK, _FAR, dash + gap):
            b.box(f, (float(x), y, 0.004), (dash, 0.14, 0.008), paint)
    if rng.random() < 0.6:
        for s in (-1, 1):
            b.box(f, (50, s * (half - 0.25), 0.004), (155, 0.14, 0.008), paint)
    if rng.random() < 0.4:
        x = rng.uniform(6, 40)
        for y in np.arange(-half + 0.5, half - 0.3, 1.0):
            b.box(f, (x, float(y), 0.005), (3.0, 0.5, 0.009), paint)
    patch = b.mat('asphalt')
    for _ in range(int(rng.integers(0, 6))):
        b.box(f, (rng.uniform(0, 60), rng.uniform(-half, half) * 0.7, 0.002),
              (rng.uniform(1, 8), rng.uniform(0.5, 1.5), 0.006), patch)


def _side(b: Builder, side: int, half: float, kind: str) -> None:
    """Kerb, pavement and all that stands there; side: 1 left, -1 right."""
    rng = b.rng
    path = rng.uniform(1.5, 4.0) if kind != 'country' else rng.uniform(0.0, 1.0)
    # A frame whose +y leads away from the road, and whose x runs along it.
    f = Frame().at(0, side * half, 0, 0.0 if side > 0 else math.pi)
    lift = 0.12 if path > 1 else 0.02
    if path > 1:
        b.box(f, (side * 50, path / 2, lift / 2), (155, path, lift),
              b.mat(str(rng.choice(['paving', 'asphalt', 'concrete']))))
        b.box(f, (side * 50, 0.08, lift / 2 + 0.01), (155, 0.16, lift), b.mat('concrete'))
    parked = rng.random() < (0.7 if kind != 'country' else 0.1)
    x = rng.uniform(-15, 10)
    while parked and x < 80:
        if rng.random() < 0.7:
            inside = f.at(side * x, -1.05, 0, 0 if rng.random() < 0.5 else math.pi)
            (vehicles.car if rng.random() < 0.85 else vehicles.lorry)(
                b, inside.at(0, rng.normal(0, 0.08), 0, rng.normal(0, 0.03)))
        x += rng.uniform(5.2, 13)
    walk = f.at(0, 0, lift)
    if kind != 'country' or rng.random() < 0.3:
        x, step = rng.uniform(-5, 10), rng.uniform(15, 35)
        while x < 100:
            roadside.street_lamp(b, walk.at(side * x, 0.5, 0, math.pi))
            x += step
    things = (roadside.sign, roadside.sign, roadside.traffic_light, roadside.bollard,
              roadside.bins, plants.bush, vehicles.bicycle, roadside.bollard)
    for _ in range(int(rng.integers(1, 9))):
        maker = things[int(rng.integers(len(things)))]
        turned = 0.0 if side > 0 else math.pi
        maker(b, walk.at(side * rng.uniform(-3, 50), rng.uniform(0.4, max(path, 1.5)), 0,
                         turned + rng.normal(0, 0.25)))
    for _ in range(int(rng.integers(0, 7)) if kind != 'country' else 0):
        people.person(b, walk.at(side * rng.uniform(0, 45), rng.uniform(0.5, max(path, 1.2)), 0,
                                 rng.uniform(0, 6)), walking=rng.random() < 0.7)
    wires = rng.random() < 0.25
    posts = [walk.at(side * x, 0.8) for x in np.arange(-12, 110, 26.0)] if wires else []
    for k, post in enumerate(posts):
        roadside.mast(b, post, posts[k + 1] if k + 1 < len(posts) else None)
    _behind(b, walk, side, path, kind)


def _behind(b: Builder, f: Frame, side: int, path: float, kind: str) -> None:
    rng = b.rng
    setback = path + {'town': rng.uniform(0, 1), 'suburb': rng.uniform(3, 9),
                      'country': rng.uniform(8, 30)}[kind]
    x = -18.0
    while x < 115:
        wide, deep = rng.uniform(7, 20), rng.uniform(7, 13)
        share = {'town': 0.92, 'suburb': 0.7, 'country': 0.12}[kind]
        if rng.random() < share:
            back = setback + (rng.uniform(0, 2) if kind != 'town' else 0.0)
            houses.house(b, f.at(side * (x + wide / 2), back), wide, deep, x < 38)
        elif rng.random() < 0.6:
            for _ in range(int(rng.integers(1, 4))):
                plants.tree(b, f.at(side * (x + rng.uniform(0, wide)),
                                    path + rng.uniform(1.5, 12)))
        x += wide + (rng.uniform(0, 0.5) if kind == 'town' else rng.uniform(1, 9))
    for _ in range(int(rng.integers(0, 8))):
        maker = plants.tree if rng.random() < 0.7 else plants.bush
        maker(b, f.at(side * rng.uniform(-8, 80), path * 0.8 if kind == 'town' else
                      path + rng.uniform(0.8, 6)))
    if kind != 'town':
        x = -12.0
        while x < 60:
            long, what = rng.uniform(5, 16), rng.random()
            at = f.at(side * (x + long / 2), path + rng.uniform(0.3, 1.2))
            if what < 0.3:
                plants.hedge(b, at, long)
            elif what < 0.6:
                roadside.fence(b, at, long)
            elif what < 0.7:
                roadside.rail(b, at, long)
            x += long + rng.uniform(0, 6)
        for _ in range(int(rng.integers(0, 10))):
            plants.tuft(b, f.at(side * rng.uniform(-5, 30), path + rng.uniform(0.2, 4)))


def street(rng: np.random.Generator, kind: str) -> RichScene:
    """A road along +x; kind: town, suburb or country."""
    b = Builder(rng, Palette(rng))
    lanes = int(rng.choice([1, 2, 2, 2, 3, 4]))
    half = lanes * rng.uniform(1.5, 1.9) + (1.2 if kind != 'country' else 0.2)
    ambient, sky, haze = daylight(b)
    ground = b.mat('grass' if kind != 'town' or rng.random() < 0.3 else 'paving')
    b.box(Frame(), (100, 0, -0.6), (1400, 1400, 1.0), ground)
    for s in (-1, 1):  # the land to both sides is a little above the road's bed
        b.box(Frame(), (60, s * (half + 150), -0.5), (400, 300, 1.02), ground)
    b.box(Frame(), (50, 0, -0.5), (175, 2 * half, 1.0), b.mat('asphalt', mirror=float(
        rng.choice([0.0, 0.0, 0.0, 0.0, 0.03]))))
    _markings(b, half, lanes)
    distance(b)
    for side in (-1, 1):
        _side(b, side, half, kind)
    for _ in range(int(rng.integers(0, 7))):
        lane = int(rng.integers(lanes))
        y = ((lane + 0.5) / lanes * 2 - 1) * (half - 0.6)
        ahead = y < 0 or lanes == 1
        at = Frame().at(rng.uniform(5, 70), y + rng.normal(0, 0.2), 0, 0.0 if ahead else math.pi)
        speed = rng.uniform(0, 12) * (1 if ahead else -1) if rng.random() < 0.7 else 0.0
        moving = Frame(at.origin, at.turn, (speed, 0.0, 0.0))
        (vehicles.car if rng.random() < 0.65 else vehicles.lorry)(b, moving)
    if rng.random() < 0.15:  # a bridge over the road
        x, concrete, z = rng.uniform(18, 60), b.mat('concrete'), rng.uniform(4.8, 6.5)
        at = Frame().at(x, 0, 0, rng.normal(0, 0.2))
        b.box(at, (0, 0, z + 0.5), (rng.uniform(4, 10), 120, 1.0), concrete)
        for y in (-half - 2.5, half + 2.5):
            b.box(at, (0, y, z / 2), (1.2, 1.2, z), concrete)
        roadside.fence(b, at.at(-2, 0, z + 1.0, math.pi / 2), 60)
    bounds = np.array([[-6.0, -half * 0.85, 0.0], [25.0, half * 0.85, 6.0]])
    return b.build(ambient, sky, haze, bounds, True, 1.0, 'street')
