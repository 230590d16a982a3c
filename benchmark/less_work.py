"""What would be saved, and lost, by doing less for every window.

One run with the torch backend on one thread: the time of each part of a window; of preparing its
images anew in every window; of decoding only the frames that are published or that the aligner
compares; of taking the latents of the overlap from the window before instead of encoding its
frames again (a bound: what any way of doing it saves at most); of delivering a window's frames,
5 ms apart as the node does, in a thread beside the network. Variants take turns, figures are
medians, per cent are of a whole window. Then what reuse and smaller strides do to depth, on
rendered held-out clips (needs numba): accuracy, and how far depth jumps where windows meet.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from accuracy import rendered
from diffusers.models.autoencoders.autoencoder_kl_wan import WanResample
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from dvd_ros.assets_path import ASSETS
from dvd_ros.evaluation.align import evaluate_disparity, report
from dvd_ros.model import DvdModel
from dvd_ros.model.whole_window import WholeDecoder
from dvd_ros.regressor.protocol import PreparedImage
from dvd_ros.regressor.torch_backend import TorchRegressor
from dvd_ros.ros.delivery import Delivery
from dvd_ros.stream import DepthFrame, DepthStream, Frame, StreamConfig

FOLDER = ASSETS / 'mini'


class TailDecoder(WholeDecoder):
    """A WholeDecoder that drops frames as soon as time is at full length: all but the last `keep`.

    Exact where the rest of the decoder works on frames one by one, as that of the shipped model.
    """

    keep = 0

    def _lengthened(self, block: WanResample, frames: Tensor) -> Tensor:
        frames = super()._lengthened(block, frames)
        return frames[:, -self.keep:] if block is self.last else frames

    @property
    def last(self) -> WanResample:
        """The block that brings time to full length."""
        return [up for block in self.up_blocks for up in block.upsamplers or ()
                if up.mode == 'upsample3d'][-1]


class ReusingRegressor(TorchRegressor):
    """Takes the latents of frames that the window before has seen from that window.

    Window after window of one segment, `stride` new frames each (a multiple of 4): the first
    latent is of one frame alone and always computed, those behind it that cover frames of the
    overlap are the last ones of the window before. ``errors`` collects their mean distance from
    what would have been computed, relative to the latents' own spread.
    """

    stride = 8

    def reset(self) -> None:
        """Begin a new segment."""
        self._latents: Tensor | None = None
        self.errors: list[float] = []

    def predict_prepared(self, prepared: Any) -> np.ndarray:
        """See protocol.Regressor.predict_prepared."""
        with torch.inference_mode():
            fresh = self.model.encode(torch.cat([image.content for image in prepared]))
            latents = fresh.clone()
            shared = (len(prepared) - self.stride - 1) // 4
            if self._latents is not None and len(prepared) == self.window:
                latents[:, 1:1 + shared] = self._latents[:, -shared:]
                distance = (latents - fresh)[:, 1:1 + shared].abs().mean() / fresh.std()
                self.errors.append(float(distance))
            self._latents = latents
            disparity = self.model.decode(self.model.regress(latents))[:len(prepared)]
            height, width = prepared[0].size
            return functional.interpolate(disparity[:, None], (height, width), mode='bilinear',
                                          align_corners=False)[:, 0].numpy()


def in_turns(variants: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each; what else runs on the machine meets all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds + 1):
        for name, run in variants.items():
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values[1:])) for name, values in times.items()}


def time_parts(regressor: TorchRegressor, image_size: tuple[int, int], rounds: int) -> None:
    """Print the parts of a window and what doing less of them saves."""
    model: Any = regressor.model
    tail = TailDecoder(DvdModel.from_folder(FOLDER).vae).eval()
    images = np.random.default_rng(0).integers(0, 256, (13, *image_size, 3), np.uint8)

    def prepare(count: int) -> list[PreparedImage]:
        return [regressor.prepare(image) for image in images[:count]]

    def decode_last(keep: int) -> Tensor:
        tail.keep = keep
        return tail(depth_latents)

    prepared = prepare(13)
    video = torch.cat([image.content for image in prepared])
    with torch.inference_mode():
        latents = model.encode(video)
        depth_latents = model.regress(latents)
        disparity = model.decode(depth_latents)
        variants: dict[str, Callable[[], Any]] = {
            'whole window': lambda: regressor.predict(images),
            'prepare, 13 images': lambda: prepare(13),
            'prepare, 8 new images': lambda: prepare(8),
            'encode, 13 frames': lambda: model.encode(video),
            'encode, 9 frames (1 latent of 4 reused, stride 8)': lambda: model.encode(video[:9]),
            'encode, 5 frames (2 latents of 4 reused, stride 4)': lambda: model.encode(video[:5]),
            'transform': lambda: model.regress(latents),
            'decode, 13 frames': lambda: model.decode(depth_latents),
            'decode, last 9 frames (stride 4 and 5 for the aligner)': lambda: decode_last(9),
            'decode, last 6 frames (stride 1 and 5 for the aligner)': lambda: decode_last(6),
            'scale back, 13 frames': lambda: functional.interpolate(
                disparity[:, None], image_size, mode='bilinear', align_corners=False),
        }
        took = in_turns(variants, rounds)
        apart = {keep: float((decode_last(keep) - disparity[-keep:]).abs().max())
                 for keep in (13, 9, 6)}
    whole = took['whole window']
    width = max(map(len, took))
    print(f'{image_size[1]}x{image_size[0]} images, network at {video.shape[3]}x{video.shape[2]}, '
          f'window 13, median of {rounds}\n')
    print(f'| {"":{width}} |     ms | of a window |\n|{"-" * (width + 2)}|-------:|------------:|')
    for name, value in took.items():
        print(f'| {name:{width}} | {value:6.1f} | {value / whole:10.1%}  |')
    print()
    for label, before, after in (
            ('preparing each image once, stride 8', 'prepare, 13', 'prepare, 8'),
            ('reuse of 1 latent, stride 8', 'encode, 13', 'encode, 9'),
            ('reuse of 2 latents, stride 4', 'encode, 13', 'encode, 5'),
            ('decoding 9 frames, stride 4', 'decode, 13', 'decode, last 9'),
            ('decoding 6 frames, stride 1', 'decode, 13', 'decode, last 6')):
        saved = [next(value for name, value in took.items() if name.startswith(start))
                 for start in (before, after)]
        print(f'{label}: saves {saved[0] - saved[1]:.1f} ms, '
              f'{(saved[0] - saved[1]) / whole:.1%} of a window')
    print('decoding at stride 8: all 13 frames are published or compared, nothing is saved')
    print('largest difference of disparity by decoding less: ' +
          ', '.join(f'{value:.1g} ({keep} frames)' for keep, value in apart.items()) + '\n')


def time_delivery(regressor: TorchRegressor, image_size: tuple[int, int], rounds: int) -> None:
    """Print the time from window to window, with delivery in the same thread and in its own."""
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (8, *image_size, 3), np.uint8))
    streams = {name: DepthStream(regressor) for name in ('same', 'own')}
    stamps = dict.fromkeys(streams, 0)

    def window(name: str) -> list[DepthFrame]:
        done: list[DepthFrame] = []
        while not done:
            stamps[name] += 33_333_333
            done = streams[name].push(Frame(images[stamps[name] % 8], stamps[name]))
        return done

    def deliver(batch: list[DepthFrame]) -> None:
        for _ in batch[1:]:
            time.sleep(0.005)

    ended = threading.Event()
    delivery = Delivery(deliver, ended.set)
    delivery.start()
    took = in_turns({'same': lambda: deliver(window('same')),
                     'own': lambda: delivery.put(window('own'))}, rounds)
    delivery.close()
    ended.wait()
    print(f'from window to window: {took["same"]:.0f} ms with delivery in the same thread, '
          f'{took["own"]:.0f} ms beside it ({took["own"] / took["same"] - 1:+.1%})')


def disparity_of(regressor: TorchRegressor, frames: list[Frame],
                 stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Disparity [T,H,W] as published, and which frames are the first of a window."""
    if isinstance(regressor, ReusingRegressor):
        regressor.reset()
        regressor.stride = stride
    stream = DepthStream(regressor, StreamConfig(stride=stride))
    done = [d for frame in frames for d in stream.push(frame)]
    windows = np.array([d.window for d in done])
    return np.stack([d.disparity for d in done]), np.flatnonzero(np.diff(windows)) + 1


