"""The program itself: finds the sub-command's module and hands over."""

import argparse
import ast
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

import dvd_ros

FOLDER = Path(__file__).parent


def commands() -> dict[str, str]:
    """The sub-commands: name -> first line of the module's docstring.

    The files are read and not imported: a list of what there is must not take PyTorch's seconds.
    """
    found = {}
    for module in pkgutil.iter_modules([str(FOLDER)]):
        if module.name == Path(__file__).stem or module.name.startswith('_'):
            continue
        source = (FOLDER / f'{module.name}.py').read_text(encoding='utf-8')
        summary = (ast.get_docstring(ast.parse(source)) or '').split('\n', 1)[0]
        name = module.name.replace('_', '-')
        found[name] = summary.removeprefix(f'`dvd-ros {name}`: ')
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``dvd-ros`` with ``argv`` (default: the process's arguments).

    Returns the exit status: the sub-command's own; 1 where it raised ValueError or OSError, whose
    message is then printed without a traceback (``DVD_ROS_TRACEBACK=1`` shows it); 130 when
    interrupted. Wrong arguments raise SystemExit(2), as argparse does.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    known = commands()
    parser = argparse.ArgumentParser(
        prog='dvd-ros',
        description='Depth from a plain camera with DVD.',
        epilog='dvd-ros COMMAND --help tells more.',
    )
    parser.add_argument('--version', action='version', version=dvd_ros.__version__)
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    # Only the one that was asked for gets its arguments: they come from its module.
    name = next((argument for argument in arguments if not argument.startswith('-')), None)
    module = None
    for command, summary in known.items():
        # argparse formats help with %, which a docstring may hold.
        subparser = subparsers.add_parser(command, help=summary.replace('%', '%%'))
        if command == name:
            module = importlib.import_module(f'dvd_ros.cli.{command.replace("-", "_")}')
            subparser.description = (module.__doc__ or '').replace('%', '%%')
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(subparser)
    options = parser.parse_args(arguments)
    assert module is not None  # parse_args has refused what is no command
    try:
        return int(module.run(options))
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError) as error:
        if os.environ.get('DVD_ROS_TRACEBACK'):
            raise
        print(f'dvd-ros {name}: {error}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
