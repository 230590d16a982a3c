"""The package as its users get it: metadata, what a wheel and a colcon build install."""

import importlib.util
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

import dvd_ros

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def tree(tmp_path_factory) -> Path:
    """A copy of the sources alone, as a fresh clone has them."""
    if importlib.util.find_spec('rosidl_generator_py') is None or shutil.which('cmake') is None:
        pytest.skip('building needs cmake and the message generators (requirements/build.txt)')
    copy = tmp_path_factory.mktemp('workspace') / 'src' / 'dvd_ros'
    shutil.copytree(
        ROOT, copy,
        ignore=shutil.ignore_patterns(
            '.*', 'build', 'install', 'log', 'out', 'dist', '*.egg-info', '__pycache__', 'test'
        ),
    )  # fmt: skip
    (copy / 'test').mkdir()
    return copy


def run(*command: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f'{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}'
    return done.stdout


PROBE = """
import dvd_ros, sys
from ament_index_python import get_package_prefix
from dvd_ros.msg import WindowAlignment
from rclpy.serialization import deserialize_message, serialize_message
message = WindowAlignment(window=3, scale=1.5, cut=True)
assert deserialize_message(serialize_message(message), WindowAlignment) == message
print(list(dvd_ros.__path__)[0])
print(get_package_prefix('dvd_ros'))
"""


def test_tests_run_on_this_tree():
    assert Path(dvd_ros.__file__).parent == ROOT / 'dvd_ros'


def test_message_is_built_and_survives_serialisation():
    pytest.importorskip('rclpy', reason='needs ROS 2')
    from rclpy.serialization import deserialize_message, serialize_message

    from dvd_ros.msg import WindowAlignment

    message = WindowAlignment(
        window=7, segment=2, frames=13, new_frames=8, scale=1.25, shift=-0.125,
        scale_sigma=0.5, correlation=0.75, cut=True,
    )  # fmt: skip
    message.header.frame_id = 'camera_optical'
    message.header.stamp.sec = 5
    assert deserialize_message(serialize_message(message), WindowAlignment) == message


def test_one_version():
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert manifest.findtext('version') == dvd_ros.__version__


@pytest.mark.slow
def test_wheel(tree, tmp_path):
    """pip builds a wheel that works in an empty prefix."""
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
    run(*pip, 'wheel', '--no-build-isolation', '--no-deps', '-w', tmp_path, '.', cwd=tree)
    (wheel,) = tmp_path.glob('dvd_ros-*.whl')
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        data = f'dvd_ros-{dvd_ros.__version__}.data/data/'
        mode = archive.getinfo(f'{data}lib/dvd_ros/depth_node').external_attr >> 16
    assert mode & 0o111
    assert f'{data}share/ament_index/resource_index/packages/dvd_ros' in names
    assert f'{data}lib/dvd_ros/video_node' in names
    # Every file of ours, in its place, and nothing that is none of ours.
    expected = {str(path.relative_to(tree)) for path in tree.glob('dvd_ros/**/*') if path.is_file()}
    assert expected - names == set()
    for folder in ('launch', 'config', 'msg', 'srv'):
        shared = {
            f'{data}share/dvd_ros/{path.relative_to(tree)}'
            for path in tree.glob(f'{folder}/**/*') if path.is_file()
        }  # fmt: skip
        assert shared - names == set()
    assert [name for name in names if name.startswith(('test', 'scripts', 'requirements'))] == []

    prefix = tmp_path / 'prefix'
    run(*pip, 'install', '--no-deps', '--ignore-installed', '--prefix', prefix, wheel, cwd=tmp_path)
    (site,) = prefix.glob('lib/python*/site-packages')
    environment = {
        'PYTHONPATH': str(site),
        'AMENT_PREFIX_PATH': f'{prefix}:{os.environ.get("AMENT_PREFIX_PATH", "")}',
        'LD_LIBRARY_PATH': f'{prefix}/lib:{os.environ.get("LD_LIBRARY_PATH", "")}',
    }
    found = run(sys.executable, '-c', PROBE, cwd=tmp_path, **environment).split()
    assert found == [str(site / 'dvd_ros'), str(prefix)]
    version = run(prefix / 'bin' / 'dvd-ros', '--version', cwd=tmp_path, **environment)
    assert version.strip() == dvd_ros.__version__


@pytest.mark.slow
def test_colcon_build(tree):
    """A workspace built by colcon and sourced has the message, the index entry, the programs."""
    if shutil.which('colcon') is None:
        pytest.skip('colcon is not installed')
    workspace = tree.parents[1]
    run('colcon', 'build', '--cmake-args', '-DBUILD_TESTING=OFF', cwd=workspace)
    prefix = workspace / 'install' / 'dvd_ros'
    setup = f'. {workspace}/install/setup.sh && cd /'
    found = run('sh', '-c', f'{setup} && exec {sys.executable} -c "$0"', PROBE, cwd=workspace)
    assert Path(found.split()[0]).is_relative_to(prefix)
    assert found.split()[1] == str(prefix)
    for program in ('depth_node', 'video_node'):
        assert os.access(prefix / 'lib' / 'dvd_ros' / program, os.X_OK)
    version = run('sh', '-c', f'{setup} && dvd-ros --version', cwd=workspace)
    assert version.strip() == dvd_ros.__version__


def test_stale_copy_cannot_shadow_the_tree(tmp_path):
    """The .venv that scripts/setup.sh makes holds the message and no copy of the sources."""
    stamp = Path(sys.prefix, 'setup', 'messages')
    if not stamp.exists():
        pytest.skip('this Python is not of scripts/setup.sh')
    program = 'import dvd_ros, dvd_ros.msg; print(dvd_ros.__file__)'
    assert run(sys.executable, '-c', program, cwd=tmp_path).strip() == str(
        Path(stamp.read_text().split()[0], 'dvd_ros', '__init__.py')
    )
