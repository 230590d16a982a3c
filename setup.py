"""pip's way into the build: CMakeLists.txt builds, this hands the result to setuptools.

    pip install --no-build-isolation --no-deps .

needs ROS 2 in sight, installed and sourced, or from wheels (requirements/build.txt with
AMENT_PREFIX_PATH naming their environment). To work on the sources use scripts/setup.sh.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


def requirements(group: str) -> list[str]:
    """The requirement lines of requirements/<group>.txt."""
    lines = (ROOT / 'requirements' / f'{group}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith(('#', '-'))]


def version() -> str:
    """The version, which package.xml holds."""
    found = re.search(r'<version>(.+?)</version>', (ROOT / 'package.xml').read_text())
    if found is None:
        raise RuntimeError('package.xml has no <version>')
    return found.group(1)


class CMakeBuild(build_ext):
    """Installs CMake's result into a temporary prefix and takes the wheel's files from there."""

    def run(self) -> None:
        if self.inplace:
            raise SystemExit(
                'pip install -e cannot bring the generated messages; '
                'to work on the sources run: bash scripts/setup.sh'
            )
        with tempfile.TemporaryDirectory(prefix='dvd_ros-') as folder:
            build, prefix = Path(folder, 'build'), Path(folder, 'prefix')
            generator = ['-G', 'Ninja'] if shutil.which('ninja') else []
            self._cmake(
                '-S', ROOT, '-B', build, *generator,
                '-DCMAKE_BUILD_TYPE=Release',
                f'-DCMAKE_INSTALL_PREFIX={prefix}',
                '-DBUILD_TESTING=OFF',
                f'-DPython3_EXECUTABLE={sys.executable}',
                '-DDVD_ROS_PYTHON=python3',
            )  # fmt: skip
            self._cmake('--build', build, '--parallel')
            self._cmake('--install', build)
            self._collect(prefix)

    @staticmethod
    def _cmake(*arguments: object) -> None:
        command = ['cmake', *map(str, arguments)]
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            raise SystemExit('cmake was not found; install it: pip install "cmake<4"') from None
        except subprocess.CalledProcessError as error:
            ros = os.environ.get('AMENT_PREFIX_PATH', '')
            raise SystemExit(
                f'cmake failed ({error.returncode}), see above; ROS 2 was looked for in '
                f'AMENT_PREFIX_PATH={ros!r}. It takes a sourced ROS 2, or requirements/build.txt '
                'installed and AMENT_PREFIX_PATH set to that environment, and --no-build-isolation.'
            ) from None

    def _collect(self, prefix: Path) -> None:
        (package,) = prefix.glob('**/dvd_ros/__init__.py')
        shutil.copytree(package.parent, Path(self.build_lib, 'dvd_ros'), dirs_exist_ok=True)
        # Data files are read when the wheel is packed, after this prefix has gone.
        kept = Path(self.build_temp).resolve() / 'prefix'
        shutil.rmtree(kept, ignore_errors=True)
        files: dict[str, list[str]] = {}
        for path in sorted(prefix.rglob('*')):
            place = path.relative_to(prefix)
            inside = package.parent in path.parents or any(
                part.endswith(('.egg-info', '__pycache__')) for part in place.parts
            )
            # bin/dvd-ros is the console script of this file's entry point.
            if path.is_dir() or inside or place.parts[0] == 'bin':
                continue
            copy = kept / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
            files.setdefault(str(place.parent), []).append(os.path.relpath(copy, ROOT))
        self.distribution.data_files = [*(self.distribution.data_files or []), *files.items()]


setup(
    name='dvd_ros',
    version=version(),
    description='Temporally stable depth from a plain camera, live, as a ROS 2 package',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['dvd_ros', 'dvd_ros.*']),
    package_data={'dvd_ros': ['py.typed', 'assets/**/*', 'view/page/*']},
    # The messages are built by CMake; naming one makes this a wheel for one platform.
    ext_modules=[Extension('dvd_ros.msg', sources=[])],
    cmdclass={'build_ext': CMakeBuild},
    install_requires=requirements('core'),
    extras_require={group: requirements(group)
                    for group in ('runtime', 'torch', 'tensorrt', 'export', 'ros', 'train',
                                  'datasets', 'offline', 'view', 'test')},
    entry_points={'console_scripts': ['dvd-ros = dvd_ros.cli.main:main']},
    zip_safe=False,
)
