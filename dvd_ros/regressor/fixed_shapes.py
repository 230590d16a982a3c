"""Images to and from graphs of fixed shapes: what every backend of an export folder does alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dvd_ros.export_manifest import Graph, Manifest
from dvd_ros.regressor.protocol import PreparedImage

PARTS = ('encoder', 'transformer', 'decoder')
Size = tuple[int, int]


def graphs_by_size(folder: Path, manifest: Manifest, size: Size | None = None,
                   ) -> dict[Size, dict[str, Graph]]:
    """
    Give each exported size (H, W) with its graphs by part.

    size: the only one that is wanted; None wants all. Raises ValueError where the export lacks a
    part or that size.
    """
    graphs: dict[Size, dict[str, Graph]] = {}
    for graph in manifest.graphs:
        graphs.setdefault(graph.size, {})[graph.part] = graph
    for exported, parts in graphs.items():
        if lost := [part for part in PARTS if part not in parts]:
            raise ValueError(f'{folder} lacks the {" and ".join(lost)} for '
                             f'{exported[0]}x{exported[1]}; export the model again')
    if size is None:
        return graphs
    if (only := (size[0], size[1])) not in graphs:
        names = ', '.join(f'{height}x{width}' for height, width in graphs)
        raise ValueError(f'{folder} was exported for {names}, not for '
                         f'{size[0]}x{size[1]}: dvd-ros export --size {size[0]}x{size[1]}')
    return {only: graphs[only]}


def nearest_size(sizes: dict[Size, dict[str, Graph]], height: int, width: int) -> Size:
    """The exported size that changes the shape of an image least."""
    return min(sizes, key=lambda size: abs(np.log(size[1] * height / size[0] / width)))


def prepare_image(image: np.ndarray, size: Size) -> PreparedImage:
    """Make RGB [H,W,3], uint8 or float32 in 0..1, the network's float32 [3,h,w] in -1..1."""
    rate = 2.0 / 255 if image.dtype == np.uint8 else 2.0
    frame: np.ndarray = image.astype(np.float32)
    if frame.shape[:2] != size:
        frame = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_LINEAR)
    content = np.ascontiguousarray(frame.transpose(2, 0, 1) * rate - 1.0, np.float32)
    return PreparedImage(content, (image.shape[0], image.shape[1]))


def write_video(prepared: Sequence[PreparedImage], video: NDArray[np.float32]) -> None:
    """Write prepared images as [window,3,h,w]; frames that lack are the last one again."""
    for i, image in enumerate(prepared):
        video[i] = image.content
    video[len(prepared):] = prepared[-1].content


def scale_back(disparity: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Disparity [T,h,w] at the images' size [T,H,W]; the same array where that is its own."""
    if disparity.shape[1:] == (height, width):
        return np.ascontiguousarray(disparity)
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
                     for frame in disparity])
