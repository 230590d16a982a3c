"""The chain of window scales as a Kalman filter: bounded, however long it gets."""

from __future__ import annotations

import math

import numpy as np

from dvd_ros.stream.overlap_fit import OverlapFit

# The model's output is normalised to 0..1, so each window by itself is about (scale 1, shift 0):
# the weak prior that keeps a chain of any length in bounds.
_PRIOR_SIGMA = (0.2, 0.1)
# What a model's windows disagree by beyond the noise of their pixels, because each sees the same
# frames in another context (relative scale, and level), if they are eight frames or more apart, and
# in proportion if less. With the prior it sets how long the chain remembers, about ten windows: on
# real videos late frames of a window are always a bit higher than early ones, and a longer memory
# adds that up.
_CONTEXT_SIGMA = (0.02, 0.01)
_CONTEXT_FRAMES = 8
# Errors of a window are smooth over the image and its frames: so many are independent.
_INDEPENDENT = 32.0
# Below this correlation the overlap says nothing of the scale.
MIN_CORRELATION = 0.5
# Scale uncertainty (relative) of a window whose overlap says nothing.
_UNKNOWN_SIGMA = 0.2


class ScaleChain:
    """
    Scale and shift of the newest window: stream = scale * raw + shift.

    Each window is measured against the one before; fused with a prior at (1, 0), the error does
    not grow with the number of windows, as it does by a factor of the correlation a window where
    least squares are chained. The first window is (1, 0) without error, by definition.

    The filter's state is the logarithm of the scale, and the shift. With the scale itself, whose
    noise is in proportion to it, a scale that falls would be trusted more and more, and a model
    whose late frames have another gain than its early ones would drive it to nothing.
    """

    def __init__(self) -> None:
        self._state = np.zeros(2)
        self._covariance = np.zeros((2, 2))

    @property
    def scale(self) -> float:
        """Factor on the newest window's raw disparity."""
        return math.exp(self._state[0])

    @property
    def shift(self) -> float:
        """Added after the factor."""
        return float(self._state[1])

    @property
    def scale_sigma(self) -> float:
        """Standard deviation of the scale."""
        return self.scale * math.sqrt(self._covariance[0, 0])

    def unlinked(self) -> None:
        """Go on to a window that shares no frame with the one before: the prior is all there is."""
        self._state = np.zeros(2)
        self._covariance = np.diag(np.square(_PRIOR_SIGMA))

    def follow(self, fit: OverlapFit, new: int) -> None:
        """
        Go on to the next window, of ``new`` new frames.

        ``fit`` is of the last window's raw frames to the same frames as this one has them raw.
        """
        context = np.square(_CONTEXT_SIGMA) * min(new / _CONTEXT_FRAMES, 1.0) ** 2
        count = max(_INDEPENDENT * fit.support, 1.0)
        ratio, level = fit.scale, fit.shift
        if fit.solved and fit.correlation >= MIN_CORRELATION:
            ratio_variance = (1.0 - fit.correlation ** 2) / count + context[0]
        else:
            # The scale is not to be seen here, the level still is.
            level += (ratio - 1.0) * fit.centre
            ratio, ratio_variance = 1.0, _UNKNOWN_SIGMA ** 2
        self._compose(ratio, level, fit.centre, ratio_variance,
                      fit.spread ** 2 / count + context[1])
        self._fuse_with_prior()

    def _compose(self, ratio: float, level: float, centre: float, ratio_variance: float,
                 level_variance: float) -> None:
        """
        Chain previous = ratio * current + level onto stream = scale * previous + shift.

        ratio_variance: of the ratio's logarithm.
        """
        scale = self.scale
        move = np.array([[1.0, 0.0], [scale * level, 1.0]])
        # A wrong ratio turns the line about the centre of the data, a wrong level lifts it.
        noise = np.array([[1.0, 0.0], [-scale * ratio * centre, scale]])
        self._state = self._state + np.array([math.log(ratio), scale * level])
        self._covariance = (move @ self._covariance @ move.T
                            + noise @ np.diag([ratio_variance, level_variance]) @ noise.T)

    def _fuse_with_prior(self) -> None:
        """Weigh the state with the prior (0, 0) by inverse covariance."""
        prior = np.diag(np.square(_PRIOR_SIGMA))
        gain = self._covariance @ np.linalg.inv(self._covariance + prior)
        fused = self._covariance - gain @ self._covariance
        self._state = self._state - gain @ self._state
        self._covariance = 0.5 * (fused + fused.T)
