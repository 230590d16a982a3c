"""Prints docs/parameters.md, made of the config dataclasses that the nodes' parameters are.

python scripts/parameters_page.py > docs/parameters.md
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from dvd_ros.ros.depth_node import CONFIGS
from dvd_ros.ros.parameters import VideoNodeConfig
from dvd_ros.ros.view_node import ViewNodeConfig

HEAD = """\
# Parameters

Made by `python scripts/parameters_page.py > docs/parameters.md`: do not edit. The same with
comments, to copy: [config/depth.yaml](../config/depth.yaml). A running node tells them by `ros2
param describe /depth_node NAME`. How to choose them: [tuning.md](tuning.md),
[metric-scale.md](metric-scale.md).

When a parameter may be set: *live*: at any time. *unconfigured*: at the start, or after `ros2
lifecycle set /depth_node deactivate` and `ros2 lifecycle set /depth_node cleanup`. *start*: at the
start only (read-only). A value that makes no sense is refused, with the reason; values that depend
on each other are to be set in one request (service `set_parameters_atomically`).
"""

QOS = """\
## Quality of service

Every publisher under `dvd/` and every subscription of images, camera_info and sources has the
parameters `qos_overrides.TOPIC.publisher.KEY` or `qos_overrides.TOPIC.subscription.KEY`, at the
start only. `TOPIC` is the full name after remapping and namespace, `KEY` is `history`, `depth` or
`reliability`:

```yaml
/**/depth_node:
  ros__parameters:
    qos_overrides./dvd/points.publisher.reliability: best_effort
    qos_overrides./camera/image_raw.subscription.reliability: reliable
```

By default publishers are reliable, keep last; `depth`, `points`, `disparity` and `confidence` two
windows deep, `camera_info`, `alignment` and `scale` 200. Subscriptions are best effort, keep last 5
(sensor data).
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, '# depth_node\n', *map(_section, CONFIGS), QOS, '# video_node\n',
             _section(VideoNodeConfig), '# view_node\n', _section(ViewNodeConfig)]
    return '\n'.join(parts)


def _section(config: type[Any]) -> str:
    summary = (config.__doc__ or '').strip().split('\n', 1)[0].split(';')[0].rstrip('.') + '.'
    lines = [f'## {config.__name__}: {summary}', '',
             '| parameter | default | range | set | meaning |', '|---|---|---|---|---|']
    managed = config not in (VideoNodeConfig, ViewNodeConfig)
    for entry in fields(config):
        told = entry.metadata
        when = 'start' if not managed or told.get('fixed') else \
            'live' if told['live'] else 'unconfigured'
        meaning = told['help'].replace('|', '\\|')
        lines.append(f'| `{entry.name}` | {_value(entry.default)} | {_range(*told["range"])} '
                     f'| {when} | {meaning} |')
    return '\n'.join(lines) + '\n'


def _value(default: Any) -> str:
    """A default as YAML has it."""
    if isinstance(default, bool):
        return f'`{str(default).lower()}`'
    if isinstance(default, tuple):
        return f'`[{", ".join(default)}]`'
    return '`""`' if default == '' else f'`{default}`'


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ''
    return f'{_number(low)} .. {_number(high)}'


def _number(value: float | None) -> str:
    return '' if value is None else f'{value:.10g}'


if __name__ == '__main__':
    print(page(), end='')
