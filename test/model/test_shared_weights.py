"""What lets a model folder hold its checkpoint and its export in little more than one's size."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dvd_ros.model import CheckpointError, DvdConfig, DvdModel
from dvd_ros.model.absorb import absorb_timestep
from dvd_ros.model.checkpoint import load_vae, write_checkpoint
from dvd_ros.model.plain_transformer import PlainTransformer


def test_the_absorbed_network_is_the_same_at_its_timestep(golden, model, io):
    dit = copy.deepcopy(model.dit)
    absorb_timestep(dit, model.config.timestep)
    latents = io['clip9.latents']
    with torch.no_grad():
        plain = PlainTransformer(dit, model.config.timestep)
        assert (plain(latents) - io['clip9.dit_out']).abs().max() <= 5e-5
        # Now the timestep says nothing, and the folded weights are the network's own.
        assert torch.equal(PlainTransformer(dit, 0.0)(latents), plain(latents))
    assert torch.equal(plain.blocks[0].up.weight, dit.blocks[0].ffn.net[0].proj.weight)
    for block in dit.blocks:
        assert torch.equal(block.scale_shift_table[0, :, 0], torch.tensor([0., 0, 1, 0, 0, 1]))


@pytest.fixture
def newest(tiny):
    """The tiny model with kernels that look at the newest frame alone."""
    config = dataclasses.replace(DvdConfig.load(tiny / 'config.json'), newest_taps=True)
    model = DvdModel.from_folder(tiny)
    with torch.no_grad():
        for tensor in model.vae.state_dict().values():
            if tensor.shape[2:] == (3, 3, 3):
                tensor[:, :, :-1] = 0
    return model, config


def test_kernels_are_kept_as_their_newest_taps(newest, tmp_path):
    model, config = newest
    folder = write_checkpoint(tmp_path, model.dit, model.vae, config, torch.float32)
    shapes = {tensor.shape[2:] for tensor in load_file(folder / 'vae.safetensors').values()}
    assert (1, 3, 3) in shapes
    assert (3, 3, 3) not in shapes
    back = DvdModel.from_folder(folder)
    assert back.config.newest_taps
    for key, tensor in model.vae.state_dict().items():
        assert torch.equal(back.vae.state_dict()[key], tensor), key


def test_cut_kernels_need_the_config_that_says_so(newest, tmp_path):
    model, config = newest
    folder = write_checkpoint(tmp_path, model.dit, model.vae, config, torch.float32)
    plain = dataclasses.replace(config, newest_taps=False)
    with pytest.raises(CheckpointError, match=r'misshapen.*is \[8, 8, 1, 3, 3\], needed'):
        load_vae(folder / 'vae.safetensors', plain)


def test_what_is_not_zero_is_not_cut_off(tiny, tmp_path):
    model = DvdModel.from_folder(tiny)
    config = dataclasses.replace(model.config, newest_taps=True)
    with pytest.raises(ValueError, match='looks at older frames'):
        write_checkpoint(tmp_path, model.dit, model.vae, config)


def test_an_export_beside_its_checkpoint_shares_its_weights(newest, tmp_path, capsys):
    pytest.importorskip('onnxscript')
    pytest.importorskip('onnxruntime')
    from dvd_ros.cli.main import main
    from dvd_ros.regressor import load_regressor
    model, config = newest
    absorb_timestep(model.dit, config.timestep)
    folder = write_checkpoint(tmp_path / 'model', model.dit, model.vae, config)
    for out in (folder, tmp_path / 'alone'):
        assert main(['export', str(folder), '-o', str(out), '--half-storage']) == 0
    shared, alone = ((out / 'weights.safetensors').stat().st_size
                     for out in (folder, tmp_path / 'alone'))
    assert shared < 0.6 * alone
    images = np.random.default_rng(0).integers(0, 255, (9, 32, 48, 3), dtype=np.uint8)
    expected = load_regressor(tmp_path / 'alone', backend='onnxruntime').predict(images)
    ours = load_regressor(folder, backend='onnxruntime')
    np.testing.assert_allclose(ours.predict(images), expected, atol=1e-6)
    np.testing.assert_allclose(DvdModel.from_folder(folder).predict(
        torch.from_numpy(images).permute(0, 3, 1, 2) / 255).numpy(), expected, atol=1e-4)
    # A checkpoint that was changed afterwards is not what the graphs were made for.
    data = bytearray((folder / 'dit.safetensors').read_bytes())
    data[-1] ^= 1
    (folder / 'dit.safetensors').write_bytes(data)
    with pytest.raises(ValueError, match=r'dit\.safetensors is not the file'):
        load_regressor(folder, backend='onnxruntime')
