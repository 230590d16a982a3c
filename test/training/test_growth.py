"""A grown network gives what it gave, and what was added learns."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')

from dvd_ros.model.config import DvdConfig  # noqa: E402
from dvd_ros.model.whole_window import WholeDecoder, WholeEncoder  # noqa: E402
from dvd_ros.training import framewise  # noqa: E402
from dvd_ros.training.growth import Growth, grown  # noqa: E402
from dvd_ros.training.network import TIMESTEP, make_dit, make_vae, text_path  # noqa: E402
from dvd_ros.training.recipe import MiniRecipe  # noqa: E402


@pytest.fixture
def small():
    """Networks of random weights, so that whatever is not kept in place shows."""
    recipe = MiniRecipe(size=(48, 64), vae_width=8, heads=2, head_dim=16, ffn_dim=16, layers=2)
    dit, vae = make_dit(recipe), make_vae(recipe)
    kept = {id(parameter) for parameter in text_path(dit)}
    with torch.no_grad():
        for part in (dit, vae):
            for parameter in part.parameters():
                if id(parameter) not in kept:
                    parameter.add_(0.1 * torch.randn_like(parameter) * (parameter != 0))
    framewise.make_framewise(vae)
    return dit, vae, DvdConfig.load({**recipe.config(), 'timestep': TIMESTEP})


def predict(dit, vae, trainable=False):
    images = np.random.default_rng(0).uniform(-1, 1, (1, 13, 3, 48, 64)).astype(np.float32)
    return framewise.predict(dit, WholeEncoder(vae, trainable), WholeDecoder(vae, trainable),
                             torch.from_numpy(images))


@pytest.mark.parametrize('sizes', [(4, 0, 0, 0), (0, 48, 0, 0), (0, 0, 3, 0), (0, 0, 0, 12),
                                   (3, 40, 3, 16)])
def test_a_grown_network_gives_what_it_gave_and_all_of_it_learns(small, sizes):
    dit, vae, config = grown(*small, Growth(*sizes), seed=3)
    assert config.dit['num_layers'] == len(dit.blocks) == max(2, sizes[0])
    assert config.vae['z_dim'] == dit.config.in_channels == max(32, sizes[1])
    assert config.vae['dim_mult'] == [1, 2, max(2, sizes[2])]
    assert vae.encoder.conv_in.out_channels == max(8, sizes[3])
    assert vae.decoder.conv_out.in_channels == 8
    with torch.no_grad():
        before, after = predict(*small[:2]), predict(dit, vae)
    assert before.std() > 1e-3
    torch.testing.assert_close(after, before, atol=1e-3, rtol=0)
    # What begins at zero is moved by the first steps, and then all that was added counts.
    added = {'layers': [p for block in dit.blocks[2:] for p in (
        block.attn1.to_q.weight, block.attn1.to_out[0].weight, block.ffn.net[0].proj.weight)],
        'latents': [dit.patch_embedding.weight[:, 32:], vae.decoder.conv_in.weight[:, 32:, -1]],
        'encoder_width': [vae.encoder.down_blocks[0].conv1.weight[:, 8:, -1]],
        'features': [vae.encoder.conv_out.weight[:, 16:, -1],
                     vae.decoder.mid_block.resnets[0].conv1.weight[:, 16:, -1]]}
    everything = [p for part in (dit, vae) for p in part.parameters()]
    for parameter in everything:
        parameter.requires_grad_(True)
    optimizer = torch.optim.SGD(everything, 1e-2)
    begun = {name: [part.detach().clone() for part in parts] for name, parts in added.items()}
    for _ in range(3):
        predict(dit, vae, trainable=True).square().mean().backward()
        optimizer.step()
    for name, parts in added.items():
        for part, was in zip(parts, begun[name], strict=True):
            assert not part.numel() or not torch.equal(part, was), name


def test_no_network_shrinks(small):
    for name in ('layers', 'latents', 'features', 'encoder_width'):
        with pytest.raises(ValueError, match=f'{name}=1 must be at least'):
            grown(*small, Growth(**{name: 1}), seed=0)
    with pytest.raises(ValueError, match='features=4 leave no place for .*shortcut'):
        grown(*small, Growth(features=4), seed=0)
    assert grown(*small, Growth(2, 32), seed=0)[0] is small[0]
