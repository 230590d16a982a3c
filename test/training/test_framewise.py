"""The fast forward pass used in training, against the networks that are shipped."""

import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')

from dvd_ros.model.config import DvdConfig  # noqa: E402
from dvd_ros.model.dvd import DvdModel  # noqa: E402
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder  # noqa: E402
from dvd_ros.training import framewise  # noqa: E402
from dvd_ros.training.network import TIMESTEP, make_dit, make_vae  # noqa: E402
from dvd_ros.training.recipe import MiniRecipe  # noqa: E402

RECIPE = MiniRecipe(heads=2, head_dim=16, ffn_dim=48, layers=2, vae_width=8)


@pytest.fixture(scope='module')
def networks():
    """All parameters that training changes, changed."""
    vae, dit = make_vae(RECIPE), make_dit(RECIPE)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in (*vae.parameters(), *dit.parameters()):
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn_like(parameter)
    framewise.make_framewise(vae)
    config = DvdConfig.load({'dit': RECIPE.dit_arguments(), 'vae': RECIPE.vae_arguments(),
                             'timestep': TIMESTEP, 'size': [48, 64], 'window': 13})
    return vae.eval(), dit.eval(), DvdModel(dit.eval(), vae.eval(), config)


@pytest.mark.parametrize('frames', [1, 5, 13])
@torch.no_grad()
def test_each_part_equals_the_model_that_runs(networks, frames):
    vae, dit, model = networks
    video = torch.rand(2, frames, 3, 48, 64)
    latents = WholeEncoder(vae, trainable=True)(video * 2 - 1)
    expected = torch.stack([model.encode(clip) for clip in video])
    torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-5)
    depth = framewise.regress(dit, latents)
    torch.testing.assert_close(depth, torch.stack([model.regress(z) for z in latents]),
                               rtol=1e-3, atol=1e-4)
    decoder = WholeDecoder(vae, trainable=True)
    disparity = framewise.disparity(decoder, latents).clamp(0, 1)
    torch.testing.assert_close(disparity, torch.stack([model.decode(z) for z in latents]),
                               rtol=1e-3, atol=1e-4)
    assert disparity.std() > 1e-2


def test_every_parameter_that_can_learn_does(networks):
    vae, dit, _ = networks
    video = torch.rand(1, 9, 3, 48, 64) * 2 - 1
    depth = framewise.regress(dit, WholeEncoder(vae, trainable=True)(video))
    framewise.disparity(WholeDecoder(vae, trainable=True), depth).square().mean().backward()
    silent = [name for name, p in (*vae.named_parameters(), *dit.named_parameters())
              if p.requires_grad and p.grad is None]
    assert not silent
    # The older taps must stay silent, or the shipped network would not be the trained one.
    kernel = vae.encoder.conv_in.weight
    assert kernel.grad[:, :, :-1].abs().max() == 0 < kernel.grad[:, :, -1].abs().max()


@torch.no_grad()
def test_room_keeps_what_would_be_cut_off():
    vae = framewise.make_framewise(make_vae(RECIPE))
    vae.decoder.conv_out.weight.mul_(3)
    latents = torch.randn(1, 32, 1, 3, 4)
    before = framewise.disparity(WholeDecoder(vae, trainable=True), latents)
    assert before.min() < 0
    framewise.leave_room(vae, 0.5)
    after = framewise.disparity(WholeDecoder(vae, trainable=True), latents)
    torch.testing.assert_close(after, before * 0.5 + 0.25, rtol=1e-3, atol=1e-4)
