"""Scenes rendered while training: the ring holds what the step says, and no more."""

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('numba')

from dvd_ros.training import fresh_scenes  # noqa: E402
from dvd_ros.training.fresh_scenes import FreshScenes, render_scene  # noqa: E402
from dvd_ros.training.render import RenderConfig, render_clip  # noqa: E402

SMALL = RenderConfig(frames=1, height=32, width=48)


class Here:
    """A pool that works at once, in this process."""

    def __init__(self, processes, context):
        self.asked = []

    def submit(self, function, seed, config):
        from concurrent.futures import Future
        self.asked.append(seed)
        done = Future()
        done.set_result((np.full((1, 32, 48, 3), seed % 100, np.uint8),
                         np.full((1, 32, 48), seed % 100, np.float16)))
        return done

    def shutdown(self, **options):
        pass


class Ramp(Here):
    """Scenes of one slope, each in a grey of its own."""

    def submit(self, function, seed, config):
        done = super().submit(function, seed, config)
        number = seed % 100
        images = np.full((1, config.height, config.width, 3), 10 * number, np.uint8)
        slope = np.linspace(0.1, 1, config.width, dtype=np.float16)
        replaced = type(done)()
        replaced.set_result((images, np.broadcast_to(slope, images.shape[:3])))
        return replaced


@pytest.fixture
def ring(monkeypatch):
    monkeypatch.setattr(fresh_scenes, 'ProcessPoolExecutor', Here)
    return lambda: FreshScenes(10, SMALL, kept=4, per_step=0.5, processes=1)


def seeds(scenes):
    return [int(scenes.clip(i)[0][0, 0, 0, 0]) for i in range(len(scenes))]


def test_old_scenes_leave_and_new_ones_come_by_the_step(ring):
    scenes = ring()
    seen = []
    for step in range(6):
        scenes.advance(step)
        seen.append(seeds(scenes))
    assert seen == [[10, 11, 12, 13]] * 2 + [[11, 12, 13, 14]] * 2 + [[12, 13, 14, 15]] * 2
    # None is rendered twice, and few ahead.
    assert scenes._pool.asked == list(range(10, 18))
    assert len(scenes._clips) == 6


def test_a_run_that_goes_on_has_the_ring_it_would_have_had(ring):
    whole, again = ring(), ring()
    for step in range(8):
        whole.advance(step)
    again.advance(7)
    assert seeds(again) == seeds(whole)
    assert again._pool.asked[0] == 13


def test_views_are_cut_from_the_ring(ring):
    scenes = ring()
    scenes.advance(0)
    images, disparity = scenes.view(np.random.default_rng(0), 1, (32, 48))
    assert images.shape == (1, 32, 48, 3)
    assert 10 <= disparity.mean() <= 13
    assert scenes.facts()['rendered_per_s'] > 0


def test_a_finetuning_draws_from_the_ring(monkeypatch):
    pytest.importorskip('accelerate')
    from dvd_ros.training.finetune_config import FinetuneConfig
    from dvd_ros.training.read_config import build
    from dvd_ros.training.sequence_passes import SequencePasses, held_out_batches
    from dvd_ros.training.sequence_sources import open_sources
    monkeypatch.setattr(fresh_scenes, 'ProcessPoolExecutor', Ramp)
    config = build(FinetuneConfig, {
        'data': [{'kind': 'fresh', 'use': 'image', 'options': {'kept': 4, 'views': 4}}],
        'sampling': {'image_odds': 1, 'image_batch': 8, 'rounds': 2, 'images_at_once': 8,
                     'size': [32, 48]}})
    sources = open_sources(config)
    assert held_out_batches(config, sources) == []
    passes = SequencePasses(config, sources)
    # 16 views a step, each scene seen about 4 times: 4 new ones a step.
    seen = [{round(float(view.max()), 3) for one in passes(step, 0, 1)
             for view in one.batch['images']} for step in range(4)]
    assert all(len(step) >= 2 for step in seen)
    assert not seen[0] & seen[1]
    assert passes.facts().keys() == {'rendered_per_s', 'waited_s'}
    passes.close()
    for options, words in (({'kept': 0}, 'kept=0'), ({'colour': 1}, "'colour'.*known are kept")):
        bad = build(FinetuneConfig, {
            'data': [{'kind': 'fresh', 'use': 'image', 'options': options}],
            'sampling': {'image_odds': 1}})
        with pytest.raises(ValueError, match=words):
            open_sources(bad)


def test_processes_render_what_this_one_would():
    with FreshScenes(10, SMALL, kept=1, per_step=1.0, processes=1) as scenes:
        scenes.advance(0)
        images, disparity = scenes.clip(0)
        assert scenes.waited > 0
    clip = render_clip(10, SMALL)
    assert np.array_equal(images, clip.images)
    assert np.array_equal(disparity, (1 / clip.depth).astype(np.float16))
    assert np.array_equal(render_scene(10, SMALL)[0], images)


@pytest.mark.parametrize('bad', [{'kept': 0}, {'per_step': 0}, {'processes': 0}])
def test_bad_numbers_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        FreshScenes(10, SMALL, **{'kept': 1, 'per_step': 1.0, 'processes': 1, **bad})
