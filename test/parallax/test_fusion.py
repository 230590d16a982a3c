"""What was told becomes one with what the network expects."""

import numpy as np
from moving_camera import INTRINSICS

from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.fusion import Fusion
from dvd_ros.parallax.grid import Grid

GRID = Grid(INTRINSICS)
N = len(GRID.rays)


def begun(network: float = 1.0) -> Fusion:
    fusion = Fusion(GRID)
    following(fusion, network)
    return fusion


def following(fusion: Fusion, network: float) -> None:
    fusion.begin(np.full(N, network, np.float32), np.full(N, 0.15, np.float32))


def test_a_find_unlike_all_about_it_hardly_counts():
    alone, among = begun(), begun()
    for fusion in (alone, among):
        cell = GRID.shape[1] * (GRID.shape[0] // 2) + GRID.shape[1] // 2
        if fusion is among:
            fusion.tell(np.full(N, 1.0, np.float32), np.full(N, 200.0))
        fusion.tell(np.array([1.45]), np.array([2000.0]), np.array([cell]))
    bump = [fusion.corrected()[cell] - 1 for fusion in (alone, among)]
    assert bump[1] < 0.3 * bump[0]


def test_a_frame_stays_near_the_frame_before_and_leaves_what_is_far_off():
    """The network's level wobbles; where it jumps by much, the scene changed."""
    for jump, most in ((0.03, 0.6), (0.6, 1.0)):
        fusion = begun()
        before = fusion.corrected()
        following(fusion, 1.0 + jump)
        fusion.carry(RigidTransform.identity())
        steadied = fusion.corrected()
        middle = np.zeros(GRID.shape, bool)
        middle[10:-10, 10:-10] = True
        moved = float(np.median((steadied - before)[middle.ravel()])) / jump
        assert moved < most + 0.05
        assert moved > 0.2 if jump < 0.1 else moved > 0.85


def test_what_was_told_is_carried_along_and_after_forget_it_is_not():
    fusion = begun()
    fusion.tell(np.full(N, 1.2, np.float32), np.full(N, 500.0))
    fusion.corrected()
    following(fusion, 1.0)
    fusion.carry(RigidTransform.identity())
    assert np.median(fusion.corrected()) > 1.15
    fusion.forget()
    following(fusion, 1.0)
    fusion.carry(RigidTransform.identity())
    np.testing.assert_allclose(fusion.corrected(), 1.0)


def test_what_was_told_is_on_the_grid_and_counts_as_far_as_it_is_believed():
    fusion = begun()
    fusion.tell(np.full(N, 1.2, np.float32), np.full(N, 500.0))
    full, hardly = fusion.told(1.0), fusion.told(0.1)
    assert full.error.shape == full.sure.shape == GRID.shape
    np.testing.assert_allclose(full.error, 0.2 / 0.15, rtol=1e-4)
    np.testing.assert_allclose(hardly.sure, 0.1 * full.sure, rtol=1e-5)


def test_what_is_told_of_one_point_twice_counts_twice():
    once, twice = begun(), begun()
    cells = np.array([5, 5])
    once.tell(np.array([1.2]), np.array([50.0]), cells[:1])
    twice.tell(np.array([1.2, 1.2]), np.array([50.0, 50.0]), cells)
    np.testing.assert_allclose(twice.told(1.0).sure, 2 * once.told(1.0).sure)
