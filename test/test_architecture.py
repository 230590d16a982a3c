"""Who may import whom: the rules that keep a robot without PyTorch, or without ROS 2, running."""

import ast
import graphlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'dvd_ros'
MODULES = sorted(PACKAGE.rglob('*.py'))
PARTS = sorted(folder.name for folder in PACKAGE.iterdir() if (folder / '__init__.py').exists())

# Lowest first: each may import those before it and nothing else of dvd_ros.
NUMPY_ONLY = ('geometry', 'parallax', 'scale', 'stream', 'messages', 'capture', 'datasets')
# Beside the parts, for all of them: needs nothing, or NumPy alone.
FOR_ALL = {'option': set(), 'tukey': {'numpy'}}
# Folders of Python that is not installed.
AROUND = ('test', 'benchmark', 'scripts', 'launch')
HEAVY = {'torch', 'diffusers', 'transformers', 'peft'}
# Of the numpy-only parts: file -> what it may import in a function, for those who ask for it.
ON_DEMAND = {'datasets/hdf5.py': {'h5py'}, 'datasets/nyuv2.py': {'scipy'}}
# Import name -> name in requirements/, where they differ.
DISTRIBUTIONS = {'cuda': 'cuda-bindings', 'cv2': 'opencv-python-headless', 'yaml': 'PyYAML',
                 'PIL': 'pillow', 'tf2_ros': 'tf2_ros_py'}


class Import(NamedTuple):
    path: Path
    line: int
    name: str  # dotted and absolute; of `from a import b` it is a.b, as b may be a module
    at_import: bool  # done when the module is imported, not in a function

    @property
    def top(self) -> str:
        return self.name.split('.')[0]

    @property
    def part(self) -> str | None:
        """The part of dvd_ros it leads to: stream, ros, ...; None outside of dvd_ros."""
        names = self.name.split('.')
        return names[1] if names[0] == 'dvd_ros' and len(names) > 1 else None

    def __str__(self) -> str:
        return f'{self.path.relative_to(ROOT)}:{self.line} imports {self.name}'


def imports_of(path: Path) -> Iterator[Import]:
    """All imports of a file, save those that only the type checker sees."""
    package = path.relative_to(ROOT).parent.parts
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding='utf-8')), True)]
    while todo:
        node, at_import = todo.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name, at_import)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = '.'.join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(path, node.lineno, f'{module}.{alias.name}', at_import)
        elif isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test):
            todo.extend((child, at_import) for child in node.orelse)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            todo.extend((child, at_import and not inside) for child in ast.iter_child_nodes(node))


IMPORTS = [found for path in MODULES for found in imports_of(path)]


def part_of(path: Path) -> str | None:
    names = path.relative_to(PACKAGE).parts
    return names[0] if len(names) > 1 else None


def offences(rule) -> list[str]:
    return [str(found) for found in IMPORTS if rule(found)]


def test_there_is_something_to_check():
    assert 'stream' in PARTS
    assert any(found.top == 'numpy' for found in IMPORTS)


@pytest.mark.parametrize('part', NUMPY_ONLY)
def test_numpy_parts_import_numpy_opencv_and_downwards_only(part):
    below = (*FOR_ALL, *NUMPY_ONLY[: NUMPY_ONLY.index(part) + 1])

    def offends(found: Import) -> bool:
        if part_of(found.path) != part or found.top in sys.stdlib_module_names:
            return False
        if found.top == 'dvd_ros':
            return found.part not in below
        place = found.path.relative_to(PACKAGE).as_posix()
        if not found.at_import and found.top in ON_DEMAND.get(place, set()):
            return False
        return found.top not in {'numpy', 'cv2'}

    assert offences(offends) == []


@pytest.mark.parametrize('name', FOR_ALL)
def test_what_all_parts_use_needs_next_to_nothing(name):
    assert (PACKAGE / f'{name}.py').is_file()
    assert offences(lambda found: found.path == PACKAGE / f'{name}.py' and found.top not in
                    sys.stdlib_module_names | FOR_ALL[name]) == []


