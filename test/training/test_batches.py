"""Training views, what the loss counts in them, and what is read from latents."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from dvd_ros.training.batches import Clips, Scenes  # noqa: E402
from dvd_ros.training.passes import Prefetch, Shared  # noqa: E402
from dvd_ros.training.readout import Readout  # noqa: E402


def test_views_keep_image_and_disparity_together(shards):
    scenes = Scenes([shards])
    assert len(scenes) == 4
    mirrored = set()
    for seed in range(12):
        rgb, disparity = scenes.view(np.random.default_rng(seed), 3, (48, 64))
        assert rgb.shape == (3, 48, 64, 3)
        assert disparity.shape == (3, 48, 64)
        np.testing.assert_allclose(rgb[..., 0] / 250, disparity, atol=0.02)
        mirrored.add(bool(disparity[0, 0, 0] > disparity[0, 0, -1]))
    assert mirrored == {False, True}


def test_views_are_squeezed_from_other_shapes(shards):
    scenes, slopes = Scenes([shards]), []
    for seed in range(30):
        rgb, disparity = scenes.view(np.random.default_rng(seed), 1, (48, 64), squeeze=1.5)
        assert rgb.shape == (1, 48, 64, 3)
        np.testing.assert_allclose(rgb[..., 0] / 250, disparity, atol=0.02)
        # Of a product of ramps: how much of the height is in view beside the width.
        along, down = disparity[0, 0, -1] / disparity[0, 0, 0], disparity[0, -1] / disparity[0, 0]
        slopes.append(np.log(down.mean()) / abs(np.log(along)))
    assert max(slopes) / min(slopes) > 1.5


class Ramp(Clips):
    """One clip whose disparity counts its columns."""

    def __len__(self):
        return 1

    def clip(self, index):
        columns = np.tile(np.arange(160, dtype=np.float32), (1, 120, 1))
        return np.repeat(columns[..., None].astype(np.uint8), 3, -1), columns


@pytest.mark.parametrize('size', [(90, 120), (64, 160), (48, 170)])
def test_views_are_hardly_enlarged_whatever_their_shape(size):
    for seed in range(20):
        _, columns = Ramp().view(np.random.default_rng(seed), 1, size)
        assert np.ptp(columns) + 1 >= size[1] / 1.125 - 3


def test_a_whole_clip_keeps_its_edges():
    batch = Ramp().whole([0, 0], (60, 40))
    assert batch['images'].shape == (2, 1, 3, 60, 40)
    along = batch['images'][1, 0, 0, 30].add(1).mul(127.5)
    assert torch.allclose(along, 1.5 + 4 * torch.arange(40.0), atol=0.6)
    assert (batch['target'].diff(dim=-1) >= 0).all()


def test_batches_are_normalised_and_repeat(shards):
    scenes = Scenes([shards])
    one, two = (scenes.batch(np.random.default_rng(5), 4, 5, (48, 64)) for _ in range(2))
    assert one['images'].shape == (4, 5, 3, 48, 64)
    assert one['target'].shape == (4, 5, 48, 64)
    assert torch.equal(one['images'], two['images'])
    assert torch.equal(one['target'], two['target'])
    assert one['images'].min() >= -1
    assert one['images'].max() <= 1
    assert one['target'].aminmax() == (0.0, 1.0)
    # True disparity counts from infinity, in the same units.
    between = (one['target'] > 0) & (one['target'] < 1)
    for target, true, inside in zip(one['target'], one['true'], between, strict=True):
        offset = (true - target)[inside]
        assert offset.min() > 0
        assert torch.allclose(offset, offset[0].expand_as(offset), atol=1e-4)


def test_what_is_beyond_the_metrics_range_has_no_true_disparity():
    batch = Ramp().whole([0], (120, 160))  # columns of 0, 1, 2, ... per metre
    assert torch.equal(batch['true'][0, 0, 0] > 0, torch.arange(160) > 0)


def test_missing_shards_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no shard_'):
        Scenes([tmp_path])


def test_a_damaged_shard_is_named(shards):
    path = shards / 'shard_2.npz'
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r'shard_2\.npz is no whole shard'):
        Scenes([shards])


def test_processes_share_a_batch_by_its_items():
    made = Shared(lambda step: {'images': torch.arange(5 * step, 5 * step + 5)})
    parts = [made(1, rank, 2)[0] for rank in range(2)]
    assert [part.batch['images'].tolist() for part in parts] == [[5, 7, 9], [6, 8]]
    assert [part.weight for part in parts] == [pytest.approx(1.2), pytest.approx(0.8)]
    with pytest.raises(ValueError, match='batch of 5 cannot be shared by 6'):
        made(2, 0, 6)


def test_prefetch_gives_each_step_its_own():
    asked = []
    batches = Prefetch(lambda step: asked.append(step) or step)
    assert [batches(step) for step in (3, 4, 5, 9)] == [3, 4, 5, 9]
    assert [asked.count(step) for step in (3, 4, 5, 9)] == [1, 1, 1, 1]  # none made twice


def test_readout_gives_back_what_is_linear_in_the_latents():
    torch.manual_seed(0)
    disparity = torch.rand(40, 1, 32, 32)
    blocks = torch.nn.functional.pixel_unshuffle(
        torch.nn.functional.avg_pool2d(disparity, 4), 4)  # [40,16,2,2]
    latents = torch.einsum('bkhw,kc->bchw', blocks, torch.randn(16, 20))[:, :, None]
    readout = Readout.fit(latents, disparity)
    expected = torch.nn.functional.avg_pool2d(disparity, 4)
    torch.testing.assert_close(readout(latents), expected, rtol=0, atol=1e-2)
    twice = readout(latents.expand(-1, -1, 2, -1, -1))
    torch.testing.assert_close(twice[:, 1:], expected, rtol=0, atol=1e-2)
