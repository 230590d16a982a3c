"""Each layout of a checkpoint gives the same network; one that does not fit is refused."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from dvd_ros.model import CheckpointError, DvdConfig, DvdModel
from dvd_ros.model.checkpoint import load_dit, load_vae, write_checkpoint
from dvd_ros.model.lora import merge_lora
from dvd_ros.model.naming import dit_naming, vae_naming


@pytest.fixture(scope='module')
def config(golden):
    return DvdConfig.load(golden('config.json'))


@pytest.fixture(scope='module')
def merged(dit_state):
    return merge_lora({key.removeprefix('pipe.dit.'): value for key, value in dit_state.items()})


@pytest.fixture(scope='module')
def layouts(dit_state, merged):
    naming = dit_naming(dit_state)
    return {'DVD': dit_state, 'Wan': merged,
            'diffusers': {naming.to_diffusers(key): value for key, value in merged.items()},
            'ComfyUI': {f'model.diffusion_model.{key}': value for key, value in merged.items()}}


def same(one, other):
    other = other.state_dict()
    return all(torch.equal(value, other[key]) for key, value in one.state_dict().items())


@pytest.mark.parametrize('layout', ['DVD', 'Wan', 'diffusers', 'ComfyUI'])
def test_dit_layouts_are_told_apart_and_equal(layouts, config, layout, tmp_path):
    assert dit_naming(layouts[layout]).name == layout.replace('ComfyUI', 'Wan')
    save_file(layouts[layout], str(tmp_path / 'dit.safetensors'))
    assert same(load_dit(layouts['Wan'], config), load_dit(tmp_path / 'dit.safetensors', config))


def test_vae_layouts_are_told_apart_and_equal(rounded, config, tmp_path):
    original = rounded['state']
    naming = vae_naming(original)
    renamed = {naming.to_diffusers(key): value for key, value in original.items()}
    assert (naming.name, vae_naming(renamed).name) == ('Wan', 'diffusers')
    torch.save(original, tmp_path / 'Wan2.1_VAE.pth')
    torch.save({'model_state': renamed}, tmp_path / 'odd_name.bin')
    first = load_vae(tmp_path / 'Wan2.1_VAE.pth', config)
    assert same(first, load_vae(tmp_path / 'odd_name.bin', config))


def test_names_go_back_and_forth(merged, rounded):
    for state, naming in ((merged, dit_naming(merged)), (rounded['state'],
                                                        vae_naming(rounded['state']))):
        for key in state:
            assert naming.from_diffusers(naming.to_diffusers(key)) == key


@pytest.mark.parametrize(('layout', 'key'), [
    ('DVD', 'pipe.dit.blocks.1.cross_attn.k.base_layer.weight'),
    ('DVD', 'pipe.dit.blocks.1.cross_attn.k.base_layer.bias'),
    ('DVD', 'pipe.dit.blocks.0.ffn.0.lora_A.default.weight'),
    ('DVD', 'pipe.dit.blocks.2.ffn.2.lora_B.default.weight'),
    ('DVD', 'pipe.dit.head.modulation'),
    ('Wan', 'blocks.0.norm3.weight'),
    ('Wan', 'time_projection.1.bias'),
    ('diffusers', 'blocks.2.attn2.norm_q.weight'),
    ('diffusers', 'proj_out.weight'),
])
def test_a_missing_dit_key_is_named_as_in_the_file(layouts, config, layout, key):
    state = {name: value for name, value in layouts[layout].items() if name != key}
    assert len(state) == len(layouts[layout]) - 1
    with pytest.raises(CheckpointError, match='missing') as caught:
        load_dit(state, config)
    assert key in str(caught.value)


def test_unexpected_and_misshapen_dit_keys_are_named(layouts, config):
    state = {**layouts['Wan'], 'blocks.3.self_attn.q.weight': torch.zeros(64, 64),
             'patch_embedding.weight': torch.zeros(64, 15, 1, 2, 2)}
    with pytest.raises(CheckpointError) as caught:
        load_dit(state, config)
    text = str(caught.value)
    assert '1 unexpected: blocks.3.self_attn.q.weight' in text
    assert 'patch_embedding.weight is [64, 15, 1, 2, 2], needed [64, 16, 1, 2, 2]' in text
    stray = {**layouts['DVD'], 'ema.blocks.0.bias': torch.zeros(1)}
    with pytest.raises(CheckpointError, match='unexpected.*ema.blocks.0.bias'):
        load_dit(stray, config)
    lora = {**layouts['DVD'],
            'pipe.dit.blocks.0.ffn.0.lora_A.default.weight': torch.zeros(4, 64)}
    with pytest.raises(CheckpointError, match=r'pipe\.dit\.blocks\.0\.ffn\.0 does not fit'):
        load_dit(lora, config)


def test_many_missing_keys_are_counted(layouts, config):
    state = {key: value for key, value in layouts['Wan'].items()
             if not key.startswith('blocks.2.')}
    with pytest.raises(CheckpointError, match=r'27 missing: .*\.\.\. \(27 in all\)'):
        load_dit(state, config)


@pytest.mark.parametrize('key', [
    'conv1.weight', 'conv2.bias', 'encoder.downsamples.2.resample.1.weight',
    'encoder.downsamples.3.shortcut.weight', 'decoder.middle.1.to_qkv.bias',
    'decoder.upsamples.4.shortcut.bias', 'decoder.upsamples.7.time_conv.weight',
    'decoder.upsamples.13.residual.6.weight', 'decoder.head.0.gamma'])
def test_vae_keys_that_do_not_fit_are_named(rounded, config, key):
    state = dict(rounded['state'])
    del state[key]
    with pytest.raises(CheckpointError, match='1 missing') as caught:
        load_vae(state, config)
    assert f'missing: {key}.' in str(caught.value)
    state[key] = torch.zeros(1, 2, 3)
    with pytest.raises(CheckpointError, match='1 misshapen') as caught:
        load_vae(state, config)
    assert f'misshapen: {key} is [1, 2, 3]' in str(caught.value)


def test_the_other_networks_of_the_training_pipeline_are_skipped(layouts, config):
    state = {**layouts['DVD'], 'pipe.vae.model.conv1.weight': torch.zeros(1)}
    assert same(load_dit(state, config), load_dit(layouts['Wan'], config))


def test_files_that_could_run_code_or_are_damaged_are_refused(tmp_path, merged, config):
    bare = tmp_path / 'dit.safetensors'
    bare.write_bytes(pickle.dumps({'a': 1}))
    with pytest.raises(CheckpointError, match='bare pickle'):
        load_dit(bare, config)
    objects = tmp_path / 'dit.pth'
    torch.save({'net': DvdConfig}, objects)
    with pytest.raises(CheckpointError, match='run code'):
        load_dit(objects, config)
    half = tmp_path / 'half.safetensors'
    save_file(merged, str(half))
    half.write_bytes(half.read_bytes()[:50_000])
    with pytest.raises(CheckpointError, match='damaged'):
        load_dit(half, config)
    (tmp_path / 'page.safetensors').write_text('<html>not found</html>')
    with pytest.raises(CheckpointError, match='neither safetensors'):
        load_dit(tmp_path / 'page.safetensors', config)
    with pytest.raises(CheckpointError, match='folder'):
        load_dit(tmp_path, config)
    with pytest.raises(FileNotFoundError):
        load_dit(tmp_path / 'none.safetensors', config)


def test_the_network_does_not_follow_its_source(merged, config):
    state = {key: value.clone() for key, value in merged.items()}
    dit = load_dit(state, config)
    before = dit.proj_out.weight.clone()
    state['head.head.weight'].zero_()
    assert torch.equal(dit.proj_out.weight, before)
    assert not any(value.requires_grad for value in dit.parameters())


def test_a_written_folder_reads_back(tmp_path, layouts, rounded, config):
    vae = load_vae(rounded['state'], config)
    out = write_checkpoint(tmp_path / 'model', load_dit(layouts['DVD'], config), vae,
                           {**config.to_dict(), 'size': [32, 48], 'window': 9})
    assert sorted(path.name for path in out.iterdir()) == [
        'config.json', 'dit.safetensors', 'vae.safetensors']
    model = DvdModel.from_folder(out)
    assert (model.config.size, model.config.window) == ((32, 48), 9)
    assert model.dtype == torch.float32
    weight = load_dit(layouts['DVD'], config).proj_out.weight
    assert torch.equal(model.dit.proj_out.weight, weight.half().float())
    assert DvdConfig.load(out / 'config.json') == model.config


def test_what_eight_bits_hold_exactly_is_stored_so_and_reads_back(tmp_path, layouts, rounded,
                                                                   config):
    dit = load_dit(layouts['DVD'], config)
    with torch.no_grad():
        dit.proj_out.bias.zero_()
        dit.patch_embedding.bias.fill_(0.5)
    out = write_checkpoint(tmp_path / 'model', dit, load_vae(rounded['state'], config), config)
    stored = load_file(out / 'dit.safetensors')
    assert stored['proj_out.bias'].dtype == torch.float8_e4m3fn
    assert stored['patch_embedding.bias'].dtype == torch.float8_e4m3fn
    assert stored['proj_out.weight'].dtype == torch.float16
    read = DvdModel.from_folder(out).dit
    assert read.proj_out.bias.dtype == torch.float32
    assert not read.proj_out.bias.any()
    assert (read.patch_embedding.bias == 0.5).all()


def test_writing_refuses_what_does_not_fit(tmp_path, layouts, rounded, config):
    vae = load_vae(rounded['state'], config).state_dict()
    dit = dict(layouts['diffusers'])
    dit['proj_out.bias'] = torch.full_like(dit['proj_out.bias'], 1e6)
    with pytest.raises(ValueError, match=r'not finite in torch.float16: proj_out\.bias'):
        write_checkpoint(tmp_path / 'a', dit, vae, config)
    del dit['proj_out.bias']
    with pytest.raises(CheckpointError, match='proj_out.bias'):
        write_checkpoint(tmp_path / 'b', dit, vae, config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(('change', 'message'), [
    ({'dit': {'heads': 2}}, r"config\['dit'\] has unknown keys \['heads'\]"),
    ({'vae': {'base_dims': 8}}, r"config\['vae'\] has unknown keys \['base_dims'\]"),
    ({'vae': {'z_dim': 8}}, "in_channels'] is 16, but the VAE's z_dim is 8"),
    ({'vae': {'latents_mean': [0.0]}}, 'latents_mean'),
    ({'vae': {'latents_std': [0.0] * 16}}, 'must be positive'),
    ({'vae': {'temperal_downsample': [True, True, True]}}, 'temperal_downsample'),
    ({'timestep': -1}, 'timestep'),
    ({'size': [32]}, 'size'),
    ({'size': [0, 32]}, 'size'),
    ({'window': 12}, r'4n\+1.*got 12'),
])
def test_a_bad_config_is_named(golden, change, message):
    base = json.loads(golden('config.json').read_text())
    for key, value in change.items():
        base[key] = {**base[key], **value} if isinstance(value, dict) else value
    with pytest.raises(ValueError, match=message):
        DvdConfig.load(base)


def test_config_sources(tmp_path):
    assert DvdConfig.load(None).size == (480, 640)
    with pytest.raises(ValueError, match='missing'):
        DvdConfig.load({'dit': {}})
    (tmp_path / 'config.json').write_text('{')
    with pytest.raises(ValueError, match='not JSON'):
        DvdConfig.load(tmp_path / 'config.json')


def test_the_default_config_has_the_released_size():
    from diffusers import AutoencoderKLWan, WanTransformer3DModel
    config = DvdConfig.load(None)
    with torch.device('meta'):
        dit = WanTransformer3DModel(**config.dit)
        vae = AutoencoderKLWan(**config.vae)
    assert sum(p.numel() for p in dit.parameters()) == 1_418_996_800
    assert sum(p.numel() for p in vae.parameters()) == 126_892_531
