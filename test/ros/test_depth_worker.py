"""The mailbox and the worker behind the subscription, without ROS 2 messages."""

import threading
import time

import pytest
from worker_bench import PATIENCE, Bench, Brightness

from dvd_ros.ros.mailbox import Mailbox
from dvd_ros.ros.recovery import Recovery
from dvd_ros.stream import StreamConfig


@pytest.fixture
def bench():
    benches = []

    def make(**changed):
        benches.append(Bench(**changed))
        return benches[-1]

    yield make
    for made in benches:
        made.stop()


def test_the_newest_items_win():
    mailbox = Mailbox(3)
    assert [mailbox.put(i) for i in range(5)] == [0, 0, 0, 1, 1]
    assert mailbox.dropped == 2
    assert [mailbox.get(0) for _ in range(4)] == [2, 3, 4, None]


def test_a_closed_mailbox_gives_nothing_and_wakes_who_waits():
    mailbox = Mailbox(3)
    got = []
    waiting = threading.Thread(target=lambda: got.append(mailbox.get(None)))
    waiting.start()
    mailbox.close()
    waiting.join(PATIENCE)
    assert got == [None]
    mailbox.put(1)
    assert mailbox.get(None) is None


def test_frames_come_out_in_order_and_are_counted(bench):
    made = bench()
    made.send(*range(1, 12))
    made.wait(lambda: made.worker.progress.published == 11)
    assert made.stamps == list(range(1, 12))
    assert made.worker.progress.windows == 3


def test_a_rest_is_flushed_when_no_image_comes(bench):
    made = bench(flush_after=0.3)
    made.send(1, 2, 3)
    made.wait(lambda: made.worker.progress.published == 3)
    assert made.stamps == [1, 2, 3]


def test_without_flush_a_rest_waits(bench):
    made = bench(flush_after=0.0)
    made.send(1, 2, 3)
    time.sleep(0.3)
    assert made.stamps == []
    made.send(4, 5)
    made.wait(lambda: made.worker.progress.published == 5)


def test_too_many_images_push_the_oldest_out(bench):
    made = bench(capacity=4, flush_after=0.3)
    made.regressor.go.clear()
    made.send(1, 2, 3)
    made.wait(lambda: made.worker.progress.published == 0 and len(made.mailbox._items) == 0)
    made.send(4, 5)
    assert made.regressor.busy.wait(PATIENCE)  # 1..5 are being computed
    made.send(*range(6, 20))
    made.regressor.go.set()
    made.wait(lambda: made.worker.progress.published == 9)
    assert made.stamps == [1, 2, 3, 4, 5, 16, 17, 18, 19]
    assert made.dropped == 10


def test_an_unreadable_image_is_counted_and_the_next_is_taken(bench):
    made = bench()
    made.send(1, 2, None, 3, 4, 5)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.worker.progress.unreadable == 1
    assert made.reports == [('image', 'no picture')]


def test_a_failing_network_costs_its_window_only(bench):
    made = bench()
    made.regressor.fail = True
    made.send(1, 2, 3, 4, 5)
    made.wait(lambda: made.reports)
    made.regressor.fail = False
    made.send(6, 7, 8, 9, 10)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.reports == [('model', 'RuntimeError: out of memory')]
    assert made.worker.progress.dropped['model_error'] == 5
    assert made.stamps == [6, 7, 8, 9, 10]


def test_stamps_that_do_not_advance_are_reported(bench):
    made = bench()
    made.send(1, 2, 2, 1, 3, 4, 5)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.stamps == [1, 2, 3, 4, 5]
    assert [kind for kind, _ in made.reports] == ['stamp', 'stamp']


def test_a_window_is_delivered_while_the_next_is_computed(bench):
    made = bench()
    made.receiver.go.clear()
    made.send(1, 2, 3, 4, 5)
    assert made.receiver.busy.wait(PATIENCE)
    made.regressor.busy.clear()
    made.send(6, 7, 8)
    assert made.regressor.busy.wait(PATIENCE)  # 1..5 are still being delivered
    assert made.stamps == []
    assert made.worker.progress.published == 0
    made.receiver.go.set()
    made.wait(lambda: made.worker.progress.published == 8)
    assert made.stamps == list(range(1, 9))
    assert len(made.receiver.threads) == 1
    assert made.worker not in made.receiver.threads


