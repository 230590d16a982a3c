"""Views of data sets: normalised, filled, the same on any number of processes; bad ones passed."""

from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')
pytest.importorskip('accelerate')

from dvd_ros.datasets import BadSample, Sample  # noqa: E402
from dvd_ros.training.finetune_config import FinetuneConfig  # noqa: E402
from dvd_ros.training.read_config import build  # noqa: E402
from dvd_ros.training.sequence_passes import SequencePasses, held_out_batches  # noqa: E402
from dvd_ros.training.sequence_sources import open_sources  # noqa: E402
from dvd_ros.training.views import Cut  # noqa: E402


def config(**sampling):
    return build(FinetuneConfig, {
        'data': [{'kind': 'made', 'use': 'image', 'folder': 'ramps'},
                 {'kind': 'made', 'use': 'clip', 'folder': 'ramps'}],
        'sampling': {'size': [32, 48], 'frames': 5, 'image_batch': 6, 'clip_batch': 3,
                     'rounds': 2, 'images_at_once': 2, 'image_odds': 0.5, 'workers': 0,
                     **sampling}})


def sample(depth, image=None):
    shape = depth.shape
    return Sample(np.zeros((*shape, 3), np.uint8) if image is None else image,
                  depth.astype(np.float32), 0)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_disparity_is_normalised_over_the_whole_clip():
    ramp = np.linspace(1, 9, 48)[None].repeat(32, 0)
    view = Cut((32, 48), flip=False).view('a', [sample(ramp), sample(2 * ramp)], rng())
    disparity = np.stack([1 / ramp, 0.5 / ramp])
    low, high = np.quantile(disparity, [0.02, 0.98])
    expected = np.clip((disparity - low) / (high - low), 0, 1)
    np.testing.assert_allclose(view['target'], expected, atol=1e-5)
    assert view['target'][1].max() < view['target'][0].max() == 1
    assert view['valid'].min() == 1


def test_sky_is_farthest_and_what_is_unknown_takes_its_neighbours_disparity():
    depth = np.linspace(1, 4, 48)[None].repeat(32, 0)
    depth[:8] = np.inf
    depth[20:24, 10:14] = np.nan
    depth[24:28, 10:14] = 0
    view = Cut((32, 48), flip=False).view('a', [sample(depth)], rng())
    assert view['target'][0, :8].max() == 0
    assert view['valid'][0, :8].min() == 1
    hole = np.zeros((32, 48), bool)
    hole[20:28, 10:14] = True
    assert np.array_equal(view['valid'][0].numpy() == 0, hole)
    filled = view['target'][0, 20:28, 10:14]
    assert filled.min() >= view['target'][0, 20, 14] - 1e-6
    assert filled.max() <= view['target'][0, 20, 9] + 1e-6
    far = Cut((32, 48), flip=False, far=2).view('a', [sample(depth)], rng())
    assert far['target'][0, 12, 17:].max() == 0


def test_cut_and_mirror_keep_image_and_depth_together(ramps):
    seen = set()
    for seed in range(16):
        frames = [ramps['ramps'][0][i] for i in (0, 1)]
        view = Cut((32, 48), crop=0.5).view('a', frames, rng(seed))
        red = view['images'][:, 0].numpy()
        low, high = np.quantile(red, [0.02, 0.98])
        np.testing.assert_allclose(np.clip((red - low) / (high - low), 0, 1), view['target'],
                                   atol=0.05)
        seen.add(bool(view['target'][0, 0, 0] > view['target'][0, 0, -1]))
    assert seen == {False, True}


@pytest.mark.parametrize(('frames', 'words'), [
    ([sample(np.ones((4, 6)), np.zeros((8, 6, 3), np.uint8))], 'depth of another size: 4x6 .* 8x6'),
    ([sample(np.ones((4, 6))), sample(np.ones((4, 8)))], 'frames of 4x8 after 4x6'),
    ([sample(np.full((4, 6), np.nan))], 'known in 0% of the pixels'),
    ([sample(np.arange(24.).reshape(4, 6))] * 3 + [sample(np.zeros((4, 6)))],
     'a frame without depth'),
    ([sample(np.ones((4, 6)))], 'without relief')])
