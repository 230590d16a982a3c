"""What docs/recipes.md promises to other packages, each asked for with its own QoS and checks.

The packages are not needed: their subscriptions and what they do with a message are restated here,
from their sources (named at each).
"""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SECOND = 10**9
STEP = SECOND // 30
SIZE = (24, 32)
IMAGES = 13
NAME = '/recipes'
FRAME = 'camera_optical_frame'
NEAR, FAR, FARTHEST = 1.0, 10.0, 5.0
DECIMATION = 2
FX, FY, CX, CY = 30.0, 31.0, 15.0, 11.0
RELIABLE = ('rtabmap_reliable', 'depth_image_proc')
RECIPES = (ROOT / 'docs' / 'recipes.md').read_text()


def consumers():
    """Name -> QoS of its subscriptions; each is tried on all topics."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_system_default

    def keep_last(depth, reliability):
        return QoSProfile(depth=depth, reliability=reliability)

    return {
        # rclcpp::QoS(topic_queue_size).reliability(qos): 2, as the recipe has it, and 1
        'rtabmap': keep_last(60, ReliabilityPolicy.BEST_EFFORT),
        'rtabmap_reliable': keep_last(60, ReliabilityPolicy.RELIABLE),
        # rmw_qos_profile_default
        'depth_image_proc': keep_last(10, ReliabilityPolicy.RELIABLE),
        # rclcpp::SystemDefaultsQoS
        'depthimage_to_laserscan': qos_profile_system_default,
        # rmw_qos_profile_sensor_data with a depth of 50
        'nav2': keep_last(50, ReliabilityPolicy.BEST_EFFORT),
    }


def ramp():
    """A grey picture, brighter to the right; its disparity is its brightness (brightness_node)."""
    row = np.linspace(10, 220, SIZE[1]).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (*SIZE, 3)))


def depth_of(picture):
    disparity = picture.mean(axis=-1) / 255
    return 1 / (1 / FAR + disparity * (1 / NEAR - 1 / FAR))


@pytest.fixture(scope='module')
def heard(start_node_for_session, peer):
    """All that the consumers received, topics and types of the node, stamps of the images."""
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from dvd_ros.messages.image_conversion import fill_image
    from dvd_ros.ros.depth_messages import header

    process = start_node_for_session(
        'brightness_node', '-r', f'__ns:={NAME}', '-r', 'image:=camera/image_raw',
        '-r', 'camera_info:=camera/camera_info', window=5, overlap=1, stride=4, cuts=False,
        flush_after=0.5, near=NEAR, far=FAR, cloud_max_depth=FARTHEST,
        cloud_decimation=DECIMATION,
        **{f'qos_overrides.{NAME}/camera/{topic}.subscription.{key}': value
           for topic in ('image_raw', 'camera_info')
           for key, value in (('reliability', 'reliable'), ('depth', 50))})
    process.wait_for_log('waiting for images')
    received = {}
    order = []
    kinds = {'camera/image_raw': Image, 'camera/camera_info': CameraInfo, 'dvd/depth': Image,
             'dvd/camera_info': CameraInfo, 'dvd/points': PointCloud2}
    for consumer, qos in consumers().items():
        for topic, kind in kinds.items():
            kept = received[consumer, topic] = []

            def take(message, consumer=consumer, topic=topic, kept=kept):
                kept.append(message)
                order.append((consumer, topic, message))

            peer.node.create_subscription(kind, f'{NAME}/{topic}', take, qos)
    image = peer.node.create_publisher(Image, f'{NAME}/camera/image_raw', 50)
    info = peer.node.create_publisher(CameraInfo, f'{NAME}/camera/camera_info', 50)
    others = len(consumers())
    peer.wait(lambda: image.get_subscription_count() > others
              and info.get_subscription_count() > others
              and all(peer.node.count_publishers(f'{NAME}/{topic}') for topic in kinds),
              'the topics')
    peer.linger(0.5)
    stamps = []
    for number in range(IMAGES):
        stamps.append(1000 * SECOND + number * STEP)
        head = header(stamps[-1], FRAME)
        camera = CameraInfo(header=head, height=SIZE[0], width=SIZE[1],
                            distortion_model='plumb_bob', d=[0.0] * 5)
        camera.k = [FX, 0.0, CX, 0.0, FY, CY, 0.0, 0.0, 1.0]
        camera.p = [FX, 0.0, CX, 0.0, 0.0, FY, CY, 0.0, 0.0, 0.0, 1.0, 0.0]
        info.publish(camera)
        image.publish(fill_image(Image(header=head), ramp(), 'rgb8'))
        peer.linger(0.05)
    # Only who is reliable can count on all of them.
    peer.wait(lambda: all(
        len(kept) >= (IMAGES if consumer in RELIABLE else 1)
        for (consumer, topic), kept in received.items() if topic.startswith('dvd/')),
        'depth of all images')
    peer.linger(0.3)
    topics = dict(peer.node.get_publisher_names_and_types_by_node('depth_node', NAME))
    process.kill()
    return SimpleNamespace(received=received, order=order, stamps=stamps, topics=topics)


def stamp_of(message):
    from dvd_ros.messages.stamps import nanoseconds

    return nanoseconds(message.header.stamp)


def exact_sync(order, consumer, topics, queue):
    """message_filters' ExactTime: complete sets; of the incomplete ones the `queue` newest wait."""
    waiting, sets = {}, []
    for who, topic, message in order:
        if who != consumer or topic not in topics:
            continue
        stamp = stamp_of(message)
        parts = waiting.setdefault(stamp, {})
        parts[topic] = message
        if len(parts) == len(topics):
            sets.append(tuple(parts[one] for one in topics))
            # Older ones that are incomplete are given up.
            waiting = {key: value for key, value in waiting.items() if key > stamp}
        elif len(waiting) > queue:
            del waiting[min(waiting)]
    return sets


