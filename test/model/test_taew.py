"""The public taew2_1's layout: names and shapes as in its source, layers against plain torch."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from dvd_ros.model import CheckpointError, DvdConfig
from dvd_ros.model.frame_memory import Memory
from dvd_ros.model.light_checkpoint import LightCodec, load_light
from dvd_ros.model.taew import TaewDecoder, TaewEncoder, walk

EXACT = 1e-5


def block(name, channels):
    """Of two frames' features to one's: three convolutions."""
    return {f'{name}.conv.{i}.{leaf}': shape for i, inputs in ((0, 2), (2, 1), (4, 1))
            for leaf, shape in (('weight', (channels, inputs * channels, 3, 3)),
                                ('bias', (channels,)))}


def layout():
    """Tensors of taew2_1.pth, from the constructor of TAEHV (madebyollin/taehv, taehv.py)."""
    shapes = {'encoder.0.weight': (64, 3, 3, 3), 'encoder.0.bias': (64,),
              'encoder.17.weight': (16, 64, 3, 3), 'encoder.17.bias': (16,),
              'decoder.1.weight': (256, 16, 3, 3), 'decoder.1.bias': (256,),
              'decoder.22.weight': (3, 64, 3, 3), 'decoder.22.bias': (3,)}
    for first, frames in ((2, 2), (7, 2), (12, 1)):
        shapes[f'encoder.{first}.conv.weight'] = (64, frames * 64, 1, 1)
        shapes[f'encoder.{first + 1}.weight'] = (64, 64, 3, 3)
        for i in range(first + 2, first + 5):
            shapes |= block(f'encoder.{i}', 64)
    for first, width, after, frames in ((3, 256, 128, 1), (9, 128, 64, 2), (15, 64, 64, 2)):
        for i in range(first, first + 3):
            shapes |= block(f'decoder.{i}', width)
        shapes[f'decoder.{first + 4}.conv.weight'] = (frames * width, width, 1, 1)
        shapes[f'decoder.{first + 5}.weight'] = (after, width, 3, 3)
    return shapes


@pytest.fixture(scope='module')
def state():
    torch.manual_seed(0)
    return {name: torch.randn(shape) * (0.5 / max(1, torch.Size(shape[1:]).numel()) ** 0.5)
            for name, shape in layout().items()}


@pytest.fixture(scope='module')
def codec(state, tmp_path_factory):
    path = tmp_path_factory.mktemp('taew') / 'taew2_1.pth'
    torch.save(state, path)
    return load_light(path, DvdConfig.wan21_1_3b())


def test_the_layout_is_the_public_one():
    made = LightCodec(TaewEncoder(), TaewDecoder()).state_dict()
    assert {name: tuple(value.shape) for name, value in made.items()} == layout()


def test_safetensors_and_pth_are_one_codec(state, codec, tmp_path):
    save_file(state, tmp_path / 'taew.safetensors')
    other = load_light(tmp_path / 'taew.safetensors', DvdConfig.wan21_1_3b())
    assert all(torch.equal(one, two) for one, two in zip(
        codec.state_dict().values(), other.state_dict().values(), strict=True))


def test_what_does_not_fit_is_named(state, tiny, tmp_path):
    bad = {name: value for name, value in state.items() if name != 'encoder.7.conv.weight'}
    bad['decoder.13.conv.weight'] = torch.zeros(128, 128, 1, 1)
    save_file(bad, tmp_path / 'bad.safetensors')
    with pytest.raises(CheckpointError, match=r'1 missing: encoder\.7\.conv\.weight; 1 misshapen: '
                                              r'decoder\.13\.conv\.weight'):
        load_light(tmp_path / 'bad.safetensors', DvdConfig.wan21_1_3b())
    with pytest.raises(CheckpointError, match='16 latent channels .* the model has 8'):
        load_light(tmp_path / 'bad.safetensors', DvdConfig.load(tiny / 'config.json'))


@pytest.mark.parametrize('frames', [1, 5, 13])
def test_shapes(codec, frames):
    latents = codec.encoder(torch.rand(frames, 3, 16, 24) * 2 - 1)
    assert latents.shape == (16, frames // 4 + 1, 2, 3)
    disparity = codec.decoder(latents)
    assert disparity.shape == (frames, 16, 24)
    assert 0 <= disparity.min() < disparity.max() <= 1


def test_the_first_layers_by_hand(codec, state):
    """Of four frames: in 0..1, two of them become one, and the first block sees no past."""
    video = torch.rand(1, 4, 3, 16, 16) * 2 - 1
    frames = functional.relu(functional.conv2d((video[0] + 1) / 2, state['encoder.0.weight'],
                                               state['encoder.0.bias'], padding=1))
    pairs = torch.stack([torch.cat([frames[0], frames[1]]), torch.cat([frames[2], frames[3]])])
    x = functional.conv2d(pairs, state['encoder.2.conv.weight'])
    x = functional.conv2d(x, state['encoder.3.weight'], stride=2, padding=1)
    mixed = torch.cat([x, torch.stack([torch.zeros_like(x[0]), x[0]])], 1)
    for i in (0, 2, 4):
        mixed = functional.conv2d(mixed if i == 0 else functional.relu(mixed),
                                  state[f'encoder.4.conv.{i}.weight'],
                                  state[f'encoder.4.conv.{i}.bias'], padding=1)
    ours = walk([codec.encoder[i] for i in range(5)], (video + 1) / 2, Memory(None))
    assert (ours[0] - functional.relu(mixed + x)).abs().max() <= EXACT


def test_the_last_layers_by_hand(codec, state):
    """One frame becomes two in order of time, after the larger size; no ReLU before the last."""
    x = torch.randn(1, 1, 64, 4, 4)
    wide = x[0].repeat_interleave(2, 2).repeat_interleave(2, 3)
    both = functional.conv2d(wide, state['decoder.19.conv.weight'])
    frames = functional.conv2d(torch.cat([both[:, :64], both[:, 64:]]),
                               state['decoder.20.weight'], padding=1)
    rgb = functional.conv2d(functional.relu(frames), state['decoder.22.weight'],
                            state['decoder.22.bias'], padding=1)
    ours = walk([codec.decoder[i] for i in range(18, 23)], x, Memory(None))
    assert (ours[0] - rgb).abs().max() <= EXACT


def test_disparity_is_the_mean_of_clamped_rgb(codec):
    latents = torch.randn(16, 2, 2, 2)
    rgb = walk(codec.decoder, latents.transpose(0, 1)[None], Memory(None))[0]
    assert rgb.shape[0] == 8
    assert torch.equal(codec.decoder(latents), rgb[3:].clamp(0, 1).mean(1))


def test_a_stream_is_the_whole_window(codec):
    video = torch.rand(1, 12, 3, 16, 16) * 2 - 1
    # Filled up with its last frame, a window of nine is these twelve.
    video[:, 9:] = video[:, 8:9]
    latents, state, parts = codec.encoder(video[:, :9]), None, []
    for chunk in video.split(4, 1):
        part, state = codec.encoder.stream(chunk, state)
        parts.append(part)
    assert (torch.cat(parts, 2) - latents).abs().max() <= EXACT
    whole, state, parts = codec.decoder(latents), None, []
    for chunk in latents.split(1, 2):
        part, state = codec.decoder.stream(chunk, state)
        parts.append(part)
    assert (torch.cat(parts, 1) - whole).abs().max() <= EXACT
    with pytest.raises(ValueError, match='taew encodes 4n frames of a stream, got 5'):
        codec.encoder.stream(video[:, :5])
