"""What a light codec costs in accuracy: a model with its full and its light codec.

Runs the live DepthStream over rendered held-out clips, the scenes of benchmark/accuracy.py (seeds
that training never uses; needs numba), once with the full codec, once with the light one, and once
with each half of it. One least-squares scale and shift in disparity per clip. Prints a table of
means over the clips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from accuracy import COLUMNS, rendered, stream_disparity
from tqdm import tqdm

from dvd_ros.evaluation.align import evaluate_disparity, report
from dvd_ros.model import DvdConfig, DvdModel
from dvd_ros.model.light_checkpoint import LightCodec, load_light
from dvd_ros.regressor import light_codec_file, locate_checkpoint
from dvd_ros.regressor.torch_backend import TorchRegressor


def variants(name: str, codec: str) -> dict[str, TorchRegressor]:
    """The model with its full codec, its light one, and one half of each."""
    dit, vae, config, label = locate_checkpoint(name)
    path = light_codec_file(vae, codec, name)
    if path is None:
        raise SystemExit("--codec is 'light' or a file: it is compared with the full one")
    model = DvdModel.from_checkpoint(dit, vae, DvdConfig.load(config))
    light, full = load_light(path, model.config, model.vae), model.specialise()
    return {title: TorchRegressor(made, label) for title, made in (
        ('full codec', full),
        ('light codec', model.specialise(light)),
        ('light encoder, full decoder', model.specialise(LightCodec(light.encoder, full.decoder))),
        ('full encoder, light decoder', model.specialise(LightCodec(full.encoder, light.decoder))),
    )}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='mini')
    parser.add_argument('--codec', default='light', metavar='light|FILE')
    parser.add_argument('--clips', type=int, default=16)
    parser.add_argument('--frames', type=int, default=29)
    parser.add_argument('--seed', type=int, default=1000, help='of the first held-out scene')
    options = parser.parse_args()
    regressors = variants(options.model, str(Path(options.codec).expanduser()))
    rows: dict[str, dict[str, float]] = {}
    for place, street in (('rooms', 0.0), ('streets', 1.0)):
        scores: dict[str, list[dict[str, float]]] = {title: [] for title in regressors}
        scenes = rendered(options.clips, options.frames, street, options.seed)
        for frames, truth in tqdm(scenes, place, options.clips):
            for title, regressor in regressors.items():
                scores[title].append(evaluate_disparity(stream_disparity(regressor, frames), truth))
        for title, found in scores.items():
            rows[f'rendered {place}: {title}'] = {
                column: float(np.mean([score[column] for score in found])) for column in COLUMNS}
    print(report(rows))


if __name__ == '__main__':
    main()
