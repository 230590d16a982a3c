"""The whole way of a frame between the two ends: frames in, depth frames out."""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.parallax import ParallaxRefiner, Refined
from dvd_ros.scale.stream_scale import StreamScale
from dvd_ros.stream.align import WindowAligner
from dvd_ros.stream.config import StreamConfig
from dvd_ros.stream.counters import StreamCounters
from dvd_ros.stream.frame import DepthFrame, Frame
from dvd_ros.stream.held_frames import Estimate, HeldFrames
from dvd_ros.stream.scene_cut import SceneCut
from dvd_ros.stream.window import Window, WindowBuffer
from dvd_ros.stream.window_model import PreparingModel, Unprepared, WindowModel

# Images farther apart, nanoseconds, differ by motion alone: where a machine drops many, it would
# see cuts that are none.
_CUT_STEP = 500_000_000


class DepthStream:
    """
    Turns a stream of frames into depth frames, in windows of ``config.window``.

    A plain object, whose threads (of the model, of parallax) have nothing left to do when a call
    returns: `push` runs the model when a window is complete and returns its new frames. Every
    frame is published at most once, in order, with its own stamp, and is
    never changed afterwards. At most ``config.window`` frames are held. A model that can prepare
    images (see PreparingModel) prepares each once, when it is pushed, not in every window.

    What it gives depends on the frames alone, never on time. With ``config.stride`` 0 the stride
    is ``window - overlap`` until whoever drives the stream live sets ``stride`` (see LiveStride).

    A new segment (own scale, no frames shared) begins when the resolution, the intrinsics or
    the frame_id change, when the stamp runs back by more than ``max_backstep`` or forth by more
    than ``max_gap``, at a cut to another scene (SceneCut; between images at most 0.5 s apart), and
    after `flush` and `reset`. What was waiting is published first. The aligner finds cuts, too,
    where two windows contradict each other.

    ``scale`` makes metres of disparity; without it they are nominal (see StreamScale). With
    ``config.latency`` 'smooth' the newest ``config.overlap`` frames are held back until the next
    window, which is blended in (see HeldFrames).

    With ``config.parallax`` disparity is corrected by the motion of the camera before it becomes
    metres (see ParallaxRefiner), on frames whose intrinsics are known.

    ``counters`` tells what became of the frames; causes of dropping: ``repeated_stamp``,
    ``backward_stamp``, ``model_error``, ``reset``.

    Raises ValueError if the regressor takes fewer frames than the window has.
    """

    def __init__(self, regressor: WindowModel | PreparingModel,
                 config: StreamConfig | None = None, scale: StreamScale | None = None) -> None:
        config = config or StreamConfig()
        self.config = config
        self.counters = StreamCounters()
        self._model = _fitting(regressor, config)
        self._scale = scale or StreamScale()
        self._scaled_segment = -1
        self._buffer = WindowBuffer(config.window, config.stride or config.most_new)
        self._aligner = WindowAligner(config)
        self._held = HeldFrames(_held_back(config), config.fade)
        self._refiner = ParallaxRefiner()
        self._cuts = SceneCut()
        self._last: Frame | None = None
        self._intrinsics: Intrinsics | None = None

    @property
    def stride(self) -> int:
        """
        New frames per window, 1..window-overlap. It may be set at any time, for the next windows.

        Raises ValueError where it is set out of range: windows would share too few frames.
        """
        return self._buffer.stride

    @stride.setter
    def stride(self, stride: int) -> None:
        if not 1 <= stride <= self.config.most_new:
            raise ValueError(f'stride must be in 1..window-overlap = 1..{self.config.most_new} '
                             f'frames, got {stride}')
        self._buffer.stride = stride

    def change(self, config: StreamConfig) -> None:
        """
        Take other settings, for the frames and windows to come; nothing that waits is lost.

        With ``stride`` 0 the stride stays as it is. Raises ValueError where a setting differs that
        holds for the whole stream (its ``metadata['live']`` is false).
        """
        for entry in fields(config):
            was, now = getattr(self.config, entry.name), getattr(config, entry.name)
            if now != was and not entry.metadata['live']:
                raise ValueError(f'{entry.name} is {was} as long as the stream lasts, got {now}')
        self.config = config
        if not config.parallax:
            self._refiner.reset()
        self._held.count, self._held.fade = _held_back(config), config.fade
        if config.stride:
            self.stride = config.stride

    def replace_model(self, regressor: WindowModel | PreparingModel) -> None:
        """
        Go on with another model, or the same loaded anew; frames that wait are dropped ('reset').

        Raises ValueError if it takes fewer frames than the window has.
        """
        model = _fitting(regressor, self.config)
        self.reset()
        self._model = model

    @property
    def segment(self) -> int:
        """Number of the segment that the newest window belongs to, from 0."""
        return max(self._scaled_segment, 0)

    @property
    def scale(self) -> StreamScale:
        """What makes metres of disparity."""
        return self._scale

    def push(self, frame: Frame) -> list[DepthFrame]:
        """
        Take the next frame; return the depth frames that it makes ready, often none.

        Raises
        ------
        ValueError
            If the model returns something else than [T,H,W] of the frames' size.
        Exception
            Whatever the model raises. In both cases the frames of that window, or those that
            wait for it, are counted as dropped (``model_error``), a new segment begins and the
            stream can be used on.

        """
        self.counters.received += 1
        done: list[DepthFrame] = []
        cut = False
        if self._last is not None:
            step = frame.stamp - self._last.stamp
            breaks = self._breaks(frame, self._last, step)
            if step <= 0 and not breaks:
                self.counters.dropped['repeated_stamp' if step == 0 else 'backward_stamp'] += 1
                return []
            cut = (not breaks and self.config.cuts and self._cuts.add(frame.image)
                   and step <= _CUT_STEP)
            if breaks or cut:
                try:
                    done = self._finish(cut)
                except Exception:
                    # The frame itself is not to blame: it starts the next segment.
                    self._accept(frame)
                    raise
        if self._last is None:
            self._cuts.reset()
            self._cuts.add(frame.image)
        return done + self._accept(frame)

    def flush(self) -> list[DepthFrame]:
        """
        Publish the frames that still wait, at the end of a finite stream.

        The last window reaches back to frames already published, so that it is full, and only
        new frames are returned. A frame pushed afterwards begins a new segment. Raises as `push`.
        """
        return self._finish()

    def reset(self) -> None:
        """Drop the frames that still wait (counted) and begin a new segment."""
        self.counters.dropped['reset'] += len(self._buffer) + len(self._held.release())
        self._restart()

    def _breaks(self, frame: Frame, last: Frame, step: int) -> bool:
        config = self.config
        return (frame.size != last.size
                or frame.frame_id != last.frame_id
                # A camera_info that comes late, or not with every frame, is no other camera.
                or (frame.intrinsics is not None and self._intrinsics is not None
                    and frame.intrinsics != self._intrinsics)
                or step > config.max_gap * 1e9
                or step < -config.max_backstep * 1e9)

    def _accept(self, frame: Frame) -> list[DepthFrame]:
        self._last = frame
        self._intrinsics = frame.intrinsics or self._intrinsics
        try:
            prepared = self._model.prepare(frame.image)
        except Exception:
            # Without this frame those before it and after it are no window.
            self._drop(len(self._buffer) + 1)
            raise
        window = self._buffer.push(frame, prepared)
        return self._publish(window) if window else []

    def _finish(self, cut: bool = False) -> list[DepthFrame]:
        window = self._buffer.rest()
        done = self._publish(window) if window else []
        done += self._depth_frames(self._held.release())
        self._restart(cut)
        return done

    def _restart(self, cut: bool = False) -> None:
        self._buffer.clear()
        self._aligner.reset(cut)
        self._last = None
        self._intrinsics = None

    def _drop(self, frames: int) -> None:
        self.counters.dropped['model_error'] += frames + len(self._held.release())
        self._restart()

    def _publish(self, window: Window) -> list[DepthFrame]:
        try:
            raw = self._model.predict_prepared(window.prepared)
            expected = (len(window.frames), *window.frames[0].size)
            if raw.shape != expected:
                raise ValueError(f'the model returned {list(raw.shape)} for {list(expected)} '
                                 'frames; a regressor keeps length and size')
            alignment = self._aligner.align(raw, window.new)
            ready = self._held.add(window, raw, alignment)
        except Exception:
            self._drop(window.new)
            raise
        return self._depth_frames(ready)

    def _depth_frames(self, ready: list[Estimate]) -> list[DepthFrame]:
        self.counters.published += len(ready)
        done = []
        for segment, group in groupby(ready, lambda estimate: estimate.alignment.segment):
            estimates = list(group)
            if segment != self._scaled_segment:
                self._scale.begin_segment()
                self._refiner.reset()
                self._scaled_segment = segment
            done += [self._depth_frame(estimate, refined) for estimate, refined
                     in zip(estimates, self._refined(estimates), strict=True)]
        return done

    def _refined(self, estimates: list[Estimate]) -> list[Refined]:
        """Their disparity, corrected by parallax if that is wanted and the camera is known."""
        refined = [Refined(estimate.disparity, None) for estimate in estimates]
        if not self.config.parallax:
            return refined
        for intrinsics, group in groupby(range(len(estimates)),
                                         lambda place: estimates[place].frame.intrinsics):
            places = list(group)
            if intrinsics is not None:
                part = slice(places[0], places[-1] + 1)
                refined[part] = self._refiner.refine(
                    [estimate.frame.image for estimate in estimates[part]], intrinsics,
                    [estimate.disparity for estimate in estimates[part]])
        return refined

    def _depth_frame(self, estimate: Estimate, refined: Refined) -> DepthFrame:
        frame, disparity = estimate.frame, refined.disparity
        scale = self._scale.update(frame.stamp, frame.intrinsics, disparity)
        return DepthFrame(frame, disparity, self._scale.depth(disparity, scale),
                          estimate.disagreement, estimate.alignment.segment, estimate.window,
                          estimate.alignment, scale, refined.told)


def _fitting(regressor: WindowModel | PreparingModel, config: StreamConfig) -> PreparingModel:
    if config.window > regressor.window:
        raise ValueError(f'window is {config.window} frames, the model takes at most '
                         f'{regressor.window}')
    return regressor if isinstance(regressor, PreparingModel) else Unprepared(regressor)


def _held_back(config: StreamConfig) -> int:
    return config.overlap if config.latency == 'smooth' else 0