def test_a_slow_receiver_slows_the_worker_and_nothing_piles_up(bench):
    made = bench(capacity=4)
    made.receiver.go.clear()
    made.send(1, 2)
    made.wait(lambda: not made.mailbox._items)
    made.send(3, 4, 5)
    assert made.receiver.busy.wait(PATIENCE)
    for at in (6, 9):
        made.send(at, at + 1, at + 2)  # one batch may wait, and the worker holds one
        made.wait(lambda windows=at // 3: made.worker.progress.windows == windows)
    made.send(*range(12, 32))
    assert made.worker.progress.windows == 3
    assert made.dropped == 16
    made.receiver.go.set()
    made.wait(lambda: made.worker.progress.published == 14)
    made.send(32, 33)
    made.wait(lambda: made.worker.progress.published == 17)
    assert made.stamps == [*range(1, 12), *range(28, 34)]
    assert made.worker.progress.windows == 5


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_receiver_that_fails_ends_the_worker(bench):
    made = bench()
    made.receiver.fail = True
    made.send(1, 2, 3, 4, 5)
    made.worker.join(PATIENCE)
    assert not made.worker.is_alive()
    assert made.mailbox.closed
    assert made.worker.progress.published == 0


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_receiver_that_fails_frees_a_worker_that_waits_for_it(bench):
    made = bench()
    made.receiver.go.clear()
    made.send(*range(1, 20))
    made.wait(lambda: made.worker.progress.windows == 3)
    made.receiver.fail = True
    made.receiver.go.set()
    made.worker.join(PATIENCE)
    assert not made.worker.is_alive()


def test_the_end_waits_for_the_delivery_under_way_and_drops_what_waits(bench):
    made = bench()
    made.receiver.go.clear()
    made.send(*range(1, 12))
    made.wait(lambda: made.worker.progress.windows == 3)
    made.mailbox.close()
    made.worker.join(0.2)
    assert made.worker.is_alive()
    made.stop()
    assert made.stamps == [1, 2, 3, 4, 5]
    assert made.worker.progress.published == 5


def test_the_stride_is_chosen_live_unless_it_is_set(bench):
    second = 10 ** 9
    live, fixed = (bench(config=StreamConfig(window=13, overlap=5, stride=stride, cuts=False))
                   for stride in (0, 7))
    assert (live.worker.progress.stride, fixed.worker.progress.stride) == (8, 7)
    for made in (live, fixed):
        made.send(*(number * second for number in range(1, 100)))
        made.wait(lambda made=made: made.worker.progress.published >= 90)
    # A frame a second leaves time for the smallest.
    assert (live.worker.progress.stride, fixed.worker.progress.stride) == (4, 7)
    assert live.stamps == [number * second for number in range(1, 1 + len(live.stamps))]


def test_faults_in_a_row_have_the_model_loaded_anew_later_each_time(bench):
    fresh = Brightness()
    attempts = []

    def load():
        attempts.append(time.monotonic())
        if len(attempts) < 3:
            raise OSError('no device')
        return fresh

    recovery = Recovery(load, 0.1, 10.0)
    made = bench(recovery=recovery)
    made.regressor.fail = True
    made.send(1, 2, 3, 4, 5)
    made.wait(lambda: made.worker.progress.faults == 1)
    assert not attempts  # one fault costs its window alone
    made.send(6, 7, 8, 9, 10)
    made.wait(lambda: len(attempts) == 3)
    assert attempts[1] - attempts[0] >= 0.19
    assert attempts[2] - attempts[1] >= 0.39
    made.wait(lambda: recovery.restarts == 1)
    made.send(11, 12, 13, 14, 15)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.stamps == [11, 12, 13, 14, 15]
    assert made.worker.progress.fault == ''
    assert recovery.faults == 0
    assert [kind for kind, _ in made.reports].count('restart') == 3


def test_images_that_come_while_the_model_is_loaded_are_counted_and_old_ones_not_used(bench):
    recovery = Recovery(Brightness, 0.5, 10.0)
    made = bench(recovery=recovery)
    made.regressor.fail = True
    made.send(*range(1, 11))
    made.wait(lambda: made.worker.progress.faults == 2)
    made.send(11, 12, 13)
    made.wait(lambda: recovery.restarts == 1)
    made.send(14, 15, 16, 17, 18)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.worker.progress.restart == 3
    assert made.stamps == [14, 15, 16, 17, 18]


def test_a_reset_ends_the_waiting_for_a_failing_network(bench):
    recovery = Recovery(Brightness, 1000.0, 1000.0)
    made = bench(recovery=recovery)
    made.regressor.fail = True
    made.send(*range(1, 11))
    made.wait(lambda: made.worker.progress.faults == 2)
    made.worker.do(made.worker.reset).result(PATIENCE)
    made.wait(lambda: recovery.restarts == 1)


def test_the_back_off_is_bounded():
    recovery = Recovery(Brightness, 1.0, 30.0)
    waits = [recovery.failed() for _ in range(200)]
    assert waits[:7] == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert max(waits) == 30.0
    recovery.succeeded()
    assert recovery.failed() == 0.0


def test_what_is_asked_for_is_done_between_images_and_its_errors_are_the_askers(bench):
    made = bench()
    made.send(1, 2, 3)
    assert made.worker.do(lambda: threading.current_thread()).result(PATIENCE) is made.worker
    with pytest.raises(ZeroDivisionError):
        made.worker.do(lambda: 1 // 0).result(PATIENCE)
    made.wait(lambda: not made.mailbox._items)
    made.worker.do(made.worker.reset).result(PATIENCE)
    made.send(4, 5, 6, 7, 8)
    made.wait(lambda: made.worker.progress.published == 5)
    assert made.stamps == [4, 5, 6, 7, 8]
    assert made.worker.progress.dropped['reset'] == 3
    made.worker.do(made.worker.begin_segment).result(PATIENCE)
    made.stop()
    assert made.worker.do(lambda: None).cancelled()


def test_the_stride_and_the_latency_change_live(bench):
    made = bench(config=StreamConfig(window=5, overlap=2, stride=3, cuts=False))
    made.send(*range(1, 6))
    made.wait(lambda: made.worker.progress.published == 5)
    smooth = StreamConfig(window=5, overlap=2, stride=1, cuts=False, latency='smooth')
    made.worker.do(lambda: made.worker.change(smooth)).result(PATIENCE)
    made.send(6, 7)
    time.sleep(0.2)
    assert made.worker.progress.published == 5  # the newest two are held back
    made.send(8)
    made.wait(lambda: made.worker.progress.published == 6)
    assert made.worker.progress.stride == 1
    with pytest.raises(ValueError, match='window is 5 as long as the stream lasts, got 9'):
        made.worker.do(lambda: made.worker.change(
            StreamConfig(window=9, overlap=2))).result(PATIENCE)
