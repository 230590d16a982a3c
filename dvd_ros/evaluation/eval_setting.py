"""What is to be scored: a model, how it runs and by which protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from dvd_ros.evaluation.clips import Shot
from dvd_ros.evaluation.predict import (
    PROTOCOLS,
    Prediction,
    predict_frames,
    predict_stream,
    predict_windows,
)
from dvd_ros.regressor import load_regressor
from dvd_ros.regressor.protocol import Regressor
from dvd_ros.scale.config import ScaleConfig
from dvd_ros.stream.config import StreamConfig, check_window

# Window and overlap of the paper's own evaluation.
PAPER = 45, 9
_LOADING = ('backend', 'device', 'precision', 'codec')


@dataclass(frozen=True)
class EvalSetting:
    """
    One column of a comparison.

    Attributes
    ----------
    model
        As load_regressor takes it; also ``backend``, ``device``, ``precision`` and ``codec``.
    protocol
        'stream': the live DepthStream; 'dvd': the reference's long windows, aligned and blended
        afterwards; 'frames': each frame alone.
    window, overlap
        Frames; 0 and -1 are the protocol's own: those of StreamConfig, or 45 and 9 for 'dvd'.
    stream
        The other settings of the stream.
    label
        What it is called in tables.

    Raises
    ------
    ValueError
        Naming the value that is out of range.

    """

    model: str = 'mini'
    backend: str = 'auto'
    device: str = 'auto'
    precision: str = 'fp32'
    codec: str = 'full'
    protocol: str = 'stream'
    window: int = 0
    overlap: int = -1
    stream: StreamConfig = StreamConfig()
    label: str = ''

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ValueError(f'protocol must be one of {", ".join(PROTOCOLS)}, got '
                             f'{self.protocol!r}')
        window, overlap = PAPER if self.protocol == 'dvd' else (StreamConfig.window,
                                                               StreamConfig.overlap)
        window = self.window or window
        overlap = overlap if self.overlap < 0 else self.overlap
        check_window(window)
        if not 0 <= overlap < window:
            raise ValueError(f'overlap must be in 0..window-1 = 0..{window - 1} frames, '
                             f'got {overlap}')
        object.__setattr__(self, 'window', window)
        object.__setattr__(self, 'overlap', overlap)
        object.__setattr__(self, 'label', self.label or self.model)
        object.__setattr__(self, 'stream', replace(
            self.stream, window=window, overlap=overlap) if self.protocol == 'stream' else
            self.stream)

    def changed(self, text: str) -> EvalSetting:
        """
        Read ``MODEL`` or ``MODEL:name=value,...``: this setting with another model and options.

        Raises ValueError naming an option or value that is not understood.
        """
        model, options = split_model(text)
        own: dict[str, object] = {'model': model, 'label': text}
        stream: dict[str, object] = {}
        kinds = {entry.name: type(entry.default) for entry in fields(StreamConfig)}
        for name, value in options.items():
            name = name.replace('-', '_')
            if name in (*_LOADING, 'protocol'):
                own[name] = value
            elif name in kinds:
                given = _read(name, value, kinds[name])
                (own if name in ('window', 'overlap') else stream)[name] = given
            else:
                raise ValueError(f'{text}: there is no option {name}; there are '
                                 f'{", ".join((*_LOADING, "protocol", *kinds))}')
        if own.get('protocol', self.protocol) != self.protocol:
            # Another protocol has its own windows.
            own = {'window': 0, 'overlap': -1, **own}
        return replace(self, stream=replace(self.stream, **stream),  # type: ignore[arg-type]
                       **own)  # type: ignore[arg-type]

    def run(self, regressor: Regressor, shots: Iterable[Shot], scale: ScaleConfig,
            known_depth: float = 0.0) -> Prediction:
        """Run the network over a clip by the protocol; metres only with 'stream'."""
        if self.protocol == 'frames':
            return predict_frames(regressor, shots)
        if self.protocol == 'dvd':
            return predict_windows(regressor, shots, self.window, self.overlap)
        return predict_stream(regressor, shots, self.stream, scale, known_depth)


class Regressors:
    """The networks that settings ask for, each loaded once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, ...], Regressor] = {}

    def load(self, setting: EvalSetting) -> Regressor:
        """Load a setting's network, for longer windows than its own if need be; raises as it."""
        window = 1 if setting.protocol == 'frames' else setting.window
        kept = {name: getattr(setting, name) for name in _LOADING}
        key = (setting.model, *kept.values())
        if key not in self._loaded:
            self._loaded[key] = load_regressor(setting.model, **kept)
        if self._loaded[key].window < window:
            # The shorter one goes first: both may not fit.
            del self._loaded[key]
            self._loaded[key] = load_regressor(setting.model, **kept, window=window)
        return self._loaded[key]


def split_model(text: str) -> tuple[str, dict[str, str]]:
    """Split ``MODEL:name=value,name=value``; a colon that no option follows is the model's own."""
    model, colon, rest = text.rpartition(':')
    if not colon or '=' not in rest:
        return text, {}
    pairs = [part.partition('=') for part in rest.split(',')]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise ValueError(f'{text}: {wrong[0]!r} is no option, it needs name=value')
    return model, {name.strip(): value.strip() for name, _, value in pairs}


def _read(name: str, value: str, kind: type) -> object:
    if kind is bool:
        words = {'true': True, 'yes': True, '1': True, 'false': False, 'no': False, '0': False}
        if value.lower() not in words:
            raise ValueError(f'{name} must be true or false, got {value!r}')
        return words[value.lower()]
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f'{name} must be of type {kind.__name__}, got {value!r}') from None
