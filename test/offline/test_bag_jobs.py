"""Where each bag goes."""

from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

from dvd_ros.offline.bag_jobs import place_jobs  # noqa: E402
from dvd_ros.offline.bag_settings import BagSettings  # noqa: E402


def places(sources, out):
    return [str(job.out) for job in place_jobs([Path(one) for one in sources], str(out),
                                               BagSettings(), False)]


def test_one_bag_becomes_out_and_several_go_into_it(tmp_path):
    out = tmp_path / 'out'
    assert places(['a/ride'], out) == [str(out)]
    assert places(['a/ride'], f'{out}/') == [f'{out}/ride']
    assert places(['a/ride', 'b/walk_0.mcap'], out) == [f'{out}/ride', f'{out}/walk_0']
    out.mkdir()
    assert places(['a/ride.v2'], out) == [f'{out}/ride.v2']
    (out / 'metadata.yaml').touch()   # it is a bag
    assert places(['a/ride'], out) == [str(out)]


def test_two_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match='a/ride, b/ride have the same name'):
        places(['a/ride', 'b/ride'], tmp_path)
