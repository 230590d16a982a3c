"""How good is the depth: metrics, fitting, pictures."""

from dvd_ros.evaluation.align import (
    align_disparity,
    baselines,
    evaluate_disparity,
    fit_depth,
    report,
)
from dvd_ros.evaluation.metrics import all_metrics

__all__ = ['align_disparity', 'all_metrics', 'baselines', 'evaluate_disparity', 'fit_depth',
           'report']
