"""OpenCV's threads while several cameras are at work."""

import cv2
import pytest

from dvd_ros.parallax.threads import one_thread_each


@pytest.fixture
def three_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures('three_threads')
def test_opencv_has_its_threads_again_when_the_last_camera_is_done():
    first, second = one_thread_each(), one_thread_each()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == 3


@pytest.mark.usefixtures('three_threads')
def test_opencv_has_its_threads_again_after_an_error():
    with pytest.raises(ZeroDivisionError), one_thread_each():
        assert 1 / 0
    assert cv2.getNumThreads() == 3
