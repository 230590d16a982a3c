"""requirements/locked.txt: everything that the demo needs, at versions that the groups allow."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / 'requirements'


def locked():
    """Requirement and number of hashes of each entry."""
    from packaging.requirements import Requirement

    text = (REQUIREMENTS / 'locked.txt').read_text()
    entries = re.sub(r'^#.*\n', '', text, flags=re.MULTILINE).replace('\\\n', ' ').splitlines()
    return [(Requirement(entry.split(' --hash')[0]), entry.count('--hash=sha256:'))
            for entry in entries]


def test_every_locked_package_has_one_version_and_hashes():
    for requirement, hashes in locked():
        assert re.fullmatch(r'==[\w.+!]+', str(requirement.specifier)), requirement
        assert hashes, requirement
    assert not re.search(r'https?://|index-url|find-links',
                         (REQUIREMENTS / 'locked.txt').read_text())


def test_what_the_groups_ask_for_is_locked():
    """Where this fails requirements/ has changed: bash scripts/lock.sh."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = {}
    for requirement, _ in locked():
        pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    groups = re.search(r'locked_groups=\((.+)\)', (ROOT / 'scripts/locked_groups.sh').read_text())
    for group in groups.group(1).split():
        for line in (REQUIREMENTS / f'{group}.txt').read_text().splitlines():
            if not line or line.startswith(('#', '-')):
                continue
            asked = Requirement(line)
            held = pins.get(canonicalize_name(asked.name))
            assert held, f'{line} of {group}.txt is not locked'
            for pin in held:
                version = str(pin.specifier).removeprefix('==')
                assert asked.specifier.contains(version), f'{pin} against {line} of {group}.txt'


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12'])
def test_each_python_has_one_version_of_a_package(python):
    environment = {'python_version': python, 'python_full_version': f'{python}.4',
                   'sys_platform': 'linux', 'platform_machine': 'x86_64'}
    names = [requirement.name for requirement, _ in locked()
             if requirement.marker is None or requirement.marker.evaluate(environment)]
    assert len(names) == len(set(names))
    assert {'numpy', 'onnxruntime', 'ros-rclpy'} <= set(names)