def pixels(message):
    assert message.encoding == '32FC1'
    assert message.step == 4 * message.width
    assert not message.is_bigendian
    return np.frombuffer(message.data, '<f4').reshape(message.height, message.width)


@pytest.mark.parametrize(('consumer', 'info'), [
    ('rtabmap', 'dvd/camera_info'), ('rtabmap_reliable', 'dvd/camera_info'),
    ('depth_image_proc', 'camera/camera_info')])
def test_every_image_pairs_exactly_with_depth_and_info(heard, consumer, info):
    """rgbd_odometry.cpp, CommonDataSubscriber.cpp and point_cloud_xyzrgb.cpp, exact sync."""
    sets = exact_sync(heard.order, consumer, ('camera/image_raw', 'dvd/depth', info), 60)
    paired = [stamp_of(image) for image, _, _ in sets]
    assert paired == (heard.stamps if consumer in RELIABLE else
                      [stamp for stamp in heard.stamps if stamp in paired])
    assert paired
    for image, depth, camera in sets:
        assert image.header.frame_id == depth.header.frame_id == camera.header.frame_id == FRAME
        assert (depth.height, depth.width) == (image.height, image.width) == SIZE
        assert (camera.height, camera.width) == SIZE
        # image_geometry reads P, others K.
        assert np.allclose(camera.k, [FX, 0, CX, 0, FY, CY, 0, 0, 1])
        assert np.allclose(camera.p, [FX, 0, CX, 0, 0, FY, CY, 0, 0, 0, 1, 0])
        assert np.allclose(pixels(depth), depth_of(ramp()), rtol=0.01)


def test_a_short_queue_loses_images(heard):
    """Depth comes a window later: of the first window the older images are forgotten."""
    topics = ('camera/image_raw', 'dvd/depth', 'dvd/camera_info')
    assert len(exact_sync(heard.order, 'rtabmap_reliable', topics, 1)) < len(heard.stamps)


def laser_scan(depth, info, scan_height, range_min, range_max):
    """depthimage_to_laserscan's convert_msg and convert<float>: ranges, angle_min, increment."""
    fx, cx, cy = info.p[0], info.p[2], info.p[6]
    width = depth.shape[1]
    angle_max, angle_min = np.arctan2(cx, fx), -np.arctan2(width - 1 - cx, fx)
    increment = (angle_max - angle_min) / (width - 1)
    ranges = np.full(width, np.nan)
    first = int(cy - scan_height / 2)
    for row in depth[first:first + scan_height].astype(float):
        for u, z in enumerate(row):
            index = int((-np.arctan2((u - cx) / fx, 1.0) - angle_min) / increment)
            new = np.hypot((u - cx) / fx * z, z) if np.isfinite(z) else z
            old = ranges[index]
            if not np.isfinite(new) and not np.isfinite(old):
                if not np.isnan(new):
                    ranges[index] = new
            elif range_min <= new <= range_max and (not np.isfinite(old) or new < old):
                ranges[index] = new
    return ranges, angle_min, increment


