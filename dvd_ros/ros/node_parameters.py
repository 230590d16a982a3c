"""The parameters of a managed node: read from it, checked where they are set, applied live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from rcl_interfaces.msg import SetParametersResult

from dvd_ros.ros.parameters import as_field, declare_values

Config = TypeVar('Config')


class NodeParameters:
    """Declares the fields of config dataclasses and keeps watch over them.

    A change is refused, with the reason, where a value makes no sense in its config, or the
    parameter may only be set while the node is unconfigured and it is not. Values that depend on
    each other are to be set in one request (`set_parameters_atomically`).

    Parameters
    ----------
    node:
        the node; the parameters are declared at once, not yet checked against each other.
    configs:
        the dataclasses.
    unconfigured:
        whether parameters that are not live may be set now.
    apply:
        called with the new configs after live parameters of them have changed.

    Raises
    ------
    ValueError, rclpy.exceptions.ParameterException
        a parameter that was given with another type or out of its range.

    """

    def __init__(self, node: Any, configs: Sequence[type[Any]], unconfigured: Callable[[], bool],
                 apply: Callable[[list[Any]], None]) -> None:
        self._node = node
        self._configs = tuple(configs)
        self._unconfigured = unconfigured
        self._apply = apply
        self._fields = {entry.name: (config, entry)
                        for config in configs for entry in fields(config)}
        for config in configs:
            declare_values(node, config, managed=True)
        node.add_on_set_parameters_callback(self._check)
        # Before Iron there is none: what another callback may yet refuse is applied.
        self._post = hasattr(node, 'add_post_set_parameters_callback')
        if self._post:
            node.add_post_set_parameters_callback(self._after)

    def read(self, config: type[Config]) -> Config:
        """The config of the present values; ValueError, naming the value, where it is none."""
        return config(**self._values(config))

    def _values(self, config: type[Any]) -> dict[str, Any]:
        return {entry.name: as_field(entry, self._node.get_parameter(entry.name).value)
                for entry in fields(config)}

    def _check(self, parameters: Sequence[Any]) -> SetParametersResult:
        ours = {one.name: one.value for one in parameters if one.name in self._fields}
        try:
            changed = self._changed(ours)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if changed and not self._post:
            self._apply(changed)
        return SetParametersResult(successful=True)

    def _changed(self, given: dict[str, Any]) -> list[Any]:
        """The configs that such values lead to."""
        for name in given:
            config, entry = self._fields[name]
            if not entry.metadata['live'] and not self._unconfigured():
                raise ValueError(
                    f'{name} may be set while the node is unconfigured; deactivate and clean up '
                    'first (ros2 lifecycle set NODE ...), then set it and configure')
        configs = {self._fields[name][0]: None for name in given}
        return [config(**self._values(config) | {
            name: as_field(self._fields[name][1], value) for name, value in given.items()
            if self._fields[name][0] is config}) for config in configs]

    def _after(self, parameters: Sequence[Any]) -> None:
        configs = {self._fields[one.name][0]: None for one in parameters
                   if one.name in self._fields}
        if configs:
            self._apply([self.read(config) for config in configs])
