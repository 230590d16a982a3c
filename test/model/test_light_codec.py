"""The light codec: causal, the same in a stream as over a window, strictly loaded."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from dvd_ros.model import CheckpointError, DvdConfig, DvdModel
from dvd_ros.model.light_checkpoint import load_light, make_light, write_light
from dvd_ros.model.light_codec import LightSizes

EXACT = 1e-5
SIZES = LightSizes(latents=8, factor=8, widths=(4, 6, 8), encoder_blocks=(1, 1, 2),
                   decoder_blocks=(1, 1, 1))


@pytest.fixture(scope='module')
def codec():
    torch.manual_seed(0)
    made = make_light(SIZES).requires_grad_(False)
    # Fresh blocks add nothing yet.
    for name, parameter in made.named_parameters():
        if name.endswith('out.weight'):
            parameter.normal_(0, 0.3)
    return made


@pytest.fixture(scope='module')
def video():
    return torch.rand(13, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope='module')
def latents():
    return torch.randn(8, 4, 4, 6, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope='module')
def written(tiny, tmp_path_factory):
    """A light codec of the tiny model, its file and that model."""
    model = DvdModel.from_folder(tiny)
    sizes = LightSizes.of(model.config)
    torch.manual_seed(5)
    made = make_light(sizes).requires_grad_(False)
    path = tmp_path_factory.mktemp('light') / 'light.safetensors'
    write_light(path, made, sizes, model.vae, torch.float32)
    return model, made, path


@pytest.mark.parametrize('factor', [4, 8, 16, 32])
def test_shapes_of_any_full_codec(factor):
    made = make_light(LightSizes(5, factor, (4, 4, 4)))
    for frames in (1, 5, 13):
        video = torch.rand(frames, 3, 2 * factor, 3 * factor)
        found = made.encoder(video)
        assert found.shape == (5, frames // 4 + 1, 2, 3)
        disparity = made.decoder(found)
        assert disparity.shape == (frames, 2 * factor, 3 * factor)
        assert 0 <= disparity.min() <= disparity.max() <= 1


@pytest.mark.parametrize('cuts', [[1, 4, 4, 4], [5, 8], [9, 4], [1, 12]])
def test_an_encoded_stream_is_the_whole_window(codec, video, cuts):
    whole, state, parts = codec.encoder(video), None, []
    for chunk in video.split(cuts):
        part, state = codec.encoder.stream(chunk, state)
        parts.append(part)
    assert (torch.cat(parts, 1) - whole).abs().max() <= EXACT
    # A stream that forgot would differ.
    assert (codec.encoder(video[-9:])[:, 1:] - whole[:, -2:]).abs().max() > 100 * EXACT


@pytest.mark.parametrize('cuts', [[1, 1, 1, 1], [2, 2], [3, 1]])
def test_a_decoded_stream_is_the_whole_window(codec, latents, cuts):
    whole, state, parts = codec.decoder(latents), None, []
    for chunk in latents.split(cuts, 1):
        part, state = codec.decoder.stream(chunk, state)
        parts.append(part)
    assert [len(part) for part in parts] == [4 * cuts[0] - 3, *(4 * cut for cut in cuts[1:])]
    assert (torch.cat(parts) - whole).abs().max() <= EXACT
    assert whole.std() > 1e-2


def test_the_future_changes_nothing(codec, video, latents):
    later = video.clone()
    later[5:] = 0
    assert torch.equal(codec.encoder(video)[:, :2], codec.encoder(later)[:, :2])
    assert not torch.equal(codec.encoder(video)[:, 2], codec.encoder(later)[:, 2])
    other = latents.clone()
    other[:, 2:] = 0
    assert torch.equal(codec.decoder(latents)[:5], codec.decoder(other)[:5])


def test_every_frame_reaches_its_latent(codec, video):
    """A frame that is lost in the pairing would leave the network blind to it."""
    base = codec.encoder(video)
    for frame in range(13):
        changed = video.clone()
        changed[frame] += 0.1
        difference = (codec.encoder(changed) - base).abs().amax((0, 2, 3))
        assert difference[(frame + 3) // 4] > EXACT


def test_a_batch_is_its_windows(codec, video, latents):
    videos = torch.stack([video, video.flip(0)])
    assert (codec.encoder(videos)[1] - codec.encoder(video.flip(0))).abs().max() <= EXACT
    batch = torch.stack([latents, latents.flip(1)])
    assert (codec.decoder(batch)[1] - codec.decoder(latents.flip(1))).abs().max() <= EXACT


def test_frames_that_make_no_latent_are_refused(codec, video):
    with pytest.raises(ValueError, match=r'4n\+1 at the start.*got 4'):
        codec.encoder(video[:4])
    _, state = codec.encoder.stream(video[:5])
    with pytest.raises(ValueError, match='takes 4n frames, got 5'):
        codec.encoder.stream(video[5:10], state)


@pytest.mark.parametrize(('bad', 'words'), [
    ({'latents': 0}, 'latents=0'), ({'factor': 6}, 'factor=6 must be a multiple of 4'),
    ({'widths': (1, 2)}, 'widths=.*three'), ({'decoder_blocks': (1, -1, 0)}, 'decoder_blocks')])
def test_sizes_check_themselves(bad, words):
    with pytest.raises(ValueError, match=words):
        LightSizes(**{'latents': 8, 'factor': 8, 'widths': (4, 4, 4)} | bad)


def test_it_takes_the_place_of_the_full_codec(written):
    model, made, _ = written
    fast, full = model.specialise(made), model.specialise()
    clip = torch.rand(9, 3, 32, 48)
    found = fast.encode(clip)
    assert found.shape == full.encode(clip).shape
    assert torch.equal(found, made.encoder(clip * 2 - 1))
    assert torch.equal(fast.regress(found), full.regress(found))
    assert torch.equal(fast.predict(clip), made.decoder(full.regress(found)))
    with pytest.raises(ValueError, match='specialised already'):
        full.specialise(made)


def test_a_written_codec_is_read_back(written, video):
    model, made, path = written
    read = load_light(path, model.config, model.vae)
    assert torch.equal(read.encoder(video), made.encoder(video))
    half = load_light(path, model.config, model.vae, dtype=torch.bfloat16)
    assert {value.dtype for value in half.state_dict().values()} == {torch.bfloat16}
    disparity = half.decoder(half.encoder(video.bfloat16()))
    assert disparity.dtype == torch.float32


def test_a_half_precision_vae_is_the_same_teacher(written, tiny):
    model, _, path = written
    half = DvdModel.from_folder(tiny, dtype=torch.bfloat16)
    load_light(path, model.config, half.vae)


@pytest.mark.parametrize('framewise', [False, True])
@pytest.mark.parametrize('end', ['encoder.conv_out', 'decoder.conv_in'])
def test_a_codec_of_another_vae_is_refused(tiny, tmp_path, framewise, end):
    model, other = DvdModel.from_folder(tiny), DvdModel.from_folder(tiny)
    if framewise:  # as in the shipped model, whose kernels see the newest frame alone
        for vae in (model.vae, other.vae):
            for module in vae.modules():
                if getattr(module, 'kernel_size', None) == (3, 3, 3):
                    module.weight.data[:, :, :-1] = 0
    sizes = LightSizes.of(model.config)
    path = write_light(tmp_path / 'light.safetensors', make_light(sizes), sizes, model.vae)
    load_light(path, model.config, model.vae)
    other.vae.get_submodule(end).weight.data.mul_(1.1)
    with pytest.raises(CheckpointError, match='distilled from another VAE.*dvd-ros train codec'):
        load_light(path, model.config, other.vae)


@pytest.mark.parametrize('damage', ['missing', 'unexpected', 'misshapen'])
def test_a_codec_that_does_not_fit_names_the_key(written, tmp_path, damage):
    model, _, path = written
    state, key = load_file(path), 'encoder.parts.0.mix.weight'
    if damage == 'missing':
        del state[key]
    elif damage == 'misshapen':
        state[key] = state[key][:1].contiguous()
    else:
        key = 'encoder.parts.99.mix.weight'
        state[key] = torch.zeros(3)
    bad = tmp_path / 'bad.safetensors'
    sizes = LightSizes.of(model.config).to_dict()
    save_file(state, bad, metadata={'light_codec_sizes': json.dumps(sizes)})
    with pytest.raises(CheckpointError, match=f'1 {damage}: {key}'):
        load_light(bad, model.config)


@pytest.mark.parametrize(('metadata', 'words'), [
    ({}, 'has no sizes'), ({'light_codec_sizes': '{'}, 'sizes of a light codec that do not work'),
    ({'light_codec_sizes': '{"speed": 3}'}, 'do not work.*speed')])
def test_a_file_without_sizes_is_refused(written, tmp_path, metadata, words):
    model, _, path = written
    bad = tmp_path / 'bad.safetensors'
    save_file(load_file(path), bad, metadata=metadata)
    with pytest.raises(CheckpointError, match=words):
        load_light(bad, model.config)


def test_latents_of_another_size_are_refused(written):
    with pytest.raises(CheckpointError, match='8 latent channels of 8x8 pixels.*16 of 8x8'):
        load_light(written[2], DvdConfig.wan21_1_3b())


def test_weights_that_float16_cannot_hold_are_not_written(written, tmp_path):
    model, _, _ = written
    sizes = LightSizes.of(model.config)
    made = make_light(sizes).requires_grad_(False)
    made.encoder.enter.bias[0] = 1e6
    with pytest.raises(ValueError, match='not finite in torch.float16.*encoder.enter.bias'):
        write_light(tmp_path / 'light.safetensors', made, sizes, model.vae)
    assert list(tmp_path.iterdir()) == []
