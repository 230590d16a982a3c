import pytest

TINY = {
    'dit': {'num_heads': 2, 'head_dim': 12, 'ffn_dim': 32, 'num_layers': 1, 'freq_dim': 16,
            'text_dim': 8, 'in_channels': 8, 'out_channels': 8},
    'vae': {'base_dim': 4, 'z_dim': 8, 'dim_mult': [1, 2, 2], 'num_res_blocks': 1,
            'temperal_downsample': [True, True], 'in_channels': 12, 'out_channels': 12,
            'patch_size': 2, 'latents_mean': [0.0] * 8, 'latents_std': [1.0] * 8},
    'size': [32, 48], 'window': 9,
}


@pytest.fixture(scope='session')
def tiny(tmp_path_factory):
    """A model folder of the shipped kind, with random weights."""
    import torch
    from diffusers import AutoencoderKLWan, WanTransformer3DModel

    from dvd_ros.model import DvdConfig
    from dvd_ros.model.checkpoint import write_checkpoint
    config = DvdConfig.load(TINY)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return write_checkpoint(tmp_path_factory.mktemp('tiny'),
                                WanTransformer3DModel(**config.dit),
                                AutoencoderKLWan(**config.vae), config)