def test_regressor_imports_torch_only_in_a_backend_that_was_asked_for():
    """A robot with another backend alone has no torch: only *_backend.py may need it at once."""

    def is_backend(name: str) -> bool:
        return name.endswith('_backend')

    def offends(found: Import) -> bool:
        if part_of(found.path) != 'regressor' or not found.at_import:
            return False
        if is_backend(found.path.stem):
            return False
        heavy = found.top in HEAVY or found.part in {'model', 'training'}
        return heavy or any(is_backend(name) for name in found.name.split('.'))

    assert offences(offends) == []


def test_view_needs_no_ros_and_no_network():
    """It shows arrays and texts: of dvd_ros only the colours of depth, from the web aiohttp."""
    allowed = {'numpy', 'cv2'}

    def offends(found: Import) -> bool:
        if part_of(found.path) != 'view' or found.top in sys.stdlib_module_names:
            return False
        if found.top == 'dvd_ros':
            return (found.part != 'view'
                    and not found.name.startswith('dvd_ros.evaluation.contact_sheet.'))
        # A robot without aiohttp still has the node, which says what is missing.
        web = found.path.stem in {'server', 'client', 'guard'}
        return found.top not in (allowed | {'aiohttp'} if web else allowed)

    assert offences(offends) == []
    assert [str(found) for found in IMPORTS if found.top == 'aiohttp'
            and part_of(found.path) != 'view'] == []


def test_ros_is_imported_in_ros_only():
    def of_ros(found: Import) -> bool:
        return (
            found.top in {'rclpy', 'cv_bridge', 'launch', 'launch_ros', 'ament_index_python',
                          'tf2_ros'}
            or found.top.endswith(('_msgs', '_interfaces'))
            or found.part in {'msg', 'srv'}
        )

    assert offences(lambda found: of_ros(found) and part_of(found.path) != 'ros') == []


@pytest.mark.parametrize('part', ['ros', 'cli'])
def test_nothing_imports_the_ends(part):
    assert offences(lambda found: found.part == part and part_of(found.path) != part) == []


def test_parts_form_no_circle():
    graph: dict[str, set[str]] = {part: set() for part in PARTS}
    for found in IMPORTS:
        here = part_of(found.path)
        if here in graph and found.part in graph and found.part != here:
            graph[here].add(found.part)
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle


@pytest.mark.parametrize(
    'module',
    ['stream', 'geometry', 'scale', 'messages', 'capture', 'datasets', 'regressor', 'evaluation',
     'offline', 'view', 'view.packets', 'view.telemetry', 'cli.main', 'cli.view'],
)
def test_import_without_torch_and_rclpy(module):
    """What the files say, and what Python does: the packages of others may import torch as well."""
    if '.' not in module and module not in PARTS:
        pytest.skip(f'there is no dvd_ros.{module}')
    program = (
        f'import sys, dvd_ros.{module}; '
        'print(sorted({"torch", "diffusers", "rclpy"} & set(sys.modules)))'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '[]'


def declared() -> set[str]:
    """Lower-case names in requirements/*.txt and of the dependencies in package.xml."""
    names = set()
    for path in (ROOT / 'requirements').glob('*.txt'):
        if path.name == 'locked.txt':  # made of the others, and of what they need in turn
            continue
        names |= set(re.findall(r'^[A-Za-z][\w.-]*', path.read_text(), re.MULTILINE))
    for element in ElementTree.parse(ROOT / 'package.xml').getroot():
        if element.tag.endswith('depend'):
            names.add(element.text or '')
    return {name.lower() for name in names}


def test_what_is_imported_is_declared():
    """A package that only happens to be on the developer's machine is missing on the user's."""
    known = declared()

    def undeclared(found: Import) -> bool:
        name = DISTRIBUTIONS.get(found.top, found.top).lower()
        wheel = 'ros-' + name.replace('_', '-')
        ours = found.top in sys.stdlib_module_names or found.top == 'dvd_ros'
        return not ours and not {name, name.replace('_', '-'), wheel} & known

    around = [path for folder in AROUND for path in sorted((ROOT / folder).rglob('*.py'))]
    siblings = {path.stem for path in around} | set(AROUND)
    found_around = [found for path in around for found in imports_of(path)]
    assert offences(undeclared) == []
    assert [
        str(found) for found in found_around if undeclared(found) and found.top not in siblings
    ] == []


def test_no_drawer_for_odds_and_ends():
    banned = {'utils', 'util', 'helpers', 'helper', 'common', 'misc', 'manager'}
    assert [str(path) for path in MODULES if banned & {path.stem, *path.parent.parts}] == []
