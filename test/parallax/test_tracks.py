"""Points that are followed, and what they claim to know."""

import cv2
import numpy as np

from dvd_ros.parallax.tracks import Tracks, whitened
from dvd_ros.parallax.view import View


def wide(contrast: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.normal(0, 60, (192, 330)), (0, 0), 2) * 3
    return texture * contrast + 128


def views(shift: int, count: int, noise: float = 2.0, contrast: float = 1.0) -> list[View]:
    rng = np.random.default_rng(7)
    picture = wide(contrast)
    return [View(np.clip(picture[:, shift * k:shift * k + 256] + rng.normal(0, noise, (192, 256)),
                         0, 255).astype(np.uint8)) for k in range(count)]


def test_points_are_found_again_as_well_as_they_claim():
    tracks = Tracks()
    first, second = tracks.add(views(7, 2))
    places = dict(zip(first.ids.tolist(), first.places, strict=True))
    again = [i for i, point in enumerate(second.ids.tolist()) if point in places]
    assert len(again) > 0.7 * len(first.ids)
    error = second.places[again] - [places[second.ids[i]] for i in again] - (-7, 0)
    assert np.median(np.hypot(*error.T)) < 0.2
    # A chi square of two degrees of freedom has median 1.39; to claim too little is no lie.
    assert np.median((whitened(second.whitening[again].T, error.T) ** 2).sum(0)) < 2


def test_numbers_are_given_once_and_lost_points_replaced():
    tracks = Tracks()
    sightings = tracks.add(views(12, 6))
    for sighting in sightings:
        assert len(set(sighting.ids.tolist())) == len(sighting.ids)
        assert len(sighting.ids) > 150
        assert len(sighting.whitening) == len(sighting.places) == len(sighting.ids)
    assert max(sightings[-1].ids) > max(sightings[0].ids)


def test_a_bare_wall_with_noise_has_next_to_no_points_that_last():
    tracks = Tracks()
    sightings = tracks.add(views(3, 5, noise=4.0, contrast=0.0))
    last = set(sightings[0].ids.tolist()) & set(sightings[-1].ids.tolist())
    assert len(last) < 20


def test_an_edge_is_known_across_and_not_along():
    grey = np.full((192, 256), 90, np.uint8)
    grey[:, 128:] = 160
    rng = np.random.default_rng(0)
    tracks = Tracks()
    *_, sighting = tracks.add([
        View(np.clip(grey + rng.normal(0, 2, grey.shape), 0, 255).astype(np.uint8))
        for _ in range(2)])
    edge = sighting.whitening[np.abs(sighting.places[:, 0] - 127.5) < 3]
    assert len(edge) > 5
    assert np.median(edge[:, 0]) > 20 * np.median(edge[:, 2])


def test_a_view_without_any_point_is_no_error():
    tracks = Tracks()
    for sighting in tracks.add([View(np.full((192, 256), 99, np.uint8))] * 2):
        assert len(sighting.ids) == 0
    assert len(tracks.add(views(0, 1))[0].ids) > 100
