"""Sizes and constants of one DVD network."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKLWan, WanTransformer3DModel

# Short names of the checkpoint's own config files -> diffusers' argument names.
_DIT_NAMES = {'num_heads': 'num_attention_heads', 'head_dim': 'attention_head_dim'}
_LORA_KEYS = ('lora_rank', 'lora_alpha', 'lora_targets')
# The text context is all zero, and one token of it equals any number of them.
_DIT_WITHOUT_EFFECT = ('text_len', *_LORA_KEYS)

TIME_FACTOR = 4


def _arguments(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    return {name: p.default for name, p in parameters.items() if name != 'self'}


_DIT_DEFAULTS = _arguments(WanTransformer3DModel)
_VAE_DEFAULTS = _arguments(AutoencoderKLWan)


def _known(part: str, given: Mapping[str, Any], allowed: Mapping[str, Any]) -> None:
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise ValueError(f"config['{part}'] has unknown keys {unknown}; "
                         f'known are {sorted(allowed)}')


@dataclass(frozen=True)
class DvdConfig:
    """
    Sizes and constants of one DVD network.

    dit: arguments of diffusers' WanTransformer3DModel.
    vae: arguments of diffusers' AutoencoderKLWan.
    timestep: the fixed timestep of the one-pass regression.
    lora_alpha: LoRA scale times rank; None means alpha equals the rank.
    size: (H, W) in pixels that a clip is resized to cover; None keeps the clip's own size.
    window: frames the network was made for, 4n+1; None leaves it to the caller.
    newest_taps: the checkpoint keeps of the VAE's 3x3x3 kernels only the tap of the newest frame,
    [O,I,1,3,3]; the others are zero.

    Raises ValueError naming the bad value.
    """

    dit: dict[str, Any] = field(default_factory=dict)
    vae: dict[str, Any] = field(default_factory=dict)
    timestep: float = 500.0
    lora_alpha: float | None = None
    size: tuple[int, int] | None = None
    window: int | None = None
    newest_taps: bool = False

    def __post_init__(self) -> None:
        _known('dit', self.dit, _DIT_DEFAULTS)
        _known('vae', self.vae, _VAE_DEFAULTS)
        latent = self._vae('z_dim')
        for name in ('in_channels', 'out_channels'):
            if self._dit(name) != latent:
                raise ValueError(f"config['dit']['{name}'] is {self._dit(name)}, but the VAE's "
                                 f'z_dim is {latent}: they must be equal')
        for name in ('latents_mean', 'latents_std'):
            if len(self._vae(name)) != latent:
                raise ValueError(f"config['vae']['{name}'] has {len(self._vae(name))} values, "
                                 f'z_dim is {latent}: give one per latent channel')
        if any(not value > 0 for value in self._vae('latents_std')):
            raise ValueError(f"config['vae']['latents_std'] must be positive, got "
                             f'{self._vae("latents_std")}')
        steps = list(self._vae('temperal_downsample'))
        if len(steps) != len(self._vae('dim_mult')) - 1 or 2 ** sum(map(bool, steps)) != 4:
            raise ValueError(f"config['vae']['temperal_downsample'] is {steps}: it needs one "
                             'flag per dim_mult but the last, two of them true (4 frames a latent)')
        if not 0 <= self.timestep <= 1000:
            raise ValueError(f'timestep must lie in 0..1000, got {self.timestep}')
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f'size must be two positive numbers (H, W), got {self.size}')
        if self.window is not None:
            check_window(self.window)

    def _dit(self, name: str) -> Any:
        return self.dit.get(name, _DIT_DEFAULTS[name])

    def _vae(self, name: str) -> Any:
        return self.vae.get(name, _VAE_DEFAULTS[name])

    @property
    def multiple(self) -> int:
        """Pixels that height and width fed to the network must be multiples of."""
        patch = self._dit('patch_size')
        return max(16, self.spatial_factor * max(patch[1], patch[2]))

    @property
    def spatial_factor(self) -> int:
        """Pixels of one latent, along height and along width."""
        return int(2 ** (len(self._vae('dim_mult')) - 1) * (self._vae('patch_size') or 1))

    @property
    def base_width(self) -> int:
        """Channels of the encoder's finest level."""
        return int(self._vae('base_dim'))

    @property
    def latents_mean(self) -> list[float]:
        """Mean of each latent channel, [z_dim]."""
        return list(self._vae('latents_mean'))

    @property
    def latents_std(self) -> list[float]:
        """Standard deviation of each latent channel, [z_dim]."""
        return list(self._vae('latents_std'))

    @property
    def text_dim(self) -> int:
        """Width of one text token."""
        return int(self._dit('text_dim'))

    @classmethod
    def wan21_1_3b(cls) -> DvdConfig:
        """Give the released DVD on Wan2.1-T2V-1.3B, at the reference's 480x640."""
        return cls(
            dit={'num_attention_heads': 12, 'attention_head_dim': 128, 'ffn_dim': 8960,
                 'num_layers': 30, 'freq_dim': 256, 'text_dim': 4096, 'in_channels': 16,
                 'out_channels': 16, 'patch_size': (1, 2, 2), 'eps': 1e-6},
            vae={'base_dim': 96, 'z_dim': 16}, size=(480, 640))

    @classmethod
    def load(cls, source: DvdConfig | Mapping[str, Any] | str | Path | None) -> DvdConfig:
        """
        Read a config: None for Wan2.1-1.3B, a DvdConfig, a dict, or the path of a JSON file.

        The dict has `dit` and `vae` (arguments of the diffusers classes; `num_heads` and
        `head_dim` are accepted too) and may have `timestep`, `size`, `window`, `newest_taps`.
        Other top-level keys are left unread. Raises ValueError naming what is wrong, OSError
        for a lost file.
        """
        if source is None:
            return cls.wan21_1_3b()
        if isinstance(source, DvdConfig):
            return source
        if isinstance(source, (str, Path)):
            try:
                source = json.loads(Path(source).read_text(encoding='utf-8'))
            except json.JSONDecodeError as error:
                raise ValueError(f'{source} is not JSON: {error}') from error
        if not isinstance(source, Mapping):
            raise ValueError(f'config must be a dict or a path to one in JSON, got {source!r}')
        lost = [name for name in ('dit', 'vae') if not isinstance(source.get(name), Mapping)]
        if lost:
            raise ValueError(f'config needs the dicts dit and vae, missing {lost}; '
                             f'it has {sorted(source)}')
        dit = {_DIT_NAMES.get(name, name): value for name, value in source['dit'].items()
               if name not in _DIT_WITHOUT_EFFECT}
        size, window = source.get('size'), source.get('window')
        if size is not None and len(size) != 2:
            raise ValueError(f'size must be two positive numbers (H, W), got {size}')
        return cls(dit=dit, vae=dict(source['vae']),
                   timestep=float(source.get('timestep', 500.0)),
                   lora_alpha=source['dit'].get('lora_alpha'),
                   size=None if size is None else (int(size[0]), int(size[1])),
                   window=None if window is None else int(window),
                   newest_taps=bool(source.get('newest_taps', False)))

    def to_dict(self) -> dict[str, Any]:
        """Give the dict that `load` reads, fit for JSON."""
        short = {long: name for name, long in _DIT_NAMES.items()}
        out: dict[str, Any] = {
            'dit': {short.get(name, name): value for name, value in self.dit.items()},
            'vae': dict(self.vae), 'timestep': self.timestep}
        if self.lora_alpha is not None:
            out['dit']['lora_alpha'] = self.lora_alpha
        if self.size is not None:
            out['size'] = list(self.size)
        if self.window is not None:
            out['window'] = self.window
        if self.newest_taps:
            out['newest_taps'] = True
        return out


def check_window(window: int) -> int:
    """Give back a window length that the VAE's causal chunks allow, else raise ValueError."""
    if isinstance(window, bool) or not isinstance(window, int) or window < 1 \
            or window % TIME_FACTOR != 1:
        raise ValueError(f'window must be 4n+1 frames (1, 5, 9, 13, 17, ...), got {window!r}')
    return window
