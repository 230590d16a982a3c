import pytest
import torch
from safetensors.torch import load_file

from dvd_ros.model import DvdModel


@pytest.fixture(scope='session', autouse=True)
def _few_threads():
    # The networks are tiny: more threads would only wait for each other.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def dit_state(golden):
    """The golden DiT as it lies in the file: DVD layout with LoRA."""
    return load_file(golden('model.safetensors'))


@pytest.fixture(scope='session')
def rounded(golden):
    """The rounded golden VAE (Wan naming) and the reference's results for it."""
    import numpy as np
    with np.load(golden('vae_rounded.npz')) as file:
        names = [name for name in file.files if name.startswith('weight/')]
        state = {name.removeprefix('weight/'): torch.from_numpy(
            file[name].astype(np.float32) * step)
            for name, step in zip(names, file['step'], strict=True)}
        return {'state': state, **{name: torch.from_numpy(file[name])
                                   for name in ('clip', 'latents', 'depth')}}


@pytest.fixture(scope='module')
def io(golden):
    return load_file(golden('model_io.safetensors'))


@pytest.fixture(scope='module')
def whole_io(golden):
    return load_file(golden('model_io.safetensors', whole=True))


@pytest.fixture(scope='module')
def model(golden, dit_state, rounded):
    """The golden DiT with the rounded VAE: all that a plain clone has."""
    return DvdModel.from_checkpoint(dit_state, rounded['state'], golden('config.json'))


@pytest.fixture(scope='module')
def whole_model(golden):
    return DvdModel.from_checkpoint(golden('model.safetensors'),
                                    golden('wan_vae.safetensors', whole=True),
                                    golden('config.json'))
