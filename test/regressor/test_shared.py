"""One network that several streams share."""

import threading
import time
import weakref

import numpy as np
import pytest

from dvd_ros.regressor import Regressor, RegressorPool, SharedRegressor
from dvd_ros.regressor.protocol import PreparedImage


class Slow(Regressor):
    """Notes who is computed, and that no two are at once."""

    def __init__(self):
        self.name, self.window, self.size, self.on_stage = 'slow', 5, None, None
        self.order, self.inside, self.most = [], 0, 0

    def prepare(self, image):
        return PreparedImage(int(image[0, 0, 0]), image.shape[:2])

    def predict_prepared(self, prepared):
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.005)
        who = prepared[0].content
        self.order.append(who)
        self.inside -= 1
        if who == 9:
            raise RuntimeError('nine fails')
        if self.on_stage:
            self.on_stage('post')
        return np.full((len(prepared), *prepared[0].size), who / 10, np.float32)


def images(value, count=2):
    return np.full((count, 4, 6, 3), value, np.uint8)


def test_streams_take_turns_and_get_their_own():
    slow = Slow()
    shared = SharedRegressor(slow)
    results = {}

    def stream(who):
        lent = shared.lend()
        results[who] = [lent.predict(images(who)) for _ in range(6)]

    threads = [threading.Thread(target=stream, args=(who,)) for who in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slow.most == 1
    for who, given in results.items():
        assert len(given) == 6
        for one in given:
            np.testing.assert_allclose(one, who / 10)
    # Nobody is computed twice while two others wait: once all run, turns go round.
    middle = slow.order[3:-3]
    for index in range(len(middle) - 2):
        assert len(set(middle[index:index + 3])) == 3, slow.order


def test_a_stream_that_fails_does_not_hold_up_the_others():
    shared = SharedRegressor(Slow())
    bad, good = shared.lend(), shared.lend()
    with pytest.raises(RuntimeError, match='nine fails'):
        bad.predict(images(9))
    np.testing.assert_allclose(good.predict(images(4)), 0.4)


def test_stages_are_told_to_the_stream_that_asked():
    shared = SharedRegressor(Slow())
    one, other = shared.lend(), shared.lend()
    told = []
    one.on_stage = told.append
    other.predict(images(1))
    assert told == []
    one.predict(images(1))
    assert told == ['post']


def test_it_is_a_regressor_with_the_checks_of_one():
    lent = SharedRegressor(Slow()).lend()
    assert isinstance(lent, Regressor)
    assert (lent.name, lent.window) == ('slow', 5)
    with pytest.raises(ValueError, match='more than the window of 5'):
        lent.predict(images(1, 6))


def test_a_pool_loads_once_and_again_when_all_have_closed():
    loaded = []

    def load():
        loaded.append(Slow())
        return loaded[-1]

    pool = RegressorPool()
    one, two, other = pool.lend('a', load), pool.lend('a', load), pool.lend('b', load)
    assert len(loaded) == 2
    one.close()
    with pytest.raises(ValueError, match='closed'):
        one.predict(images(1))
    np.testing.assert_allclose(two.predict(images(1)), 0.1)
    np.testing.assert_allclose(other.predict(images(2)), 0.2)
    assert [len(each.order) for each in loaded] == [1, 1]
    gone = weakref.ref(loaded.pop(0))
    two.close()
    assert gone() is None  # with the last that was lent
    assert isinstance(pool.lend('a', load).network, Slow)
    assert len(loaded) == 2


def test_a_network_that_failed_is_loaded_anew_for_who_asks_again():
    loaded = []

    def load():
        loaded.append(Slow())
        return loaded[-1]

    pool = RegressorPool()
    bad, good = pool.lend('a', load), pool.lend('a', load)
    with pytest.raises(ValueError, match='more than the window'):
        bad.predict(images(1, 6))  # its own fault, not the network's
    assert pool.lend('a', load) is not None
    assert len(loaded) == 1
    with pytest.raises(RuntimeError):
        bad.predict(images(9))
    bad.close()
    fresh = pool.lend('a', load)
    assert len(loaded) == 2
    np.testing.assert_allclose(fresh.predict(images(3)), 0.3)
    np.testing.assert_allclose(good.predict(images(3)), 0.3)  # until it fails, too