def test_laser_scan_of_the_ramp(heard):
    depth = pixels(heard.received['depthimage_to_laserscan', 'dvd/depth'][-1])
    info = heard.received['depthimage_to_laserscan', 'dvd/camera_info'][-1]
    ranges, angle_min, increment = laser_scan(depth, info, 4, 0.3, FARTHEST)
    # What is at a bearing, straight from the ramp; positive bearings are to the left.
    bearings = angle_min + increment * (np.arange(SIZE[1]) + 0.5)
    u = CX - FX * np.tan(bearings)
    z = np.interp(u, np.arange(SIZE[1]), depth_of(ramp())[0])
    expected = z / np.cos(bearings)
    seen = np.isfinite(ranges)
    assert seen.sum() > 0.6 * SIZE[1]
    assert np.allclose(ranges[seen], expected[seen], rtol=0.06)
    # It is darker, so farther, to the left: beyond range_max there is nothing.
    assert expected[-1] > FARTHEST
    assert np.isnan(ranges[-1])
    assert ranges[seen][0] < ranges[seen][-1]


def test_cloud_as_the_costmap_reads_it(heard):
    """ObservationBuffer::bufferCloud and ObstacleLayer: fields by name, heights in a frame z up."""
    from sensor_msgs.msg import PointField

    from dvd_ros.geometry import RigidTransform
    from dvd_ros.ros.camera_mount import mount_transform

    cloud = heard.received['nav2', 'dvd/points'][-1]
    assert cloud.header.frame_id == FRAME
    assert stamp_of(cloud) in heard.stamps
    shape = SIZE[0] // DECIMATION, SIZE[1] // DECIMATION
    assert (cloud.height, cloud.width) == shape
    assert (cloud.is_dense, cloud.is_bigendian) == (False, False)
    assert cloud.row_step == cloud.point_step * cloud.width
    assert len(cloud.data) == cloud.row_step * cloud.height
    fields = {field.name: field for field in cloud.fields}
    assert [fields[name].offset for name in ('x', 'y', 'z', 'rgb')] == [0, 4, 8, 12]
    assert {field.datatype for field in cloud.fields} == {PointField.FLOAT32}
    assert {field.count for field in cloud.fields} == {1}
    points = np.frombuffer(cloud.data, '<f4').reshape(*shape, -1)[..., :3]
    z = depth_of(ramp())[::DECIMATION, ::DECIMATION]
    hole = z > FARTHEST
    assert 0 < hole.sum() < hole.size
    assert np.isnan(points[hole]).all()
    assert np.isfinite(points[~hole]).all()
    # Where they are on the robot of the recipe: x ahead, y to the left, z up.
    mount = yaml.safe_load(re.search(r'```yaml\n(.*?)```', RECIPES, re.DOTALL).group(1))
    mount = mount['/**/depth_node']['ros__parameters']
    made = mount_transform(mount['camera_parent'], FRAME, '0.2 0 0.5 0 0 0').transform
    move, turn = made.translation, made.rotation
    on_robot = RigidTransform.from_quaternion(
        (move.x, move.y, move.z), (turn.x, turn.y, turn.z, turn.w)).apply(points[~hole])
    rows, columns = np.nonzero(~hole)
    expected = np.stack([0.2 + z[~hole], (CX - columns * DECIMATION) / FX * z[~hole],
                         0.5 + (CY - rows * DECIMATION) / FY * z[~hole]], axis=-1)
    assert np.allclose(on_robot, expected, rtol=0.02, atol=0.02)
    # NaN passes neither comparison of heights.
    heights = points[..., 2]
    with np.errstate(invalid='ignore'):
        assert not ((heights <= 2.0) & (heights >= 0.0))[hole].any()


# Of nav2_costmap_2d's ObstacleLayer and VoxelLayer; those of a source stand in it.
LAYER = {'plugin', 'enabled', 'footprint_clearing_enabled', 'min_obstacle_height',
         'max_obstacle_height', 'combination_method', 'observation_sources', 'tf_filter_tolerance',
         'z_voxels', 'origin_z', 'z_resolution', 'unknown_threshold', 'mark_threshold',
         'publish_voxel_map'}
SOURCE = {'topic', 'sensor_frame', 'observation_persistence', 'expected_update_rate', 'data_type',
          'min_obstacle_height', 'max_obstacle_height', 'inf_is_valid', 'marking', 'clearing',
          'obstacle_max_range', 'obstacle_min_range', 'raytrace_max_range', 'raytrace_min_range'}


