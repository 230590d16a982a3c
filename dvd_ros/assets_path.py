"""Where the files lie that ship with the package: the model, the demo's clip, training configs."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parent / 'assets'
