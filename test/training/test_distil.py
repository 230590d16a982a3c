"""Distilling a light codec: from videos or shards to a file that a model runs with."""

import logging
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('diffusers')
pytest.importorskip('accelerate')

from dvd_ros.cli.main import main  # noqa: E402
from dvd_ros.model import DvdModel  # noqa: E402
from dvd_ros.model.light_checkpoint import load_light  # noqa: E402
from dvd_ros.regressor import load_regressor  # noqa: E402
from dvd_ros.training.distil import DistilRecipe, distil, read_windows  # noqa: E402
from dvd_ros.training.video_windows import VideoWindows  # noqa: E402

RECIPE = DistilRecipe(size=(32, 48), window=5, width=8, batch=1, steps=4)


def write_video(path, frames=14, size=(60, 80), first=0):
    """Frames whose grey level tells their number."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, size[::-1])
    for i in range(frames):
        video.write(np.full((*size, 3), first + 5 * i, np.uint8))
    video.release()


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Two videos, a folder of images, and what is none of these."""
    folder = tmp_path_factory.mktemp('videos')
    write_video(folder / 'long.avi', 40)
    write_video(folder / 'late.avi', 14, first=100)
    (folder / 'images').mkdir()
    for i in range(6):
        cv2.imwrite(str(folder / 'images' / f'{i}.png'), np.full((32, 48, 3), 240, np.uint8))
    (folder / 'notes.txt').write_text('not a video')
    return folder


def grey(view):
    return [round(float(frame.mean()) * 127.5 + 127.5) for frame in view]


def test_windows_are_frames_in_a_row_of_every_video(videos, caplog):
    with caplog.at_level(logging.WARNING):
        windows = VideoWindows(videos, 5, (32, 48))
    assert 'notes.txt is passed over' in caplog.text
    assert len(windows) == 8 + 2 + 1
    batch = windows.batch(np.random.default_rng(0), 60, 5)
    assert batch.shape == (60, 5, 3, 32, 48)
    firsts = set()
    for view in batch:
        levels = grey(view)
        step = 0 if levels[0] >= 235 else 5
        np.testing.assert_allclose(levels, levels[0] + step * np.arange(5), atol=2)
        firsts.add(round(levels[0], -1))
    assert len(firsts) >= 8
    assert torch.equal(batch, windows.batch(np.random.default_rng(0), 60, 5))
    assert windows.batch(np.random.default_rng(0), 2, 1).shape == (2, 1, 3, 32, 48)


def test_little_memory_still_sees_all_of_a_video(videos):
    few = VideoWindows(videos / 'long.avi', 5, (32, 48), memory=3 * 5 * 40 * 60 * 4)
    assert len(few) == 3
    levels = {grey(view)[0] // 60 for view in few.batch(np.random.default_rng(0), 40, 5)}
    assert levels == {0, 1, 2}


def test_what_has_no_windows_is_said(tmp_path, videos):
    with pytest.raises(FileNotFoundError, match='there is no .*lost'):
        read_windows(tmp_path / 'lost', RECIPE)
    with pytest.raises(ValueError, match=r'no source of .* has 5 frames in a row .*0 sources'):
        read_windows(tmp_path, RECIPE)
    with pytest.raises(ValueError, match='has 41 frames in a row'):
        VideoWindows(videos, 41, (32, 48))


def test_the_command_makes_a_codec_that_the_model_runs_with(tiny, videos, tmp_path, capsys):
    out = tmp_path / 'made' / 'light.safetensors'
    assert main(['train', 'codec', str(tiny), str(videos), '-o', str(out), '--steps', '3',
                 '--batch', '1', '--window', '5', '--device', 'cpu']) == 0
    assert str(out) in capsys.readouterr().out
    images = np.random.default_rng(0).integers(0, 255, (9, 40, 60, 3), dtype=np.uint8)
    assert load_regressor(tiny, codec=out).predict(images).shape == (9, 40, 60)
    model = DvdModel.from_folder(tiny)
    assert load_light(out, model.config, model.vae).encoder.sizes.widths == (8, 16, 32)


@pytest.mark.parametrize(('arguments', 'words'), [
    (['--size', 'big'], '--size big'), (['--size', '33x48'], '33x48 must be multiples of 16'),
    (['--window', '6'], 'window must be 4n+1'), (['--steps', '0'], 'steps=0'),
    (['--noise', '-1'], 'noise=-1')])
def test_bad_arguments_are_named(tiny, videos, tmp_path, capsys, arguments, words):
    out = tmp_path / 'light.safetensors'
    assert main(['train', 'codec', str(tiny), str(videos), '-o', str(out), *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture(scope='module')
def model(tiny):
    return DvdModel.from_folder(tiny)


def test_it_learns_both_halves(model, tmp_path):
    """On one window: what comes out after many steps is nearer to the full codec's."""
    torch.manual_seed(0)
    coarse = torch.rand(5, 3, 8, 12)
    clip = torch.nn.functional.interpolate(coarse, size=(32, 48), mode='bilinear')
    full = model.specialise()
    latents = full.encode(clip)
    depth = full.regress(latents)
    errors = []
    for steps in (1, 150):
        recipe = DistilRecipe(size=(32, 48), window=5, width=8, batch=1, steps=steps, rate=5e-3)
        light = distil(model, lambda rng: clip[None] * 2 - 1, recipe,
                       tmp_path / f'{steps}.safetensors')
        errors.append(((light.encoder(clip * 2 - 1) - latents).square().mean() / latents.var(),
                       (light.decoder(depth) - full.decode(depth)).abs().mean()))
    assert errors[1][0] < 0.5 * errors[0][0]
    assert errors[1][1] < 0.5 * errors[0][1]


def test_a_run_that_failed_can_be_repeated_and_one_that_ended_goes_on(model, videos, tmp_path):
    windows = read_windows(videos, RECIPE)
    whole = distil(model, windows, RECIPE, tmp_path / 'whole.safetensors').state_dict()
    asked = []

    def broken(rng):
        asked.append(1)
        if len(asked) == 3:
            raise OSError('the disc is gone')
        return windows(rng)

    with pytest.raises(OSError, match='disc'):
        distil(model, broken, RECIPE, tmp_path / 'cut.safetensors')
    again = distil(model, windows, RECIPE, tmp_path / 'cut.safetensors').state_dict()
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    more = distil(model, windows, replace(RECIPE, steps=5), tmp_path / 'cut.safetensors')
    assert not all(torch.equal(value, again[name]) for name, value in more.state_dict().items())


def test_rendered_shards_serve_too(model, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / 'shard_1.npz', images=rng.integers(0, 255, (2, 5, 48, 64, 3), np.uint8),
             disparity=rng.uniform(0.1, 1, (2, 5, 48, 64)).astype(np.float16))
    windows = read_windows(tmp_path, RECIPE)
    view = windows(np.random.default_rng(0))
    assert view.shape == (1, 5, 3, 32, 48)
    assert -1 <= view.min() < view.max() <= 1
    distil(model, windows, RECIPE, tmp_path / 'light.safetensors')
