"""The folded, whole-window network against the one it was made from."""

import pytest
import torch

from dvd_ros.model import DvdConfig, DvdModel

CLIPS = ('clip1', 'clip9', 'clip11', 'clip13')
EXACT = 1e-5


def distance(a, b):
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    return (a - b).abs().max().item()


@pytest.mark.parametrize('clip', CLIPS)
def test_the_transformer_is_the_unfolded_one(model, io, clip):
    latents = io[f'{clip}.latents']
    fast = model.specialise()
    assert distance(fast.regress(latents), model.regress(latents)) <= EXACT
    assert distance(fast.regress(latents), io[f'{clip}.dit_out']) <= 5e-5


@pytest.mark.parametrize('clip', CLIPS)
def test_the_codec_is_the_chunked_one(whole_model, whole_io, clip):
    fast = whole_model.specialise()
    frames = whole_io[f'{clip}.clip']
    assert distance(fast.encode(frames), whole_model.encode(frames)) <= EXACT
    latents = whole_io[f'{clip}.dit_out']
    assert distance(fast.decode(latents), whole_model.decode(latents)) <= EXACT
    assert distance(fast.predict(frames), whole_model.predict(frames)) <= EXACT


def test_the_codec_of_the_plain_clone(model, rounded):
    fast, clip = model.specialise(), rounded['clip'] / 255
    assert distance(fast.encode(clip), model.encode(clip)) <= EXACT
    assert distance(fast.decode(rounded['latents']), model.decode(rounded['latents'])) <= EXACT
    assert distance(fast.predict(clip), model.predict(clip)) <= EXACT


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_no_worse_than_unfolded(golden, dit_state, rounded, io, dtype):
    # The rounded VAE fits any precision as it is, which only unfolded weights would profit from.
    torch.manual_seed(1)
    vae_state = {name: value * (1 + 0.01 * torch.randn_like(value))
                 for name, value in rounded['state'].items()}

    def load(dtype):
        return DvdModel.from_checkpoint(dit_state, vae_state, golden('config.json'), dtype=dtype)

    exact, model = load(torch.float32), load(dtype)
    fast = model.specialise()
    clip = rounded['clip'] / 255

    def errors(made):
        yield sum((made.regress(io[f'{clip}.latents']).float()
                   - io[f'{clip}.dit_out']).square().mean() for clip in CLIPS)
        yield (made.encode(clip).float() - exact.encode(clip)).square().mean()
        yield (made.decode(rounded['latents']) - exact.decode(rounded['latents'])).square().mean()

    for ours, theirs in zip(errors(fast), errors(model), strict=True):
        assert 0 < ours <= 1.05 * theirs


def test_the_shipped_kind_runs_as_images(tiny):
    from dvd_ros.model.whole_window import _Planes, _Volume
    clip = torch.rand(9, 3, 32, 48)
    model = DvdModel.from_folder(tiny)
    fast = model.specialise()
    assert fast.encoder.layout is fast.decoder.layout is _Volume
    assert distance(fast.predict(clip), model.predict(clip)) <= EXACT
    with torch.no_grad():
        for module in model.vae.modules():
            if getattr(module, 'kernel_size', None) == (3, 3, 3):
                module.weight[:, :, :-1] = 0
    fast = model.specialise()
    assert fast.encoder.layout is fast.decoder.layout is _Planes
    assert distance(fast.predict(clip), model.predict(clip)) <= EXACT
    assert model.predict(clip).std() > 1e-3


def test_weights_that_are_folded_are_gone(model):
    plain = sum(p.numel() for p in model.dit.parameters())
    assert sum(p.numel() for p in model.specialise().transformer.parameters()) < 0.8 * plain


def test_other_networks_are_refused(tiny):
    config = DvdConfig.load(tiny / 'config.json').to_dict()
    config['vae'] |= {'is_residual': True}
    from diffusers import AutoencoderKLWan
    model = DvdModel.from_folder(tiny)
    model.vae = AutoencoderKLWan(**config['vae'])
    with pytest.raises(ValueError, match='is_residual'):
        model.specialise()
