"""A training on two processes (gloo, on this machine) beside the same on one: the loss of each
step.

LoRA fine-tuning of a tiny random DVD by dvd.yaml, shortened, on clips rendered for it, started by
torchrun, which accelerate launch is on GPUs. The global batch is the same, so the curves may differ
by rounding alone.
--interrupt also stops the second run half way and lets it go on, on one process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from dvd_ros.model import DvdConfig
from dvd_ros.model.checkpoint import write_checkpoint
from dvd_ros.model.random_weights import random_model
from dvd_ros.training.journal import read_metrics
from dvd_ros.training.render import RenderConfig, render_folder

TINY = {'dit': {'num_heads': 2, 'head_dim': 12, 'ffn_dim': 32, 'num_layers': 2, 'freq_dim': 16,
                'text_dim': 8, 'in_channels': 8, 'out_channels': 8},
        'vae': {'base_dim': 4, 'z_dim': 8, 'dim_mult': [1, 2, 2], 'num_res_blocks': 1,
                'temperal_downsample': [True, True], 'in_channels': 12, 'out_channels': 12,
                'patch_size': 2, 'latents_mean': [0.0] * 8, 'latents_std': [1.0] * 8}}


def train(out: Path, data: Path, processes: int, steps: int) -> list[float]:
    """Train from what there is in ``out``; the loss of each step."""
    sources = [{'kind': 'rendered', 'use': use, 'folder': str(data)} for use in ('image', 'clip')]
    settings = [f'model.start={out.parent / "model"}', 'model.dtype=fp32', 'model.lora_rank=8',
                f'data={sources}', 'sampling.size=[96, 128]', 'sampling.frames=5',
                'sampling.image_odds=0.5',
                'sampling.image_batch=4', 'sampling.clip_batch=2', 'sampling.rounds=2',
                'sampling.images_at_once=2', 'sampling.workers=0', 'sampling.held_out=0.2',
                'sampling.held_out_views=3', 'optimiser.rate=0.02', 'run.precision=fp32',
                f'run.steps={steps}', 'run.save_every=4', 'run.validate_every=4',
                'run.preview_every=0', 'run.tensorboard=false']
    # accelerate launch --cpu would start one process, whatever their number: it wants MPI. Its
    # other launchers are torchrun, which is what starts processes on CPUs.
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', str(processes),
              '-m', 'dvd_ros.cli.main']
    subprocess.run([sys.executable, *launch, 'train', 'dvd', '-o', str(out), '--device', 'cpu',
                    *(part for one in settings for part in ('--set', one))], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return [line['total'] for line in read_metrics(out / 'training') if 'total' in line]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--steps', type=int, default=12)
    parser.add_argument('--interrupt', action='store_true')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        render_folder(work / 'data', 40_000_000, 8, RenderConfig(5, 96, 128), 1)
        tiny = random_model(DvdConfig.load(TINY))
        write_checkpoint(work / 'model', tiny.dit, tiny.vae, tiny.config)
        try:
            one = train(work / 'one', work / 'data', 1, args.steps)
            two = train(work / 'two', work / 'data', 2, args.steps)
            rest = []
            if args.interrupt:
                half = args.steps // 8 * 4
                train(work / 'cut', work / 'data', 2, half)
                rest = train(work / 'cut', work / 'data', 1, args.steps)
        except subprocess.CalledProcessError as error:
            sys.exit(error.stderr.decode(errors='replace')[-4000:])
    print('step   one process   two processes' + ('   two, then one' if rest else ''))
    for i, row in enumerate(zip(one, two, *([rest] if rest else []), strict=True)):
        print(f'{i + 1:4d}' + ''.join(f'{value:16.8f}' for value in row))
    for label, other in (('two processes', two), ('two, then one', rest)):
        if other:
            worst = max(abs(a - b) / a for a, b in zip(one, other, strict=True))
            print(f'{label}: largest relative difference of a step {worst:.1e}')


if __name__ == '__main__':
    main()
