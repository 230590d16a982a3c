"""All kinds of rich places, by name, and how often each is taken."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from dvd_ros.training.rich import halls, interiors, park, street
from dvd_ros.training.rich.builder import RichScene

Maker = Callable[[np.random.Generator], RichScene]
# Name: (maker, weight).
INDOORS: dict[str, tuple[Maker, float]] = {
    **{name: (partial(interiors.room, kind=name), 1.0) for name in interiors.ROOMS},
    'corridor': (halls.corridor, 0.6), 'warehouse': (halls.warehouse, 0.5),
    'stairs': (halls.stairs, 0.4), 'shop': (halls.shop, 0.5)}
OUTDOORS: dict[str, tuple[Maker, float]] = {
    'town street': (partial(street.street, kind='town'), 2.0),
    'suburb street': (partial(street.street, kind='suburb'), 2.0),
    'country road': (partial(street.street, kind='country'), 1.0),
    'park': (partial(park.park, kind='park'), 1.0),
    'wild ground': (partial(park.park, kind='wild'), 0.6)}
PLACES = {**INDOORS, **OUTDOORS}


def choose(rng: np.random.Generator, outdoors: bool) -> str:
    """The name of a place of that sort."""
    among = OUTDOORS if outdoors else INDOORS
    weights = np.array([weight for _, weight in among.values()])
    return list(among)[int(rng.choice(len(among), p=weights / weights.sum()))]


def make(rng: np.random.Generator, name: str) -> RichScene:
    """A place by its name; ValueError names what there is."""
    if name not in PLACES:
        raise ValueError(f'place {name!r} is unknown; there are {", ".join(PLACES)}')
    return PLACES[name][0](rng)
