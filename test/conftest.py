"""Fixtures for every test: where the golden vectors lie, and a small model."""

from collections.abc import Callable
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
_WHOLE = _HERE.parent.parent / 'shared' / 'golden'
_PART = _HERE / 'golden'


@pytest.fixture(scope='session')
def golden() -> Callable[..., Path]:
    """
    Give the path of a golden file: `golden('stitch.npz')`.

    The whole set beside the repository is preferred, else the part in test/golden. With
    `whole=True` only the whole set will do. The test skips where the file is in neither.
    """

    def find(name: str, whole: bool = False) -> Path:
        for folder in (_WHOLE,) if whole else (_WHOLE, _PART):
            if (folder / name).is_file():
                return folder / name
        pytest.skip(f'golden file {name} is not in ../shared/golden'
                    + ('' if whole else ' nor in test/golden'))

    return find


TINY = {
    'dit': {'num_heads': 2, 'head_dim': 12, 'ffn_dim': 32, 'num_layers': 1, 'freq_dim': 16,
            'text_dim': 8, 'in_channels': 8, 'out_channels': 8},
    'vae': {'base_dim': 4, 'z_dim': 8, 'dim_mult': [1, 2, 2], 'num_res_blocks': 1,
            'temperal_downsample': [True, True], 'in_channels': 12, 'out_channels': 12,
            'patch_size': 2, 'latents_mean': [0.0] * 8, 'latents_std': [1.0] * 8},
    'size': [32, 48], 'window': 9,
}


@pytest.fixture(scope='session')
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of the shipped kind: a true DVD whose weights mean nothing."""
    torch = pytest.importorskip('torch', reason='PyTorch is not installed here')
    diffusers = pytest.importorskip('diffusers', reason='diffusers is not installed here')
    from dvd_ros.model import DvdConfig
    from dvd_ros.model.checkpoint import write_checkpoint
    config = DvdConfig.load(TINY)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return write_checkpoint(tmp_path_factory.mktemp('tiny'),
                                diffusers.WanTransformer3DModel(**config.dit),
                                diffusers.AutoencoderKLWan(**config.vae), config)
