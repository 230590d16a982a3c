"""Windows are computed once, and never taken for others."""

import numpy as np
import pytest

from dvd_ros.offline.window_memory import WindowMemory


class Counting:
    """A model that counts what it is asked for."""

    window = 5

    def __init__(self):
        self.prepared = self.windows = 0

    def prepare(self, image):
        self.prepared += 1
        return image

    def predict_prepared(self, prepared):
        self.windows += 1
        return np.stack([image[..., 0] for image in prepared]).astype(np.float32) / 3


IMAGES = [np.full((4, 6, 3), value, np.uint8) for value in range(8)]


def windows(memory, *spans):
    ready = [memory.prepare(image) for image in IMAGES]
    return [memory.predict_prepared(ready[begin:end]) for begin, end in spans]


def test_a_window_that_is_known_is_neither_prepared_nor_computed(tmp_path):
    first, second = Counting(), Counting()
    was = windows(WindowMemory(first, tmp_path, 'a'), (0, 5), (3, 8))
    assert (first.prepared, first.windows) == (8, 2)
    memory = WindowMemory(second, tmp_path, 'a')
    now = windows(memory, (0, 5), (3, 8))
    assert (second.prepared, second.windows) == (0, 0)
    assert (memory.remembered, memory.computed) == (2, 0)
    assert all(np.array_equal(a, b) and a.dtype == b.dtype
               for a, b in zip(was, now, strict=True))


def test_other_images_or_another_model_are_another_window(tmp_path):
    windows(WindowMemory(Counting(), tmp_path, 'a'), (0, 5))
    for identity, span in (('a', (1, 6)), ('a', (0, 4)), ('b', (0, 5))):
        model = Counting()
        windows(WindowMemory(model, tmp_path, identity), span)
        assert model.windows == 1


def test_the_same_bytes_of_another_shape_are_another_image(tmp_path):
    memory = WindowMemory(Counting(), tmp_path, 'a')
    for shape in ((4, 6, 3), (6, 4, 3)):
        raw = memory.predict_prepared([memory.prepare(np.zeros(shape, np.uint8))])
        assert raw.shape == (1, *shape[:2])


@pytest.mark.parametrize('spoil', [b'', b'\x93NUMPY\x01\x00', b'\0' * 300])
def test_what_a_power_cut_left_is_computed_anew(tmp_path, spoil):
    was = windows(WindowMemory(Counting(), tmp_path, 'a'), (0, 5))
    (file,) = tmp_path.iterdir()
    file.write_bytes(spoil)
    (tmp_path / 'rest.tmp').write_bytes(spoil)
    model = Counting()
    now = windows(WindowMemory(model, tmp_path, 'a'), (0, 5))
    assert model.windows == 1
    assert np.array_equal(was, now)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
