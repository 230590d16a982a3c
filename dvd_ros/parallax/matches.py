"""Where the pixels of an image are in another one, and how well that is known."""

from __future__ import annotations

import cv2
import numpy as np

from dvd_ros.parallax.view import NOISE_SLOPE, View, blurred, sampled

# Less work than the preset does, half as long, as good for depth as was measured.
_STRIDE, _DESCENTS, _REFINEMENTS = 4, 16, 3
# Blur of what is summed about a pixel, and of what is a change of light; pixels.
_ABOUT, _SLOW = 2.5, 8.0
# How many of the pixels about one tell something of their own.
_INDEPENDENT = 4.0
# Least error of a match along each axis, pixels, and of a grey value.
_LEAST, _GREY = 0.25, 1.0
# Part of the noise that remains in the difference of two blurred images, as it was found.
_NOISE_LEFT = 0.5
# A match that leads back to somewhere else, this many pixels away, counts 1/e.
_RETURN = 1.0
# From how much better than its rival a match must explain the image, in parts of what its
# information promises (a chi square), and at which it is believed in full.
_RIVAL, _PROVEN = 0.5, 6.0


class Matches:
    """
    The matches of all pixels of a view in another view.

    target: float32 [h,w,2], x and y there, pixels. information: float32 [h,w,3], inverse covariance
    (xx, xy, yy) of it, 1/px^2; 0 where it leads out of the image. It comes from the slopes of the
    image about a pixel over what does not match there; slopes that noise alone would give do not
    count, so that bare walls tell nothing.
    """

    def __init__(self, view: View, other: View, guess: np.ndarray | None = None) -> None:
        """guess: float32 [h,w,2], where the pixels may be."""
        self._view, self._other = view, other
        height, width = view.grey.shape
        here = np.stack(np.meshgrid(np.arange(width, dtype=np.float32),
                                    np.arange(height, dtype=np.float32)), -1)
        start = None if guess is None else np.clip(guess - here, -width, width)
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        dis.setPatchStride(_STRIDE)
        dis.setGradientDescentIterations(_DESCENTS)
        dis.setVariationalRefinementIterations(_REFINEMENTS)
        flow = dis.calc(view.grey, other.grey, start)  # type: ignore[arg-type]
        self.target = here + flow
        back = dis.calc(other.grey, view.grey, None)  # type: ignore[call-overload]
        apart = ((flow + sampled(back, self.target)) ** 2).sum(-1)
        x, y = self.target[..., 0], self.target[..., 1]
        inside = (x >= 1) & (x <= width - 2) & (y >= 1) & (y <= height - 2)
        trust = np.exp(-apart / _RETURN ** 2) * inside
        self._unlike, seen = self._difference(self.target)
        self._variance = (blurred(self._unlike, 1.5 * _ABOUT) + _GREY ** 2
                          + _NOISE_LEFT * view.noise ** 2)
        self._unlike = blurred(self._unlike, _ABOUT)
        self.information = self._tensor(seen) * trust[..., None]

    def _difference(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Squared difference of grey values, but for slow changes of light; what is seen there."""
        seen = sampled(self._other.smooth, target)
        difference = seen - self._view.smooth
        difference -= blurred(difference, _SLOW)
        return difference * difference, seen

    def _tensor(self, seen: np.ndarray) -> np.ndarray:
        along, down = self._view.slopes
        x = (along + cv2.Sobel(seen, cv2.CV_32F, 1, 0, scale=1 / 8)) / 2
        y = (down + cv2.Sobel(seen, cv2.CV_32F, 0, 1, scale=1 / 8)) / 2
        xx, xy, yy = (blurred(part, _ABOUT) for part in (x * x, x * y, y * y))
        noise = 4 * NOISE_SLOPE * self._view.noise ** 2
        weight = _INDEPENDENT / self._variance * np.clip(
            1 - noise / np.maximum(xx + yy, 1e-9), 0, 1)
        xx, xy, yy = xx * weight + 1e-6, xy * weight, yy * weight + 1e-6
        # The inverse of: the inverse of this, plus the least error.
        determinant = xx * yy - xy * xy
        least = np.float32(_LEAST ** 2)
        a, b, c = yy / determinant + least, -xy / determinant, xx / determinant + least
        determinant = np.maximum(a * c - b * b, 1e-12)
        return np.stack([c / determinant, -b / determinant, a / determinant], -1)

    def against(self, rival: np.ndarray) -> np.ndarray:
        """
        How much of the information is left, 0..1 [h,w], if other matches were as likely.

        rival: float32 [h,w,2] as target. A match that contradicts its rival without explaining the
        image better, as its information says it should, is a chance find.
        """
        gain = _INDEPENDENT * (blurred(self._difference(rival)[0], _ABOUT)
                               - self._unlike) / self._variance
        promised = quadratic(self.information, rival - self.target)
        return np.where(promised > _RIVAL,
                        np.clip(gain / np.clip(promised, _RIVAL, _PROVEN), 0, 1), 1
                        ).astype(np.float32)


def quadratic(information: np.ndarray, error: np.ndarray,
              other: np.ndarray | None = None) -> np.ndarray:
    """error^T information other, of [...,2], [...,3] (xx, xy, yy) and [...,2] (default: error)."""
    other = error if other is None else other
    return (information[..., 0] * error[..., 0] * other[..., 0]
            + information[..., 1] * (error[..., 0] * other[..., 1] + error[..., 1] * other[..., 0])
            + information[..., 2] * error[..., 1] * other[..., 1])
