"""A cheap model for the command lines."""

import numpy as np
import pytest


class Brightness:
    """A model that takes what is bright for near; it breaks where `broken` says so."""

    name, window, broken = 'brightness', 13, False

    def prepare(self, image):
        return image

    def predict_prepared(self, prepared):
        if self.broken:
            raise RuntimeError('the GPU has burnt')
        return np.stack([image.mean(axis=-1) / 255 for image in prepared]).astype(np.float32)


@pytest.fixture
def brightness(monkeypatch):
    """Have the command use Brightness."""
    pytest.importorskip('rosbags', reason='rosbags is not installed here')
    from dvd_ros.offline import bag_jobs
    model = Brightness()
    bag_jobs._loaded.cache_clear()
    monkeypatch.setattr(bag_jobs, 'load_regressor', lambda *_, **__: model)
    yield model
    bag_jobs._loaded.cache_clear()