def jumps(disparity: np.ndarray, at: np.ndarray) -> float:
    """Mean change from one frame to the next at the frames `at`, in disparity of 0..1."""
    return float(np.abs(np.diff(disparity, axis=0)).mean(axis=(1, 2))[at - 1].mean())


def compare_depth(plain: TorchRegressor, reusing: ReusingRegressor, clips: int, street: float,
                  seed: int) -> dict[str, dict[str, float]]:
    """Scores by variant, means over clips of 37 frames: 13 and three times 8."""
    variants: dict[str, tuple[TorchRegressor, int]] = {
        'stride 8': (plain, 8), 'stride 4': (plain, 4), 'stride 1': (plain, 1),
        'stride 8, 1 latent reused': (reusing, 8), 'stride 4, 2 latents reused': (reusing, 4)}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for frames, truth in tqdm(rendered(clips, 37, street, seed), total=clips):
        fresh: dict[int, np.ndarray] = {}
        for name, (regressor, stride) in variants.items():
            disparity, seams = disparity_of(regressor, frames, stride)
            fresh.setdefault(stride, disparity)
            # Where every variant has published: what follows the first window.
            scores = evaluate_disparity(disparity[13:], truth[13:len(disparity)])
            row = {key: scores[key] for key in ('abs_rel', 'rmse', 'delta1')}
            row['seam'] = jumps(disparity, seams)
            row['any frame'] = jumps(disparity, np.arange(13, len(disparity)))
            row['against fresh'] = float(np.abs(disparity - fresh[stride]).mean())
            row['latents'] = (float(np.mean(regressor.errors))
                              if isinstance(regressor, ReusingRegressor) else 0.0)
            rows[name].append(row)
    return {name: {key: float(np.mean([row[key] for row in each])) for key in each[0]}
            for name, each in rows.items()}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--clips', type=int, default=6, help='of each kind; 0: times only')
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--image', type=int, nargs=2, default=(480, 640), metavar=('H', 'W'))
    parser.add_argument('--seed', type=int, default=1000, help='of the first held-out scene')
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = DvdModel.from_folder(FOLDER).specialise()
    plain = TorchRegressor(model, 'mini')
    time_parts(plain, tuple(options.image), options.rounds)
    time_delivery(plain, tuple(options.image), options.rounds)
    for name, street in (('rooms', 0.0), ('streets', 1.0)) if options.clips else ():
        rows = compare_depth(plain, ReusingRegressor(model, 'mini'), options.clips, street,
                             options.seed)
        print(f'\nrendered {name}, {options.clips} clips; seam, any frame: mean change of '
              'disparity from frame to frame\n' + report(rows))


if __name__ == '__main__':
    main()
