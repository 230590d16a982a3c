"""Clips of any length and size, and those that are refused."""

import pytest
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel

from dvd_ros.model import DvdConfig, DvdModel
from dvd_ros.model.checkpoint import write_checkpoint


@pytest.fixture(scope='module')
def model(golden, dit_state, rounded):
    return DvdModel.from_checkpoint(dit_state, rounded['state'], golden('config.json'))


@pytest.mark.parametrize('shape', [(1, 3, 40, 50), (2, 3, 16, 16), (6, 3, 33, 47),
                                   (5, 3, 64, 30)])
@pytest.mark.parametrize('size', [None, (32, 48)])
def test_any_length_and_size(model, shape, size):
    clip = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    disparity = model.predict(clip, size)
    assert disparity.shape == (shape[0], shape[2], shape[3])
    assert disparity.dtype == torch.float32
    assert 0 <= disparity.min() < disparity.max() <= 1
    assert torch.equal(disparity, model.predict(clip, size))


def test_padding_frames_do_not_change_the_others(model):
    clip = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    padded = torch.cat([clip, clip[-1:].repeat(3, 1, 1, 1)])
    assert torch.equal(model.predict(clip), model.predict(padded)[:6])


@pytest.mark.parametrize(('clip', 'error', 'message'), [
    (torch.zeros(5, 3, 32, 32, dtype=torch.uint8), TypeError, 'divide uint8 by 255'),
    (torch.zeros(5, 32, 32, 3), ValueError, r'\[T,3,H,W\]'),
    (torch.zeros(3, 32, 32), ValueError, r'\[T,3,H,W\]'),
    (torch.zeros(0, 3, 32, 32), ValueError, 'none of them 0'),
    (torch.full((1, 3, 32, 32), 255.0), ValueError, 'from 255 to 255'),
    (torch.full((1, 3, 32, 32), torch.nan), ValueError, '0..1'),
])
def test_bad_clips(model, clip, error, message):
    with pytest.raises(error, match=message):
        model.predict(clip)


def test_bad_inner_shapes(model):
    with pytest.raises(ValueError, match='multiples of 16, got 40x32'):
        model.encode(torch.zeros(1, 3, 40, 32))
    with pytest.raises(ValueError, match=r'\[16,f,h,w\]'):
        model.regress(torch.zeros(8, 1, 4, 4))


def test_a_patchified_vae_as_in_the_shipped_model(tmp_path):
    """Three VAE levels behind 2x2 pixel patches, with latent constants of its own."""
    torch.manual_seed(0)
    config = DvdConfig.load({
        'dit': {'num_heads': 2, 'head_dim': 12, 'ffn_dim': 32, 'num_layers': 1, 'freq_dim': 16,
                'text_dim': 8, 'in_channels': 8, 'out_channels': 8},
        'vae': {'base_dim': 4, 'z_dim': 8, 'dim_mult': [1, 2, 2], 'num_res_blocks': 1,
                'temperal_downsample': [True, True], 'in_channels': 12, 'out_channels': 12,
                'patch_size': 2, 'latents_mean': [0.5] * 8, 'latents_std': [2.0] * 8},
        'size': [48, 64], 'window': 9})
    assert config.multiple == 16
    vae = AutoencoderKLWan(**config.vae)
    write_checkpoint(tmp_path, WanTransformer3DModel(**config.dit), vae, config)
    model = DvdModel.from_folder(tmp_path)
    clip = torch.rand(7, 3, 60, 90)
    assert model.predict(clip).shape == (7, 60, 90)
    inner = clip[:5, :, :48, :64]
    latents = model.encode(inner)
    assert latents.shape == (8, 2, 6, 8)
    plain = model.vae.encode(inner.transpose(0, 1)[None] * 2 - 1).latent_dist.mode()[0]
    torch.testing.assert_close(latents, (plain - 0.5) / 2)


def test_bad_dtype(golden, dit_state, rounded):
    with pytest.raises(ValueError, match='float64'):
        DvdModel.from_checkpoint(dit_state, rounded['state'], golden('config.json'),
                                 dtype=torch.float64)
