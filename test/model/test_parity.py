"""The network gives the reference's numbers, in float32 on the CPU."""

import pytest
import torch

from dvd_ros.model import DvdModel
from dvd_ros.model.lora import merge_lora

CLIPS = ('clip1', 'clip9', 'clip11', 'clip13')


def near(a, b, tolerance):
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    assert (a - b).abs().max().item() <= tolerance


@pytest.mark.parametrize('clip', CLIPS)
def test_latents_of_every_clip(whole_model, whole_io, clip):
    near(whole_model.encode(whole_io[f'{clip}.clip']), whole_io[f'{clip}.latents'], 5e-5)


@pytest.mark.parametrize('clip', CLIPS)
def test_dit_of_every_clip(model, io, clip):
    near(model.regress(io[f'{clip}.latents']), io[f'{clip}.dit_out'], 5e-5)


@pytest.mark.parametrize('clip', CLIPS)
def test_depth_of_every_clip(whole_model, whole_io, clip):
    depth = whole_io[f'{clip}.depth']
    near(whole_model.predict(whole_io[f'{clip}.clip']), depth, 5e-5)
    near(whole_model.decode(whole_io[f'{clip}.dit_out'])[:len(depth)], depth, 5e-5)


def test_vae_of_the_plain_clone(model, rounded):
    near(model.encode(rounded['clip'] / 255), rounded['latents'], 5e-5)
    near(model.decode(rounded['latents'])[:7], rounded['depth'], 5e-5)


def test_inside_of_the_dit(model, io):
    seen = {}
    hooks = [block.register_forward_hook(
        lambda module, args, out, n=n: seen.__setitem__(f'clip9.block{n}_tokens', out[0]))
        for n, block in enumerate(model.dit.blocks)]
    hooks.append(model.dit.condition_embedder.register_forward_hook(
        lambda module, args, out: seen.update({'time.embedding': out[0][0],
                                               'time.t_mod': out[1][0]})))
    model.regress(io['clip9.latents'])
    for hook in hooks:
        hook.remove()
    assert len(seen) == 5
    for name, value in seen.items():
        near(value, io[name], 2e-5)


def test_lora_merge_is_the_references(io, dit_state):
    state = {key.removeprefix('pipe.dit.'): value for key, value in dit_state.items()}
    exact = merge_lora(dict(state))
    assert not any('lora' in key or 'base_layer' in key for key in exact)
    rough = merge_lora(dict(state), dtype=torch.bfloat16)
    checked = 0
    for name, value in io.items():
        if name.startswith('lora.merged_'):
            near(exact[name.removeprefix('lora.merged_')], value, 1e-6)
            checked += 1
        elif name.startswith('lora.bf16_merged_'):
            assert torch.equal(rough[name.removeprefix('lora.bf16_merged_')], value)
            checked += 1
    assert checked == 3


def test_bfloat16_is_as_near_to_float32_as_the_references(golden, io, dit_state, rounded):
    model = DvdModel.from_checkpoint(dit_state, rounded['state'], golden('config.json'),
                                     dtype=torch.bfloat16)
    assert model.dit.blocks[0].scale_shift_table.dtype == torch.float32
    assert model.dit.blocks[0].attn1.to_q.weight.dtype == torch.bfloat16
    for clip in CLIPS:
        exact = io[f'{clip}.dit_out']
        reference = (io[f'{clip}.bf16_dit_out'] - exact).abs().mean()
        ours = (model.regress(io[f'{clip}.latents']).float() - exact).abs().mean()
        assert 0 < ours < 1.5 * reference
    disparity = model.predict(rounded['clip'] / 255)
    assert disparity.dtype == torch.float32
    assert torch.isfinite(disparity).all()


def test_predict_is_encode_regress_decode(model, rounded):
    clip = rounded['clip'] / 255
    step_by_step = model.decode(model.regress(model.encode(clip)))
    assert step_by_step.shape == (9, 32, 48)
    assert torch.equal(model.predict(clip), step_by_step[:7])
