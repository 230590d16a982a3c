"""The scenes of a recipe as folders of shards: single images, clips, and clips held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import PartialState

from dvd_ros.training.batches import Scenes, Views
from dvd_ros.training.render import RenderConfig, render_folder

# Seeds of the training scenes; held-out scenes (benchmark/accuracy.py, the demo) use lower ones.
FIRST_CLIP, FIRST_IMAGE, FIRST_VALIDATION = 1_000_000, 5_000_000, 9_000_000


@dataclass(frozen=True)
class SceneFolders:
    """
    What is rendered into a folder ``work``, about 250 KB a frame of 192x256.

    ``config``: of clips; images are like one frame of them. ``later``: added to all seeds, for
    other scenes of the same kinds.
    """

    work: Path
    config: RenderConfig
    images: int
    clips: int
    held_out: int
    later: int = 0

    def render(self, processes: int, state: PartialState) -> None:
        """Render what is not there yet, in the first of several processes that train."""
        still = replace(self.config, frames=1)
        with state.main_process_first():
            if state.is_main_process:
                self.work.mkdir(parents=True, exist_ok=True)
                render_folder(self.work / 'images', FIRST_IMAGE + self.later, self.images, still,
                              processes, per_shard=128)
                render_folder(self.work / 'clips', FIRST_CLIP + self.later, self.clips,
                              self.config, processes)
                render_folder(self.work / 'held_out', FIRST_VALIDATION + self.later,
                              self.held_out, self.config, processes)

    def read(self, name: str) -> Scenes:
        """All `images`, `clips` or `held_out`, in memory."""
        return Scenes([self.work / name])

    def validation(self, size: tuple[int, int]) -> list[Views]:
        """All held-out clips as the node would see them, four to a batch."""
        if not self.held_out:
            return []
        clips = self.read('held_out')
        return [clips.whole(range(first, min(first + 4, len(clips))), size)
                for first in range(0, len(clips), 4)]
