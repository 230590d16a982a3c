"""Figures of people, standing, sitting on nothing, or walking."""

from __future__ import annotations

import math

from dvd_ros.training.rich.builder import Builder, Frame
from dvd_ros.training.rich.materials import hsv
from dvd_ros.training.rich.mesh import superellipsoid


def person(b: Builder, f: Frame, walking: bool = False) -> None:
    """It faces +y, and goes there if it walks."""
    rng = b.rng
    h = rng.uniform(1.5, 1.95) if rng.random() < 0.88 else rng.uniform(0.95, 1.4)
    if walking:
        speed, r = rng.uniform(0.4, 1.6), f.turn
        f = Frame(f.origin, f.turn, (r[1] * speed, r[4] * speed, 0.0))
    tone = rng.uniform(0.25, 0.9)
    skin = b.mat('plain', hsv(rng.uniform(12, 30), rng.uniform(0.25, 0.5), tone))
    top, legs = (b.mat('fabric', metres=rng.uniform(0.1, 0.3)) for _ in range(2))
    shoe = b.mat('lacquer', (0.04, 0.035, 0.03))
    hair = b.mat('bark', hsv(rng.uniform(15, 45), rng.uniform(0.1, 0.7), rng.uniform(0.05, 0.6)))
    stride = rng.uniform(0.15, 0.5) if walking else rng.uniform(0, 0.1)
    hip, shoulder, stout = 0.5 * h, 0.81 * h, rng.uniform(0.85, 1.25)
    skirt = rng.random() < 0.15
    for s in (-1, 1):
        swing = s * stride
        knee = (s * 0.05 * h, 0.25 * h * math.sin(swing) + 0.02, hip - 0.25 * h * math.cos(swing))
        bend = swing - (0.5 * stride if s < 0 else 0.1)
        foot = (knee[0], knee[1] + 0.23 * h * math.sin(bend),
                max(knee[2] - 0.23 * h * math.cos(bend), 0.05))
        b.limb(f, (s * 0.05 * h, 0, hip), knee, 0.05 * h * stout, legs, 0.036 * h)
        b.limb(f, knee, foot, 0.035 * h, skin if skirt else legs, 0.026 * h)
        b.ellipsoid(f, (foot[0], foot[1] + 0.05, max(foot[2] - 0.02, 0.035)),
                    (0.055 * h, 0.15 * h, 0.05 * h), shoe)
        arm = -0.8 * swing + rng.normal(0, 0.1)
        reach = rng.uniform(0.1, 1.2) if rng.random() < 0.4 else 0.2
        elbow = (s * 0.125 * h * stout, 0.16 * h * math.sin(arm),
                 shoulder - 0.16 * h * math.cos(arm))
        hand = (elbow[0] * 0.95, elbow[1] + 0.15 * h * math.sin(arm + reach),
                elbow[2] - 0.15 * h * math.cos(arm + reach))
        b.limb(f, (s * 0.105 * h * stout, 0, shoulder), elbow, 0.029 * h, top, 0.024 * h)
        b.limb(f, elbow, hand, 0.024 * h, top if rng.random() < 0.7 else skin, 0.018 * h)
        b.ellipsoid(f, hand, (0.045 * h, 0.055 * h, 0.06 * h), skin)
    b.mesh(f, superellipsoid(0.7, 0.5), top, (0.115 * h * stout, 0.075 * h * stout, 0.18 * h),
           (0, 0, 0.66 * h))
    if skirt:
        b.cone(f, (0, 0, 0.27 * h), 0.14 * h, 0.08 * h, 0.28 * h, legs)
    else:
        b.ellipsoid(f, (0, 0, hip), (0.2 * h * stout, 0.15 * h * stout, 0.16 * h), legs)
    b.rod(f, (0, 0, 0.8 * h), (0, 0.01, 0.87 * h), 0.032 * h, skin)
    b.ellipsoid(f, (0, 0.012 * h, 0.925 * h), (0.088 * h, 0.11 * h, 0.145 * h), skin)
    b.ellipsoid(f, (0, -0.008 * h, 0.945 * h), (0.1 * h, 0.115 * h, 0.125 * h), hair)
    if rng.random() < 0.3:
        b.mesh(f, superellipsoid(0.4, 0.4), b.mat('fabric'), (0.09 * h, 0.05 * h, 0.12 * h),
               (0, -0.11 * h, 0.68 * h))
    b.target(f, 0, 0, 0.7 * h)
