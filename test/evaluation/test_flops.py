"""What the light codec costs beside the full one, in counted operations at full width."""

import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')

from dvd_ros.evaluation.window_flops import window_flops  # noqa: E402
from dvd_ros.model import DvdConfig, DvdModel  # noqa: E402

SIZE = (480, 640)


@pytest.fixture(scope='module')
def wan():
    return DvdConfig.wan21_1_3b()


@pytest.fixture(scope='module')
def full(wan):
    return window_flops(wan, 'full', 13, SIZE)


@pytest.mark.parametrize('form', ['light', 'taew2_1'])
def test_a_window_with_a_light_codec_costs_a_quarter(wan, full, form):
    light = window_flops(wan, form, 13, SIZE)
    assert light.codec <= full.codec / 20
    assert light.total <= full.total / 4
    assert light.transform == full.transform


def test_a_published_frame_costs_less_than_a_third_of_the_references(wan):
    light = window_flops(wan, 'light', 13, SIZE).total / (13 - 5)
    assert light <= window_flops(wan, 'reference', 81, SIZE).total / (81 - 21) / 3.5


def test_the_count_is_that_of_known_layers(full):
    """The transformer's matrices by hand: 4800 tokens, 30 layers of width 1536."""
    tokens, width, ffn = 4 * 30 * 40, 1536, 8960
    layer = 2 * tokens * (4 * width ** 2 + 2 * width * ffn) + 4 * tokens ** 2 * width
    ends = 2 * tokens * width * 2 * 64
    assert full.transform == 30 * layer + ends


def test_what_is_counted_is_what_runs(tiny):
    """On real weights, by the same counter: meta tensors take no other way."""
    from torch.utils.flop_counter import FlopCounterMode
    model = DvdModel.from_folder(tiny).specialise()
    with FlopCounterMode(display=False) as counter:
        model.predict(torch.rand(9, 3, 32, 48))
    found = window_flops(model.config, 'full', 9, (32, 48))
    assert found.total == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_the_public_codec_is_for_wan_alone(tiny):
    with pytest.raises(ValueError, match='16 latent channels of 8x8 pixels, the config has 8 of'):
        window_flops(DvdConfig.load(tiny / 'config.json'), 'taew2_1', 9, (32, 48))


@pytest.mark.parametrize(('argument', 'words'), [
    (('fast', 13, SIZE), "form must be one of .*'fast'"), (('full', 12, SIZE), r'4n\+1'),
    (('full', 13, (480, 641)), 'multiples of 16')])
def test_bad_arguments_are_named(wan, argument, words):
    with pytest.raises(ValueError, match=words):
        window_flops(wan, *argument)
