"""The pages under docs/ and README.md: their commands, parameters, topics and files are real.

Every line of a bash block is read: options by the parser of `dvd-ros` itself, arguments of launch
files by those files, executables by CMakeLists.txt, parameters by the nodes' configs. Blocks
marked `<!-- run -->` are run, too. Of other packages there is a list of names below.
"""

import ast
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from dvd_ros.cli import _train_codec, _train_config
from dvd_ros.cli import main as cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
MARKS = {'run', 'needs hardware', 'needs network', 'needs ROS 2', 'long'}
# Inputs of depth_node; what it publishes; services (type, as `ros2 service call` has it).
INPUTS = {'image', 'camera_info', 'imu', 'scale/depth', 'scale/camera_info', 'scale/points',
          'scale/scan', 'scale/range'}
OUTPUTS = {'dvd/depth', 'dvd/camera_info', 'dvd/points', 'dvd/disparity', 'dvd/confidence',
           'dvd/alignment', 'dvd/scale', 'diagnostics'}
SERVICES = {'reset': 'std_srvs/srv/Trigger', 'snapshot': 'std_srvs/srv/Trigger',
            'set_metric_scale': 'dvd_ros/srv/SetMetricScale'}
TRANSITIONS = {'configure', 'activate', 'deactivate', 'cleanup', 'shutdown'}
# Names of other packages, from their sources: arguments of launch files, and of nodes the
# topics and the parameters.
LAUNCHED = {
    ('rtabmap_launch', 'rtabmap.launch.py'): {
        'rgb_topic', 'depth_topic', 'camera_info_topic', 'frame_id', 'approx_sync',
        'topic_queue_size', 'sync_queue_size', 'qos', 'args',
        'odom_always_process_most_recent_frame'},
    ('nav2_bringup', 'navigation_launch.py'): {'params_file', 'use_sim_time', 'namespace'},
    ('foxglove_bridge', 'foxglove_bridge_launch.xml'): {'port', 'address'}}
NODES = {
    ('depthimage_to_laserscan', 'depthimage_to_laserscan_node'): (
        {'depth', 'depth_camera_info', 'scan'},
        {'scan_time', 'range_min', 'range_max', 'scan_height', 'output_frame'}),
    ('depth_image_proc', 'point_cloud_xyzrgb_node'): (
        {'rgb/image_rect_color', 'rgb/camera_info', 'depth_registered/image_rect', 'points'},
        {'queue_size', 'exact_sync', 'image_transport', 'depth_image_transport',
         'invalid_depth'})}
# Programs that are none of ours.
FOREIGN = {'cd', 'export', 'git', 'rosdep', 'colcon', 'source', 'python', 'python3'}


def blocks(page, language):
    """(mark or '', text) of every fenced block; the mark is the comment right above it."""
    found = re.findall(r'(?:<!-- ([^>]*?) -->\n)?```(\w*)\n(.*?)```', page.read_text(), re.DOTALL)
    return [(mark, text) for mark, kind, text in found if kind == language]


def lines(text):
    """The commands of a block as lists of words; those behind && and | are lines of their own."""
    for line in text.replace('\\\n', ' ').splitlines():
        command = []
        for word in [*shlex.split(line, comments=True), ';']:
            if word in ('&&', '|', ';'):
                if command:
                    yield command
                command = []
            elif command or not re.fullmatch(r'[A-Z_]+=\S*', word):
                command.append(word)


COMMANDS = [(page, command) for page in PAGES for _, text in blocks(page, 'bash')
            for command in lines(text)]
# Spoken of in the text: may be without its arguments.
SPOKEN = [(page, command) for page in PAGES for text in re.findall(
    r'`((?:dvd-ros|ros2|bash|python|pip) [^`]*)`',
    re.sub(r'```.*?```', '', page.read_text(), flags=re.DOTALL))
    for command in lines(text.replace('\n', ' '))]


def label(case):
    page, command = case
    return f'{page.stem}: {" ".join(command)[:60]}'


def node_parameters(node):
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    from dataclasses import fields

    from dvd_ros.ros.depth_node import CONFIGS
    from dvd_ros.ros.parameters import VideoNodeConfig

    configs = [VideoNodeConfig] if node == 'video_node' else CONFIGS
    return {entry.name: entry for config in configs for entry in fields(config)}


