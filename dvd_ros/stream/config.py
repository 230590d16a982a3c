"""The settings of a depth stream: defined once, for API, node parameters and CLI options."""

from __future__ import annotations

from dataclasses import dataclass

from dvd_ros.option import option

RULES = ('bounded', 'dvd')
LATENCIES = ('low', 'smooth')


@dataclass(frozen=True)
class StreamConfig:
    """
    Settings of a DepthStream; each field's ``metadata['help']`` says what it means.

    Those whose ``metadata['live']`` is true may be changed by `DepthStream.change`.

    Raises
    ------
    ValueError
        Naming the value that is out of range.

    """

    window: int = option(13, 'frames that the model sees at once, 4n+1', 1, 1001)
    overlap: int = option(5, 'frames that each window at least shares with the one before', 0,
                         1000)
    stride: int = option(0, 'new frames per window, at most window - overlap; 0: as few as the '
                            'machine keeps up with live, else window - overlap', 0, 1001, True)
    rule: str = option('bounded', "alignment of windows: 'bounded' (no drift) or 'dvd' "
                                  '(the published rule)')
    latency: str = option('low', "'low': depth as soon as its window is done; 'smooth': the "
                                 'newest overlap frames wait for the next window, which is '
                                 'blended in', live=True)
    fade: int = option(6, "with latency 'low': frames over which the jump fades where windows "
                          'meet; 0: it stays', 0, 1000, True)
    parallax: bool = option(False, 'correct disparity where the motion of the camera shows it '
                                   '(structure from motion; needs intrinsics)', live=True)
    cuts: bool = option(True, 'a cut to another scene, seen in the images, begins a new segment',
                        live=True)
    max_gap: float = option(2.0, 'a longer gap between stamps begins a new segment, seconds', 0.0,
                            1e6, True)
    max_backstep: float = option(0.5, 'stamps that run back by more begin a new segment, by '
                                      'less the frame is dropped, seconds', 0.0, 1e6, True)

    def __post_init__(self) -> None:
        check_window(self.window)
        if not 0 <= self.overlap < self.window:
            raise ValueError(f'overlap must be in 0..window-1 = 0..{self.window - 1} frames, '
                             f'got {self.overlap}')
        if not 0 <= self.stride <= self.most_new:
            raise ValueError(f'stride must be in 1..window-overlap = 1..{self.most_new} frames, or '
                             f'0 to have it chosen, got {self.stride}')
        if self.rule not in RULES:
            raise ValueError(f'rule must be one of {", ".join(RULES)}, got {self.rule!r}')
        if self.latency not in LATENCIES:
            raise ValueError(f'latency must be one of {", ".join(LATENCIES)}, got '
                             f'{self.latency!r}')
        if not 0 <= self.fade <= 1000:
            raise ValueError(f'fade must be in 0..1000 frames, got {self.fade}')
        if not self.max_gap > 0.0:
            raise ValueError(f'max_gap must be more than 0 seconds, got {self.max_gap}')
        if not self.max_backstep >= 0.0:
            raise ValueError(f'max_backstep must be at least 0 seconds, got {self.max_backstep}')

    @property
    def most_new(self) -> int:
        """New frames that a window may have and still share ``overlap``: the largest stride."""
        return self.window - self.overlap


def check_window(window: int) -> None:
    """Raise ValueError unless ``window`` is 4n+1: the video codec packs 4 frames to a latent."""
    if window < 1 or window % 4 != 1:
        below = max(1, (window - 1) // 4 * 4 + 1)
        raise ValueError(f'window must be 4n+1 frames (1, 5, 9, 13, ...), got {window}; '
                         f'the nearest are {below} and {below + 4}')
