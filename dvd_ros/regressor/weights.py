"""Where the weights of each model come from and where they lie."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = 'DVD_ROS_CACHE'
LIGHT_CODECS = ('light.safetensors', 'taew2_1.safetensors', 'taew2_1.pth')


@dataclass(frozen=True)
class RemoteFile:
    """
    One file of a Hugging Face repository and its place in the cache.

    folder: sub-folder of the cache. size: about how many bytes, for the user to expect.
    """

    repo: str
    name: str
    folder: str
    size: int
    licence: str

    def path(self, cache: Path) -> Path:
        """Give the file's path under `cache`."""
        return cache / self.folder / self.name

    @property
    def url(self) -> str:
        """Page address of the file itself."""
        return f'https://huggingface.co/{self.repo}/resolve/main/{self.name}'


_DVD = 'FayeHongfeiZhang/DVD'
_NON_COMMERCIAL = 'CC BY-NC 4.0'
WAN_VAE = RemoteFile('Wan-AI/Wan2.1-T2V-1.3B', 'Wan2.1_VAE.pth', 'wan2.1', 508_000_000,
                     'Apache-2.0')
# The DVD files hold the whole DiT under their LoRA, so Wan's own DiT is not needed.
RELEASES = {
    'dvd-1.0': RemoteFile(_DVD, 'model.safetensors', 'dvd-1.0', 4_200_000_000, _NON_COMMERCIAL),
    'dvd-1.1': RemoteFile(_DVD, 'dvd_1.1.safetensors', 'dvd-1.1', 4_200_000_000,
                          _NON_COMMERCIAL),
}


def cache_folder() -> Path:
    """Give $DVD_ROS_CACHE, else dvd_ros under $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser()
    home = os.environ.get('XDG_CACHE_HOME')
    return (Path(home).expanduser() if home else Path.home() / '.cache') / 'dvd_ros'


def light_codec_file(vae: Path, codec: str | Path, model: str | Path) -> Path | None:
    """
    Give the file of a model's light codec, None for the full one.

    vae: file of the model's VAE; the light codec lies beside it as light.safetensors, or as
    taew2_1.safetensors or taew2_1.pth, Wan 2.1's public one. codec: 'full', 'light' or the path of
    a file of any name. model: what the user called the model, for the message. Raises
    FileNotFoundError saying how to get one.
    """
    if codec == 'full':
        return None
    places = [vae.with_name(name) for name in LIGHT_CODECS] if codec == 'light' else \
        [Path(codec).expanduser()]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f'{model} has no light codec at {" or ".join(map(str, places))}; distil one from '
            f'videos: dvd-ros train codec {model} VIDEOS -o {places[0]}'
            + ('' if codec == 'light' else "; or give codec 'full' or 'light'"))
    return found


def is_whole(path: Path) -> bool:
    """
    Tell whether a safetensors or zipped torch file is there to its last byte.

    A safetensors header says where the last tensor ends; a zip has its directory at the end.
    """
    if not path.is_file():
        return False
    if zipfile.is_zipfile(path):
        return True
    with path.open('rb') as file:
        length = int.from_bytes(file.read(8), 'little')
        if not 2 <= length <= 100_000_000:
            return False
        try:
            header = json.loads(file.read(length))
            ends = [entry['data_offsets'][1] for name, entry in header.items()
                    if name != '__metadata__']
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return False
    return path.stat().st_size == 8 + length + max(ends, default=0)


def released_files(model: str, cache: Path | None = None) -> tuple[Path, Path]:
    """
    Give (dit, vae) paths of a fetched release.

    Raises FileNotFoundError saying to run `dvd-ros fetch` where one is not in the cache.
    """
    cache = cache or cache_folder()
    wanted = (RELEASES[model], WAN_VAE)
    lost = [file.path(cache) for file in wanted if not is_whole(file.path(cache))]
    if lost:
        raise FileNotFoundError(
            f'{model} is not (wholly) in the cache, lacking {", ".join(map(str, lost))}; '
            f'run `dvd-ros fetch {model}` first, or put the files there')
    return wanted[0].path(cache), wanted[1].path(cache)
