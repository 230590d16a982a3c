"""Disparity of a clip as a model gives it: live, in the reference's windows, or frame by frame."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from dvd_ros.evaluation.clips import Shot
from dvd_ros.regressor.protocol import Regressor
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.scale.depth_image import DepthImageSource
from dvd_ros.scale.state import ScaleState
from dvd_ros.scale.stream_scale import StreamScale
from dvd_ros.stream.config import StreamConfig
from dvd_ros.stream.depth_stream import DepthStream
from dvd_ros.stream.frame import DepthFrame
from dvd_ros.stream.spans import window_spans
from dvd_ros.stream.stitch import stitch

PROTOCOLS = ('stream', 'dvd', 'frames')


@dataclass(eq=False)
class Prediction:
    """
    What a model made of a clip.

    Attributes
    ----------
    disparity
        Per frame float32 [H,W], relative; None where the stream dropped the frame.
    seconds
        For all of them, reading the frames left out.
    scales
        Of the frame's window, to the stream's scale: relative. Empty but for 'stream'.
    segments
        Parts of the clip that share no scale.
    dropped
        Frames without disparity, by cause.
    states, scale
        Where metres come from known depth: what was known at each frame, and what makes metres
        of its disparity.

    """

    disparity: list[np.ndarray | None] = field(default_factory=list)
    seconds: float = 0.0
    scales: list[float] = field(default_factory=list)
    segments: int = 1
    dropped: dict[str, int] = field(default_factory=dict)
    states: list[ScaleState | None] = field(default_factory=list)
    scale: StreamScale | None = None

    def metres(self, index: int) -> np.ndarray | None:
        """Depth of a frame by known depth, [H,W] metres, no alignment; None until it is metric."""
        disparity = self.disparity[index]
        state = self.states[index] if self.states else None
        if disparity is None or state is None or self.scale is None or not state.metric:
            return None
        return self.scale.depth(disparity, state)


def known_pixels(index: int, shape: tuple[int, ...], share: float) -> np.ndarray:
    """Choose the pixels of frame ``index`` whose true depth is given away, bool, always the same.

    They are those that video_node publishes with ``depth_share``.
    """
    return np.random.default_rng(index).random(shape) < share


def predict_stream(regressor: Regressor, shots: Iterable[Shot], config: StreamConfig,
                   scale: ScaleConfig | None = None, known_depth: float = 0.0) -> Prediction:
    """
    Run the live DepthStream over a clip, as the node does but that no frame is late.

    With ``known_depth`` that share of the pixels of true depth is its source of metres.
    """
    source = DepthImageSource()
    metres = StreamScale(scale, [source] if known_depth else [])
    stream = DepthStream(regressor, config, metres)
    result = Prediction(scale=metres if known_depth else None)
    place: dict[int, int] = {}
    segments: set[int] = set()

    def take(done: list[DepthFrame]) -> None:
        for depth in done:
            index = place[id(depth.frame)]
            result.disparity[index] = depth.disparity
            result.scales[index] = depth.alignment.scale
            result.states[index] = depth.scale
            segments.add(depth.segment)

    for index, shot in enumerate(shots):
        # Not by its stamp, which a damaged recording repeats; the stream keeps it until it is done.
        place[id(shot.frame)] = index
        result.disparity.append(None)
        result.scales.append(float('nan'))
        result.states.append(None)
        if known_depth and shot.truth is not None:
            given = known_pixels(index, shot.truth.shape, known_depth)
            source.push(shot.frame.stamp, np.where(given, shot.truth, np.float32(np.nan)))
        began = time.perf_counter()
        take(stream.push(shot.frame))
        result.seconds += time.perf_counter() - began
    began = time.perf_counter()
    take(stream.flush())
    result.seconds += time.perf_counter() - began
    result.segments = max(len(segments), 1)
    result.dropped = {cause: count for cause, count in stream.counters.dropped.items() if count}
    return result


def predict_windows(regressor: Regressor, shots: Iterable[Shot], window: int,
                    overlap: int) -> Prediction:
    """
    Run the reference's inference over a clip: long windows, aligned and blended afterwards.

    The published protocol is 45 frames with an overlap of 9; for long clips 81 with 21. It needs
    the whole clip before it gives a frame. Raises ValueError where images differ in size.
    """
    result = Prediction()
    windows: list[np.ndarray] = []
    images: list[np.ndarray] = []
    count = done = 0

    def run() -> None:
        """Predict the window that ends here, where window_spans puts it, too."""
        sizes = sorted({image.shape for image in images})
        if len(sizes) > 1:
            raise ValueError(f'the protocol dvd needs images of one size, got {list(sizes[0])} and '
                             f'{list(sizes[1])}: use stream')
        began = time.perf_counter()
        windows.append(regressor.predict(np.stack(images)))
        result.seconds += time.perf_counter() - began

    for shot in shots:
        images.append(shot.frame.image)
        del images[:-window]
        count += 1
        if count >= window and (count - window) % (window - overlap) == 0:
            run()
            done = count
    if done < count:
        run()
    if count:
        result.disparity = list(stitch(windows, window_spans(count, window, overlap)))
    return result


def predict_frames(regressor: Regressor, shots: Iterable[Shot]) -> Prediction:
    """Run the network on each frame alone: what it gives without its knowledge of time."""
    result = Prediction()
    for shot in shots:
        began = time.perf_counter()
        result.disparity.append(regressor.predict(shot.frame.image[None])[0])
        result.seconds += time.perf_counter() - began
    return result