def check_dvd_ros(words, monkeypatch, spoken):
    """Parse with the parser of the program itself; nothing is run."""
    known = cli.commands()
    if spoken and (len(words) == 0 or words[0] not in known):
        assert words in (['--help'], ['COMMAND', '--help'], ['--version']), words
        return
    done = []
    module = importlib.import_module(f'dvd_ros.cli.{words[0]}') if words[0] in known else None
    targets = [_train_codec, _train_config] if words[0] == 'train' else [module]
    if words[0] == 'train':
        pytest.importorskip('torch', reason='PyTorch is not installed here')
        if len(words) > 1 and words[1] not in ('codec', 'WHAT'):
            _train_config.find_config(words[1])
    for target in filter(None, targets):
        monkeypatch.setattr(target, 'run', lambda options: done.append(options) or 0)
    complaint = []
    monkeypatch.setattr('argparse.ArgumentParser.error',
                        lambda self, message: complaint.append(message) or sys.exit(2))
    try:
        cli.main(words)
    except SystemExit:
        if not (spoken and complaint and 'are required' in complaint[0]):
            pytest.fail(f'{complaint}')
    else:
        assert done


def launch_arguments(file):
    """Names that a launch file of ours declares: argument('NAME', ...), and _SCALE_TOPICS."""
    tree = ast.parse((ROOT / 'launch' / file).read_text())
    found = {node.args[0].value for node in ast.walk(tree)
             if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'argument'
             and isinstance(node.args[0], ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.targets[0].id == '_SCALE_TOPICS':
            found |= set(ast.literal_eval(node.value).values())
    return found


def check_launch(package, file, *arguments):
    known = launch_arguments(file) if package == 'dvd_ros' else LAUNCHED[package, file]
    for argument in arguments:
        assert argument == '--show-args' or argument.split(':=')[0] in known, argument
        key, _, value = argument.partition(':=')
        if package == 'dvd_ros' and key.startswith('scale_') and key != 'scale_sources':
            assert value.startswith('/'), argument


def check_run(package, executable, *rest):
    if package == 'dvd_ros':
        cmake = (ROOT / 'CMakeLists.txt').read_text()
        assert f'dvd_ros_program({executable} ' in cmake, executable
        topics, parameters = INPUTS, set(node_parameters(executable))
    else:
        topics, parameters = NODES[package, executable]
    own = list(rest[:rest.index('--ros-args')] if '--ros-args' in rest else rest)
    assert not own or executable == 'multi_depth_node', own
    ros = list(rest[len(own) + 1:])
    while ros:
        flag, value = ros.pop(0), ros.pop(0)
        key, assigned, given = value.partition(':=')
        assert assigned, value
        if flag == '-r':
            assert key in topics | {'__ns', '__node'} or executable == 'multi_depth_node', key
            if given.lstrip('/').startswith('dvd/'):
                assert given.lstrip('/') in OUTPUTS
        else:
            assert flag == '-p', flag
            assert key in parameters | {'use_sim_time'} or re.fullmatch(
                r'qos_overrides\./[\w/]+\.(publisher|subscription)\.(history|depth|reliability)',
                key), key


def check_ros2(verb, *rest):
    rest = list(rest)
    if verb == 'launch':
        check_launch(*rest)
    elif verb == 'run':
        check_run(*rest)
    elif verb == 'param':
        assert rest.pop(0) in ('set', 'get', 'describe')
        assert rest.pop(0) == '/depth_node'
        assert rest[0] == 'NAME' or rest[0] in node_parameters('depth_node'), rest[0]
    elif verb == 'lifecycle':
        action, node, *transition = rest
        assert node in ('/depth_node', 'NODE')
        assert (action == 'get') == (not transition)
        assert set(transition) <= TRANSITIONS | {'...'}
    elif verb == 'service':
        check_service(*rest)
    elif verb == 'topic':
        topics = [word.lstrip('/') for word in rest[1:] if word.startswith('/')]
        assert rest[0] in ('echo', 'hz', 'info')
        assert all(topic in OUTPUTS | {'image', 'camera/image_raw'} for topic in topics), topics
    else:
        assert verb in ('bag', 'security'), verb


def check_service(verb, service, kind, *values):
    node, _, service = service.lstrip('/').partition('/')
    assert (verb, node, SERVICES[service]) == ('call', 'depth_node', kind)
    if values:
        text = (ROOT / 'srv' / f'{kind.rsplit("/", 1)[1]}.srv').read_text().split('---')[0]
        fields = set(re.findall(r'^\w+ (\w+)\s*(?:#.*)?$', text, re.MULTILINE))
        assert set(yaml.safe_load(values[0])) <= fields


def check_program(program, *rest):
    """bash, python, pip and others: the files that are named are there, and know the options."""
    if program in ('bash', 'python', 'python3') and rest[0] != '-m':
        source = (ROOT / rest[0]).read_text()
        assert all(word in source for word in rest[1:] if word.startswith('--'))
    elif program == '.':
        assert rest[0] == 'env/bin/activate' or (ROOT / rest[0]).is_file(), rest[0]
    elif program == 'pip':
        for file in (rest[at + 1] for at, word in enumerate(rest) if word == '-r'):
            assert (ROOT / file.removeprefix('src/dvd_ros/')).is_file(), file
    elif program == 'rviz2':
        assert (ROOT / rest[rest.index('-d') + 1]).is_file()
    else:
        assert program in FOREIGN, f'{program}: what is it?'


def check(command, monkeypatch, spoken=False):
    program, *rest = command
    if program == 'accelerate':
        program, rest = 'dvd-ros', rest[rest.index('dvd_ros.cli.main') + 1:]
    if program == 'bash' and rest[0] == 'scripts/demo.sh':
        program, rest = 'dvd-ros', ['demo', *rest[1:]]
    if program == 'dvd-ros':
        check_dvd_ros(rest, monkeypatch, spoken)
    elif program == 'ros2':
        if not spoken or len(rest) > 2:
            check_ros2(*rest)
    else:
        check_program(program, *rest)


def test_there_is_something_to_check():
    assert len(COMMANDS) > 50
    assert len(SPOKEN) > 10
    assert {page.name for page in PAGES} > {'README.md', 'parameters.md', 'recipes.md'}


@pytest.mark.parametrize('case', COMMANDS, ids=label)
def test_command_of_a_block(case, monkeypatch):
    check(case[1], monkeypatch)


@pytest.mark.parametrize('case', SPOKEN, ids=label)
def test_command_in_the_text(case, monkeypatch):
    check(case[1], monkeypatch, spoken=True)


@pytest.mark.parametrize('command', [
    'dvd-ros eval mini CLIP --strides 4', 'dvd-ros evaluate CLIP', 'dvd-ros engine make FOLDER',
    'ros2 launch dvd_ros depth.launch.py images:=/camera', 'ros2 run dvd_ros depths_node',
    'ros2 run dvd_ros depth_node --ros-args -p strides:=4', 'bash scripts/nothing.sh',
    'ros2 service call /depth_node/set_metric_scale dvd_ros/srv/SetMetricScale "{metres: 1}"',
    'ros2 topic echo /dvd/depths', 'bash scripts/demo.sh --strides 4',
    'bash scripts/setup.sh --everything', 'pip install -r requirements/nothing.txt', 'frobnicate'])
def test_a_wrong_command_is_found(command, monkeypatch):
    (words,) = lines(command)
    with pytest.raises((AssertionError, KeyError, pytest.fail.Exception, OSError)):
        check(words, monkeypatch)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_marks_are_known(page):
    marks = {mark.split(':')[0] for mark, _ in blocks(page, 'bash')} - {''}
    assert marks <= MARKS


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_yaml_has_real_parameters(page):
    for _, text in blocks(page, 'yaml'):
        ((node, section),) = yaml.safe_load(text).items()
        values = section['ros__parameters']
        known = node_parameters(node.rsplit('/', 1)[1])
        overrides = {key for key in values if key.startswith('qos_overrides./')}
        for key in values.keys() - overrides:
            kind = type(known[key].default)
            assert isinstance(values[key], {float: (int, float), tuple: list}.get(kind, kind)), key


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_parameters_and_topics_in_the_text(page):
    """`name: value` is a parameter that may have the value; what begins as a topic is one."""
    known = node_parameters('depth_node')
    for span in re.findall(r'`([^`\n]+)`', page.read_text()):
        found = re.fullmatch(r'([a-z_]+): (\S+)', span)
        if found and page.name != 'parameters.md':
            value = yaml.safe_load(found[2])
            default = known[found[1]].default
            assert type(value) is type(default) or isinstance(default, float | tuple), span
        if re.fullmatch(r'(dvd|scale)/\w+', span):
            assert span in INPUTS | OUTPUTS, span


def test_topics_are_those_of_the_node():
    from dvd_ros.messages.frame_messages import OUTPUTS as PUBLISHED

    assert {f'dvd/{name}' for name in PUBLISHED} == OUTPUTS - {'diagnostics'}
    inputs = (ROOT / 'dvd_ros' / 'ros' / 'scale_inputs.py').read_text()
    assert set(re.findall(r"'(scale/\w+)'", inputs)) <= INPUTS


RUN = [(page, text) for page in PAGES for mark, text in blocks(page, 'bash') if mark == 'run']


@pytest.mark.parametrize(('page', 'text'), RUN,
                         ids=[f'{page.stem}{number}' for number, (page, _) in enumerate(RUN)])
def test_block_runs(page, text, tmp_path, monkeypatch, capsys):
    for needed in ('onnxruntime', 'torch', 'numba'):
        pytest.importorskip(needed, reason=f'{needed} is not installed here')
    monkeypatch.chdir(tmp_path)
    for program, *words in lines(text):
        assert program == 'dvd-ros'
        assert cli.main(words) == 0, capsys.readouterr()
