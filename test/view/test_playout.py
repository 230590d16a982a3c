"""Bursts become an even play that neither lags behind nor queues without bound."""

import numpy as np

from dvd_ros.view.playout import Playout


def play(arrivals, seconds, step=0.02):
    """When each item is shown, for (moment, stamp) arrivals; the item is its stamp."""
    playout, shown, left = Playout(), [], list(arrivals)
    for now in np.arange(0.0, seconds, step):
        while left and left[0][0] <= now:
            playout.put(left[0][1], left.pop(0)[1])
        item = playout.due(now)
        if item is not None:
            shown.append((now, item))
    return np.array(shown)


def test_bursts_are_spread_out():
    bursts = [(0.4 * burst + 1.0, 0.4 * burst + 0.1 * frame)
              for burst in range(20) for frame in range(4)]
    shown = play(bursts, 12.0)
    assert np.allclose(shown[:, 1], [stamp for _, stamp in bursts]), 'all, in order'
    gaps = np.diff(shown[8:, 0])
    assert gaps.min() > 0.04
    assert gaps.max() < 0.25
    behind = shown[:, 0] - np.array([moment for moment, _ in bursts])
    assert behind.max() < 0.45, 'less than a burst'


def test_a_play_that_has_fallen_behind_catches_up():
    arrivals = [(3.0, 0.1 * number) for number in range(16)]  # all at once, after a stall
    arrivals += [(3.0 + 0.1 * number, 1.5 + 0.1 * number) for number in range(1, 40)]
    shown = play(arrivals, 8.0)
    late = [moment - (stamp + 1.5) for moment, stamp in shown if moment > 5.0]
    assert max(late) < 0.35


def test_what_comes_too_fast_is_dropped_and_stamps_may_jump():
    playout = Playout(most=4)
    for number in range(100):
        playout.put(0.1 * number, number)
    assert playout.due(0.0) == 96
    assert playout.due(0.01) is None
    playout.clear()
    assert playout.due(1.0) is None
    for stamp in (50.0, 10.0, 900.0):  # begun anew, and a long gap: shown at once
        playout.put(stamp, stamp)
        assert playout.due(1.0) == stamp
