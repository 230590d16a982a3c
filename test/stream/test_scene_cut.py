import cv2
import numpy as np
import pytest

from dvd_ros.stream.scene_cut import SceneCut


def picture(seed, size=(120, 160)):
    rng = np.random.default_rng(seed)
    small = rng.uniform(0, 255, (7, 9, 3)) * rng.uniform(0.3, 1.0, 3)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(
        np.uint8)


def test_another_scene_is_a_cut_and_only_its_first_frame():
    seen = SceneCut()
    told = [seen.add(picture(seed)) for seed in (0, 0, 1, 1, 2, 2)]
    assert told == [False, False, True, False, True, False]


@pytest.mark.parametrize('change', [
    lambda image: image // 4,                                   # exposure
    lambda image: np.roll(image, 12, axis=1),                   # motion
    lambda image: np.flip(image, 1) // 2 + np.flip(image, 1) // 2,
    lambda image: cv2.GaussianBlur(image, (0, 0), 6),
    lambda image: np.full_like(image, 128)], ids=['exposure', 'motion', 'mirror', 'blur', 'grey'])
def test_one_thing_alone_is_no_cut(change):
    seen = SceneCut()
    image = picture(3)
    # A mirror changes the picture and not its colours; grey alone has no picture to compare.
    expected = change(image).std() < 1.0
    seen.add(image)
    assert seen.add(change(image)) == expected


def test_after_a_reset_nothing_is_a_cut():
    seen = SceneCut()
    seen.add(picture(0))
    seen.reset()
    assert not seen.add(picture(1))
