"""Corrects the disparity of a stream where the motion of the camera tells more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dvd_ros.geometry.intrinsics import Intrinsics
from dvd_ros.geometry.transform import RigidTransform
from dvd_ros.parallax.dense import Found, matched_depth
from dvd_ros.parallax.evidence import Told
from dvd_ros.parallax.fusion import Fusion
from dvd_ros.parallax.grid import PIXELS_TRACKED, Grid, shrunk, sized
from dvd_ros.parallax.landmarks import Known
from dvd_ros.parallax.line import FEWEST, believed_line, symmetric_line
from dvd_ros.parallax.odometry import Odometry
from dvd_ros.parallax.threads import one_thread_each, pool
from dvd_ros.parallax.view import View

# Disparity of infinity is taken to lie so far below the farthest, and the least inverse depth so
# high, in the unit: usual disparity above the farthest.
_BELOW, _LEAST = 0.05, 0.02
# Usual error of the network's inverse depth, in parts of it plus in parts of the usual one.
_PART, _FLOOR = 0.15, 0.01
# Least error of a landmark, in parts of its inverse depth, and the part of its information that its
# neighbours, which share the errors of the motion, do not tell too.
_LANDMARK, _OWN = 0.08, 0.15
# A view is matched with one that gives about this much parallax, pixels, where it is near: but for
# the nearest points, of which these are part. Each frame between them counts as much as this part
# of it.
_PARALLAX, _NEAREST, _FAR = 12.0, 0.1, 0.01
# Frames that lie farther back are not matched.
_FRAMES = 30
# Where the usual landmark's error, in parts, is below the first, they are believed in full; above
# the second not at all. So much of what is believed changes with a frame.
_SURE, _UNSURE, _CHANGE, _LEAST_TRUST = 0.035, 0.2, 0.2, 1e-3
# The same of how far matches are off the lines that the motion draws for them (see Found).
_FITS, _MISFITS = 0.4, 1.6
# The line from disparity to the scene is the mean over so many frames; less alike, and it tells
# nothing.
_MEMORY, _ALIKE = 50, 0.3


@dataclass(frozen=True, eq=False)
class Refined:
    """
    A frame after parallax.

    disparity: float32 [H,W], on the scale of the network's. told: what parallax told, on a grid of
    its own; None where that was nothing believable.
    """

    disparity: np.ndarray
    told: Told | None


class ParallaxRefiner:
    """
    Improves disparity by structure from motion.

    Visual odometry finds the motion of the camera and how far tracked points are (see Odometry).
    With the motion known, matches with one other view tell the inverse depth of all points that
    moved enough and could be found again. The network is the prior, with errors that lie smooth in
    the image (see Fusion). What comes out is on the network's own scale and shift, as they are in
    the mean of many frames, so that they no longer change with each window. Where the camera only
    turns or stands, or where what is seen moves by itself and fits no motion, the points stay
    unsure, and disparity as it was.
    """

    def __init__(self) -> None:
        self._segment: _Segment | None = None

    def reset(self) -> None:
        """Begin a segment: its disparity has a scale of its own, and shares no scene."""
        self._segment = None

    def refine(self, images: Sequence[np.ndarray], intrinsics: Intrinsics,
               disparity: Sequence[np.ndarray]) -> list[Refined]:
        """
        Take the next frames of the segment; return their disparity, corrected.

        Frames that come together are matched with one another too, whatever their order: the
        first ones of a segment have none before them.

        images: uint8 [H,W,3] each, of ``intrinsics``; others than before begin a segment.
        disparity: float32 [H,W] each, on the scale of the stream, 0 or more, NaN where there is
        none.
        """
        if not images:
            return []
        if self._segment is None or self._segment.intrinsics != intrinsics:
            self._segment = _Segment(intrinsics, np.nan_to_num(disparity[0]))
        with one_thread_each():
            return self._segment.refine(images, disparity)


@dataclass(frozen=True, eq=False)
class _Sized:
    """
    A new image in the sizes in which it is tracked and matched.

    network: its inverse depth as the network says, [h,w] as tracked. guess: the same, [N].
    """

    tracked: View
    network: np.ndarray
    matched: View
    guess: np.ndarray


@dataclass(frozen=True, eq=False)
class _Task:
    """
    A view that is to be corrected.

    trust: 0..1, how far what is found is believed. guess: the network's inverse depth [N].
    expected: on the scale of the scene, with usual error ``sigma``.
    """

    number: int
    known: Known
    trust: float
    guess: np.ndarray
    expected: np.ndarray
    sigma: np.ndarray


class _Segment:
    """One camera in one scene."""

    def __init__(self, intrinsics: Intrinsics, disparity: np.ndarray) -> None:
        """disparity: [H,W] of the first frame; what is at infinity in it is guessed."""
        self.intrinsics, self._grid = intrinsics, Grid(intrinsics)
        self._fusion = Fusion(self._grid)
        tracked = self._tracked = shrunk(intrinsics, PIXELS_TRACKED)
        self._odometry = Odometry(np.array([tracked.fx, tracked.fy]),
                                  np.array([tracked.cx, tracked.cy]))
        self._views: dict[int, View] = {}
        self._next = self._start = self._lines = 0
        self._line = 1.0, 0.0
        self._trust, self._fit = 0.0, 1.0
        low = float(np.quantile(disparity, 0.01))
        self._unit = max(float(disparity.mean()) - low, 1e-3)
        self._shift = _BELOW * self._unit - low

    def refine(self, images: Sequence[np.ndarray],
               disparity: Sequence[np.ndarray]) -> list[Refined]:
        """As ParallaxRefiner.refine."""
        numbers = range(self._next, self._next + len(images))
        self._next = numbers.stop
        inputs = list(pool().map(self._sized, images, disparity))
        self._odometry.add([(one.tracked, one.network) for one in inputs])
        self._views.update((number, one.matched)
                           for number, one in zip(numbers, inputs, strict=True))
        self._views = {number: view for number, view in self._views.items()
                       if number >= numbers.start - _FRAMES}
        if self._odometry.start != self._start:
            self._start, self._lines = self._odometry.start, 0
        known = {number: self._odometry.known(number) for number in numbers
                 if number in self._odometry.poses}
        for one in known.values():
            self._follow(one)
        tasks = [self._task(number, known.get(number), one.guess)
                 for number, one in zip(numbers, inputs, strict=True)]
        # Matching is a third of the work, and each view's is its own.
        return [self._refined(task, found, one) for task, found, one in
                zip(tasks, pool().map(self._matched, tasks), disparity, strict=True)]

    def _sized(self, image: np.ndarray, disparity: np.ndarray) -> _Sized:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        network = np.nan_to_num(disparity)
        network += np.float32(self._shift)
        np.maximum(network, np.float32(_LEAST * self._unit), out=network)
        size = self._tracked.width, self._tracked.height
        return _Sized(View(sized(grey, size)), sized(network, size), self._grid.view(grey),
                      self._grid.reduced(network))

    def _follow(self, known: Known) -> None:
        """Move the line from the network's inverse depth to the scene's towards a frame's."""
        line = symmetric_line(known)
        if line is None:
            return
        # A scene that is surely unlike what the network says still needs a scale to begin with.
        if line[2] < _ALIKE and (self._lines or np.median(known.sigma) > _SURE):
            return
        slope, shift = self._line if self._lines else line[:2]
        self._lines += 1
        share = max(1 / self._lines, 1 / _MEMORY)
        self._line = (slope * math.exp(share * math.log(line[0] / slope)),
                      shift + share * (line[1] - shift))

    def _task(self, number: int, known: Known | None, guess: np.ndarray) -> _Task | None:
        """What is to be done about a view; None where too little is known, or not surely."""
        enough = known is not None and len(known.rows) > FEWEST
        sure = float(np.median(known.sigma)) if known is not None and enough else 1.0
        trust = _believed(sure, _SURE, _UNSURE)
        self._trust += (_CHANGE if number else 1.0) * (trust - self._trust)
        if known is None or not enough or not self._lines or self._trust < _LEAST_TRUST:
            return None
        slope, shift = believed_line(known.network, known.inverse_depth, known.information,
                                     self._odometry.line)
        expected = slope * guess + shift
        usual = float(np.median(expected))
        expected = np.maximum(expected, max(_LEAST * usual, 1e-6)).astype(np.float32)
        return _Task(number, known, self._trust, guess, expected,
                     _PART * expected + np.float32(_FLOOR * usual))

    def _matched(self, task: _Task | None) -> Found | None:
        """What matches tell; None without another view."""
        if task is None:
            return None
        other = self._other(task.number, float(np.quantile(task.expected, 1 - _NEAREST)))
        if other is None:
            return None
        poses = self._odometry.poses
        return matched_depth(self._grid, self._views[task.number], self._views[other],
                             poses[other] @ poses[task.number].inverse(), task.expected,
                             task.sigma)

    def _refined(self, task: _Task | None, found: Found | None, disparity: np.ndarray) -> Refined:
        if task is None:
            self._fusion.forget()
            return Refined(disparity, None)
        if found is not None:
            self._fit += _CHANGE * (_believed(found.off, _FITS, _MISFITS) - self._fit)
        trust = self._fit * task.trust
        slope, shift = self._line
        correction = trust * ((self._scene(task, found) - shift) / slope - task.guess)
        whole = self._grid.enlarged(correction.astype(np.float32), disparity.shape)
        whole += disparity
        return Refined(np.maximum(whole, np.float32(0), out=whole), self._fusion.told(trust))

    def _scene(self, task: _Task, found: Found | None) -> np.ndarray:
        """Inverse depth [N] of the scene, from the network's, what is known, and a match."""
        grid, poses, fusion, known = self._grid, self._odometry.poses, self._fusion, task.known
        fusion.begin(task.expected, task.sigma)
        places = ((self._odometry.pixels(task.number)[known.rows] + 0.5)
                  / (self._tracked.width, self._tracked.height))
        fusion.tell(known.inverse_depth, _OWN / (
            1 / known.information + (_LANDMARK * known.inverse_depth) ** 2), grid.cells(places))
        if found is not None:
            fusion.tell(found.inverse_depth, found.information)
        if task.number - 1 in poses:
            fusion.carry(poses[task.number - 1] @ poses[task.number].inverse())
        return fusion.corrected()

    def _other(self, number: int, near: float) -> int | None:
        """The view that gives about the parallax that matches best."""
        poses = self._odometry.poses
        others = sorted(poses.keys() & self._views.keys() - {number})
        if not others:
            return None
        here = _centre(poses[number])
        ways = [float(np.linalg.norm(_centre(poses[other]) - here)) for other in others]
        parallax = np.array(ways) * near * float(self._grid.focal[0])
        miss = (np.abs(np.log((parallax + 0.3) / _PARALLAX))
                + _FAR * np.abs(np.array(others) - number))
        return others[int(miss.argmin())]


def _believed(error: float, full: float, none: float) -> float:
    """How far what has such an error is believed, 0..1: in full below ``full``."""
    return float(np.clip((none - error) / (none - full), 0, 1))


def _centre(pose: RigidTransform) -> np.ndarray:
    """Where the camera of a pose, world to camera, stands, [3]."""
    return -pose.rotation.T @ pose.translation
