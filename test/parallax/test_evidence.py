"""What parallax told, for confidence."""

import numpy as np

from dvd_ros.parallax.evidence import Told, evidence

SHAPE = (36, 48)


def test_where_nothing_was_told_it_is_nothing():
    told = evidence(Told(np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.float32)))
    assert told.shape == (*SHAPE, 4)
    np.testing.assert_array_equal(told, 0)


def test_it_is_known_where_it_was_told_and_a_little_about_it():
    sure = np.zeros(SHAPE, np.float32)
    sure[:, :12] = 15
    known, about, *_ = np.moveaxis(evidence(Told(np.zeros(SHAPE, np.float32), sure)), -1, 0)
    assert known[:, 4].min() > 0.9
    assert known[:, 40].max() < 0.01
    assert about[:, 20].min() > 0.5 > known[:, 20].max()


def test_what_contradicts_itself_is_less_alike():
    sure = np.full(SHAPE, 5, np.float32)
    wild = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    alike = evidence(Told(np.full(SHAPE, 1.5, np.float32), sure))[..., 2]
    assert alike.min() > evidence(Told(wild, sure))[..., 2].max() + 1


def test_one_place_that_is_all_too_sure_does_not_stand_for_all():
    sure = np.zeros(SHAPE, np.float32)
    sure[18, 24] = 1e9
    assert evidence(Told(np.zeros(SHAPE, np.float32), sure))[..., 0].max() < 0.5


def test_it_says_how_wrong_the_network_is_all_over_the_frame():
    sure = np.zeros(SHAPE, np.float32)
    sure[:9] = 5
    right, wrong = (evidence(Told(np.full(SHAPE, error, np.float32), sure))[..., 3]
                    for error in (0.1, 2.0))
    assert np.ptp(wrong) == 0
    assert wrong.min() > right.max() + 1
