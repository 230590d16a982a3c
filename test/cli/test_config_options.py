import argparse

import pytest

from dvd_ros.cli._config_options import add_config, read_config
from dvd_ros.scale import ScaleConfig
from dvd_ros.stream import StreamConfig


def parse(*arguments):
    parser = argparse.ArgumentParser()
    for config in (StreamConfig, ScaleConfig):
        add_config(parser, config)
    args = parser.parse_args(arguments)
    return read_config(args, StreamConfig), read_config(args, ScaleConfig)


def test_options_are_the_fields_of_the_configs():
    assert parse() == (StreamConfig(), ScaleConfig())
    stream, scale = parse('--window', '9', '--no-cuts', '--latency', 'smooth', '--max-gap', '3',
                          '--far', '12.5', '--unscaled', 'withhold')
    assert (stream.window, stream.cuts, stream.latency, stream.max_gap) == (9, False, 'smooth', 3)
    assert (scale.far, scale.unscaled) == (12.5, 'withhold')


def test_a_bad_value_is_named():
    with pytest.raises(ValueError, match='latency'):
        parse('--latency', 'fast')