def test_what_makes_no_view_is_named(frames, words):
    with pytest.raises(BadSample, match=words):
        Cut((32, 48)).view('a', frames, rng())


def flat(passes):
    """The views of passes one by one, as numbers that tell them apart; and their weights."""
    return [(float(view.sum()), one.weight / len(one.batch['images'])) for one in passes
            for view in one.batch['images']]


def test_any_number_of_processes_sees_the_same_views(ramps):
    made = config()
    for step in range(4):
        alone = flat(SequencePasses(made, open_sources(made))(step, 0, 1))
        shared = [flat(SequencePasses(made, open_sources(made))(step, rank, 3))
                  for rank in range(3)]
        assert sorted(view for part in shared for view, _ in part) == sorted(v for v, _ in alone)
        assert sum(weight for _, weight in alone) == pytest.approx(1)
        # Gradients are averaged over the processes, so all weights add up to their number.
        assert sum(weight for part in shared for _, weight in part) == pytest.approx(3)
        assert {len(part) for part in shared} == {len(alone) // 3}
    clips = config(image_odds=0)
    passes = SequencePasses(clips, open_sources(clips))
    with pytest.raises(ValueError, match='clip_batch=3 cannot be shared by 4'):
        passes(0, 0, 4)


def test_steps_out_of_turn_and_workers_make_no_difference(ramps):
    made = config()
    passes = SequencePasses(made, open_sources(made))
    first = [flat(passes(step, 0, 1)) for step in (0, 1, 2)]
    assert flat(passes(1, 0, 1)) == first[1]
    reading = config(workers=1)
    passes = SequencePasses(reading, open_sources(reading))
    assert [flat(passes(step, 0, 1)) for step in (1, 2)] == first[1:]


def test_images_and_clips_come_by_the_odds(ramps):
    made = config(image_odds=0.25, rounds=1)
    passes = SequencePasses(made, open_sources(made))
    frames = Counter(passes(step, 0, 1)[0].batch['images'].shape[1] for step in range(80))
    assert 10 <= frames[1] <= 30
    assert frames[1] + frames[5] == 80
    # Each is as large as asked for: passes of at most two images, one clip.
    assert {len(one.batch['images']) for step in range(8) for one in passes(step, 0, 1)} <= {1, 2}


def test_held_out_sequences_are_never_trained_on(ramps):
    made = config(held_out=0.3, held_out_views=8)
    for one in open_sources(made):
        names = {s.name for s in one.trained}, {s.name for s in one.held_out}
        assert names[1]
        assert not names[0] & names[1]
        assert len(names[0] | names[1]) == 6
    held = held_out_batches(made, open_sources(made))
    assert len(held) == 8
    assert {batch['images'].shape[1] for batch in held} == {1, 5}
    again = held_out_batches(made, open_sources(made))
    assert all(torch.equal(a['images'], b['images']) for a, b in zip(held, again, strict=True))


def test_bad_samples_are_counted_and_others_drawn_in_their_place(ramps, caplog):
    for sequence in ramps['ramps'][:3]:
        sequence.bad = set(range(4, 30))
    made = config(held_out=0)
    passes = SequencePasses(made, open_sources(made))
    steps = [passes(step, 0, 1) for step in range(4)]
    assert sum(one.skipped for step in steps for one in step) > 0
    assert 'damaged image' in caplog.text
    sizes = {one.batch['images'].shape[1:] for step in steps for one in step}
    assert sizes == {(1, 3, 32, 48), (5, 3, 32, 48)}
    again = SequencePasses(made, open_sources(made))
    assert [flat(again(step, 0, 1)) for step in range(4)] == [flat(step) for step in steps]


def test_too_many_bad_samples_in_a_row_stop_the_run(ramps):
    for sequence in ramps['ramps']:
        sequence.bad = set(range(30))
    made = config(bad_in_a_row=5)
    with pytest.raises(ValueError, match=r'(?s)5 samples in a row .*ramps.*damaged image'):
        SequencePasses(made, open_sources(made))(0, 0, 1)


def test_too_short_sequences_are_said(ramps):
    ramps['ramps'] = ramps['ramps'][:2]
    with pytest.raises(ValueError, match='no sequence of 33 frames, the longest has 13'):
        open_sources(config(frames=33))