def test_costmap_parameters(heard):
    config = yaml.safe_load((ROOT / 'config' / 'nav2_costmap.yaml').read_text())
    costmap = config['local_costmap']['local_costmap']['ros__parameters']
    assert [costmap[name]['plugin'] for name in costmap['plugins']] == [
        'nav2_costmap_2d::VoxelLayer', 'nav2_costmap_2d::InflationLayer']
    layer = costmap['depth_layer']
    sources = layer['observation_sources'].split()
    assert set(layer) - LAYER == set(sources)
    for source in (layer[name] for name in sources):
        assert set(source) <= SOURCE
        assert f'sensor_msgs/msg/{source["data_type"]}' in heard.topics[NAME + source['topic']]
        assert source['obstacle_max_range'] < source['raytrace_max_range']
        assert source['min_obstacle_height'] < source['max_obstacle_height']
        assert source['max_obstacle_height'] <= layer['max_obstacle_height']
    assert layer['z_voxels'] <= 16
    assert layer['origin_z'] + layer['z_voxels'] * layer['z_resolution'] >= \
        layer['max_obstacle_height']
    # The cloud reaches as far as the layer looks (the YAML beside it in the recipe).
    farthest = float(re.search(r'cloud_max_depth: ([\d.]+)', RECIPES).group(1))
    assert farthest == layer['dvd']['raytrace_max_range']


def leaves(layout):
    return [layout] if isinstance(layout, str) else \
        leaves(layout['first']) + leaves(layout['second'])


def test_foxglove_layout(heard):
    """Topics that the node publishes, of a type that the panel shows, and no panel left over."""
    layout = json.loads((ROOT / 'config' / 'foxglove.json').read_text())
    panels = layout['configById']
    assert sorted(leaves(layout['layout'])) == sorted(panels)
    shown = {'3D': {'PointCloud2', 'CameraInfo'}, 'Image': {'Image', 'CameraInfo'},
             'DiagnosticSummary': {'DiagnosticArray'}}
    for name, panel in panels.items():
        kind = name.split('!')[0]
        if kind == 'Plot':
            for path in panel['paths']:
                assert path['enabled']
                topic, field = path['value'].split('.')
                assert_numeric(heard.topics[NAME + topic][0], field)
            continue
        mode = panel.get('imageMode', {})
        topics = [*panel.get('topics', {}),
                  *(mode[key] for key in ('imageTopic', 'calibrationTopic') if mode),
                  *(panel[key] for key in ('topicToRender',) if key in panel)]
        assert topics
        for topic in topics:
            published = heard.topics[topic if topic == '/diagnostics' else NAME + topic]
            assert published[0].rsplit('/', 1)[1] in shown[kind], (name, topic)


def assert_numeric(kind, field):
    from dvd_ros import msg

    fields = getattr(msg, kind.rsplit('/', 1)[1]).get_fields_and_field_types()
    assert fields[field] in ('double', 'float', 'uint32'), (kind, field)


def test_rviz_layout(heard):
    layout = yaml.safe_load((ROOT / 'config' / 'depth.rviz').read_text())
    displays = layout['Visualization Manager']['Displays']
    topics = [display['Topic'] for display in displays if 'Topic' in display]
    named = {topic['Value'] for topic in topics if isinstance(topic, dict)} - {'image'}
    assert 'dvd/points' in named
    assert {f'{NAME}/{topic}' for topic in named} <= set(heard.topics)


def test_topics_of_the_recipes_are_published(heard):
    mapped = set(re.findall(r':=/(dvd/\w+)', RECIPES))
    assert {'dvd/depth', 'dvd/camera_info'} <= mapped
    assert {f'{NAME}/{topic}' for topic in mapped} <= set(heard.topics)


@pytest.mark.parametrize('recipe', ['RTAB-Map', 'Nav2'])
def test_node_starts_with_the_parameters_of_a_recipe(recipe, start_node, tmp_path):
    section = RECIPES[RECIPES.index(f'## {recipe}'):]
    file = tmp_path / 'parameters.yaml'
    file.write_text(re.search(r'```yaml\n(.*?)```', section, re.DOTALL).group(1))
    node = start_node('brightness_node', '-r', '__ns:=/recipe', '--params-file', str(file))
    node.wait_for_log('waiting for images')
    assert 'metres will come from' in node.log()
    assert 'withheld (NaN)' in node.log()
