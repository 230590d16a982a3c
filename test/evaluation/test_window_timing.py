"""What is measured is attributed to its stage, and put in relation to the reference."""

import time

import numpy as np
import pytest

from dvd_ros.evaluation.window_timing import (
    WindowTiming,
    peak_flops,
    peak_memory,
    stream_rate,
    table,
    time_window,
)
from dvd_ros.regressor.protocol import STAGES


class Sleeper:
    """A regressor whose transformer takes long."""

    name, window, size, on_stage, calls = 'sleeper', 9, (8, 12), None, 0

    def predict(self, images):
        self.calls += 1
        for stage in STAGES:
            if stage == 'transform':
                time.sleep(0.02)
            if self.on_stage:
                self.on_stage(stage)
        return np.linspace(0, 1, images[..., 0].size, dtype=np.float32).reshape(images.shape[:3])


def test_time_is_put_down_to_its_stage():
    regressor = Sleeper()
    timing = time_window(regressor, 'row', 9, 5, (8, 12), repeats=2)
    assert regressor.calls == 3
    assert regressor.on_stage is None
    assert max(timing.stages, key=timing.stages.get) == 'transform'
    assert timing.total >= 0.02
    assert timing.per_frame == pytest.approx(timing.total / 4)


def test_the_stream_counts_only_what_is_published():
    regressor = Sleeper()
    assert 0 < stream_rate(regressor, 9, 5, (8, 12), windows=2) <= 4 / 0.02
    assert regressor.calls == 3


@pytest.mark.parametrize(('argument', 'words'), [
    ({'overlap': 9}, 'overlap must be'), ({'window': 8}, r'4n\+1'), ({'repeats': 0}, 'repeats')])
def test_bad_arguments(argument, words):
    with pytest.raises(ValueError, match=words):
        time_window(Sleeper(), 'row', **{'window': 9, 'overlap': 5, 'size': (8, 12)} | argument)


def test_the_table_relates_rows_to_the_last():
    stages = dict.fromkeys(STAGES, 0.1)
    rows = [WindowTiming('fast', 13, 5, stages, 8_000_000_000, 2_000_000),
            WindowTiming('slow', 13, 5, {**stages, 'decode': 0.6}, None, None)]
    lines = table(rows, peak=32e9).splitlines()
    assert lines[1].split() == ['fast', '13/5', *['100.0'] * 5, '500.0', '62.50', '1.0', '50%', '2',
                                '2.00x']
    assert lines[2].split()[-5:] == ['125.00', '-', '-', '-', '1.00x']


def test_the_machine_is_measured():
    assert peak_flops(256, 0.01) > 1e6
    memory = peak_memory()
    assert memory is None or memory > 1_000_000


def test_flops_of_known_functions():
    torch = pytest.importorskip('torch')
    from dvd_ros.evaluation.flops import count_flops
    one, other = torch.zeros(3, 4, device='meta'), torch.zeros(4, 5, device='meta')
    assert count_flops(torch.matmul, one, other) == 2 * 3 * 4 * 5
    image, kernel = torch.zeros(1, 2, 6, 6), torch.zeros(7, 2, 3, 3)
    assert count_flops(torch.nn.functional.conv2d, image, kernel) == 2 * 7 * 2 * 9 * 4 * 4
    query = torch.zeros(1, 1, 6, 8)
    attention = torch.nn.functional.scaled_dot_product_attention
    assert count_flops(attention, query, query, query) == 2 * 2 * 6 * 6 * 8
