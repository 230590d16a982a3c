"""Fixtures for every test: where the golden vectors lie."""

from collections.abc import Callable
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
_WHOLE = _HERE.parent.parent / 'shared' / 'golden'
_PART = _HERE / 'golden'


@pytest.fixture(scope='session')
def golden() -> Callable[..., Path]:
    """
    Give the path of a golden file: `golden('stitch.npz')`.

    The whole set beside the repository is preferred, else the part in test/golden. With
    `whole=True` only the whole set will do. The test skips where the file is in neither.
    """

    def find(name: str, whole: bool = False) -> Path:
        for folder in (_WHOLE,) if whole else (_WHOLE, _PART):
            if (folder / name).is_file():
                return folder / name
        pytest.skip(f'golden file {name} is not in ../shared/golden'
                    + ('' if whole else ' nor in test/golden'))

    return find
