"""An encoder of principal components: its latents tell most of an image before any training."""

import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('numba')
pytest.importorskip('diffusers')

from diffusers import AutoencoderKLWan  # noqa: E402
from torch.nn.functional import interpolate, pixel_unshuffle  # noqa: E402

from dvd_ros.training.framewise import regress  # noqa: E402
from dvd_ros.training.network import make_dit, make_vae  # noqa: E402
from dvd_ros.training.principal import start_from_components  # noqa: E402
from dvd_ros.training.recipe import MiniRecipe  # noqa: E402

RECIPE = MiniRecipe(heads=1, head_dim=16, ffn_dim=16, layers=2)


def smooth_images(count, seed):
    torch.manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6) * 2 - 1
    return interpolate(coarse, (48, 48), mode='bicubic').clamp(-1, 1)[:, :, None]


@pytest.fixture(scope='module')
def vae():
    vae = make_vae(RECIPE)
    start_from_components(vae, smooth_images(64, 0))
    return vae.eval()


@torch.no_grad()
def unexplained(vae, images):
    """Variance of 16x16 blocks that no linear map of their latents gives back, of the whole."""
    latents = vae.encode(images, return_dict=False)[0].mode()[:, :, 0]
    blocks = pixel_unshuffle(images[:, :, 0], 16).permute(0, 2, 3, 1).flatten(0, 2)
    known = latents.permute(0, 2, 3, 1).flatten(0, 2)
    known = torch.cat([known, torch.ones(len(known), 1)], 1)
    rest = blocks - known @ torch.linalg.lstsq(known, blocks).solution
    return float(rest.square().mean() / blocks.var())


def test_latents_of_unseen_images_tell_nearly_all(vae):
    images = smooth_images(64, 1)
    assert unexplained(vae, images) < 0.05
    assert unexplained(make_vae(RECIPE).eval(), images) > 2 * unexplained(vae, images)


def test_a_still_clip_has_the_latents_of_its_image(vae):
    image = smooth_images(2, 2)
    with torch.no_grad():
        once = vae.encode(image, return_dict=False)[0].mode()
        thrice = vae.encode(image.expand(-1, -1, 9, -1, -1), return_dict=False)[0].mode()
    assert thrice.shape[2] == 3
    torch.testing.assert_close(thrice, once.expand_as(thrice), rtol=1e-3, atol=2e-3)


def test_other_layouts_are_refused():
    with pytest.raises(ValueError, match='three levels'):
        start_from_components(AutoencoderKLWan(base_dim=8), smooth_images(2, 0))


def test_a_fresh_transformer_uses_all_its_branches():
    dit = make_dit(RECIPE)
    latents = torch.randn(1, 32, 2, 4, 4)
    regress(dit, latents).square().mean().backward()
    for name, parameter in dit.named_parameters():
        if parameter.requires_grad and parameter.ndim == 2 and 'blocks' in name:
            assert parameter.grad.abs().max() > 0, name
