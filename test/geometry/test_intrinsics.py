import math

import cv2
import numpy as np
import pytest

from dvd_ros.geometry import Intrinsics


def test_hfov_is_recovered_and_the_centre_is_the_image_centre():
    camera = Intrinsics.from_hfov(640, 480, math.radians(70))
    assert camera.hfov == pytest.approx(math.radians(70))
    assert (camera.cx, camera.cy) == (319.5, 239.5)
    assert camera.fx == camera.fy == pytest.approx(320 / math.tan(math.radians(35)))


def test_scaling_keeps_the_ray_of_every_resized_pixel():
    camera = Intrinsics(640, 480, 520.0, 530.0, 310.0, 250.0)
    small = camera.scaled(160, 96)
    # cv2.resize with INTER_AREA averages pixel coordinates exactly: it is the ground truth here.
    u, v = np.meshgrid(np.arange(640.0), np.arange(480.0))
    u_small = cv2.resize((u - camera.cx) / camera.fx, (160, 96), interpolation=cv2.INTER_AREA)
    v_small = cv2.resize((v - camera.cy) / camera.fy, (160, 96), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose((np.arange(160) - small.cx) / small.fx, u_small[0], atol=1e-9)
    np.testing.assert_allclose((np.arange(96) - small.cy) / small.fy, v_small[:, 0], atol=1e-9)


def test_scaling_there_and_back_is_identity():
    camera = Intrinsics(1242, 375, 721.5, 721.5, 609.6, 172.9)
    back = camera.scaled(644, 224).scaled(1242, 375)
    np.testing.assert_allclose(back.matrix, camera.matrix, rtol=1e-12)


@pytest.mark.parametrize(('values', 'named'), [
    ((0, 480, 500.0, 500.0, 320.0, 240.0), 'width'),
    ((640, 480, 0.0, 500.0, 320.0, 240.0), 'fx'),
    ((640, 480, 500.0, math.nan, 320.0, 240.0), 'fy'),
    ((640, 480, 500.0, 500.0, math.inf, 240.0), 'cx'),
])
def test_faulty_values_are_named(values, named):
    with pytest.raises(ValueError, match=named):
        Intrinsics(*values)


@pytest.mark.parametrize('hfov', [0.0, -1.0, math.pi, math.nan])
def test_field_of_view_must_be_possible(hfov):
    with pytest.raises(ValueError, match='hfov'):
        Intrinsics.from_hfov(640, 480, hfov)
