"""An evaluation as a table for terminals, as JSON, and as one page that needs nothing else."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import cv2
import numpy as np

from dvd_ros.evaluation.align import report
from dvd_ros.evaluation.clip_score import CURVES
from dvd_ros.evaluation.eval_run import ClipResult, Evaluation
from dvd_ros.evaluation.score_names import SCORES, SHORT
from dvd_ros.evaluation.svg_curves import curves

_QUALITY = 88
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #0a7d4b; }
@media (prefers-color-scheme: dark) { :root { --good: #4ecb94; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem;
  max-width: 1320px; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: Canvas; }
tr.bare td { opacity: .65; } td.best { font-weight: 650; color: var(--good); }
small { opacity: .7; } img { max-width: 100%; height: auto; border-radius: 4px; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(400px, 1fr)); gap: .6rem; }
svg { background: var(--soft); border-radius: 4px; width: 100%; }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
svg text.head { font-weight: 600; font-size: 12px; } .grid { stroke: var(--line); }
svg g { stroke-width: 1.5; } .trouble { border-left: 3px solid #d55e00; padding-left: .7rem; }
dt { font-weight: 600; } dd { margin: 0 0 .3rem 1.2rem; }
section { border-top: 1px solid var(--line); margin-top: 2rem; }
"""


def terminal_table(evaluation: Evaluation) -> str:
    """Return the scores that fit a terminal: a row per clip and setting, then the means."""
    rows: dict[str, dict[str, float]] = {}
    for clip in evaluation.clips:
        for label, score in clip.results.items():
            rows[f'{clip.name}: {label}'] = _short(score.scores)
    for label, scores in evaluation.summary().items():
        rows[f'mean of {len(evaluation.clips)}: {label}'] = _short(
            {name: value for name, (value, _, _) in scores.items()})
    lines = [report(rows)] if rows else []
    for label, differences in evaluation.differences().items():
        lines += ['', f'{label} less {evaluation.settings[0].label}, on the same frames:',
                  report({f'{SCORES[name].title} ({_clips(count)})': {
                      'mean': mean, **({'std. error': error} if math.isfinite(error) else {})}
                      for name, (mean, error, count) in differences.items() if name in SHORT})]
    return '\n'.join(lines)


def as_json(evaluation: Evaluation) -> str:
    """Return all scores, curves and what was left out; no NaN, null where there is no value."""
    config = evaluation.config
    content: dict[str, Any] = {
        'settings': [{'label': s.label, 'model': s.model, 'backend': s.backend, 'device': s.device,
                      'precision': s.precision, 'codec': s.codec, 'protocol': s.protocol,
                      'window': s.window, 'overlap': s.overlap,
                      **({'stream': vars(s.stream)} if s.protocol == 'stream' else {})}
                     for s in evaluation.settings],
        'every': config.every, 'max_frames': config.most, 'max_depth': config.max_depth,
        'known_depth': config.known_depth,
        'summary': {label: _means(scores) for label, scores in evaluation.summary().items()},
        'differences': {label: _means(scores)
                        for label, scores in evaluation.differences().items()},
        'clips': [{'name': clip.name, 'source': clip.source, 'frames': clip.frames,
                   'height': clip.size[0], 'width': clip.size[1], 'trouble': clip.trouble,
                   'results': {label: {'scores': score.scores, 'line': score.line,
                                       'notes': score.notes, 'times': score.times,
                                       'curves': score.curves}
                               for label, score in clip.results.items()},
                   'baselines': {label: score.scores for label, score in clip.baselines.items()}}
                  for clip in evaluation.clips],
        'failed': [{'name': name, 'reason': reason} for name, reason in evaluation.failed],
        'sources': evaluation.said,
    }
    return json.dumps(_finite(content), indent=1, allow_nan=False) + '\n'


def as_html(evaluation: Evaluation) -> str:
    """Return one page of tables, pictures and curves: no script, nothing loaded from elsewhere."""
    labels = [setting.label for setting in evaluation.settings]
    summary = evaluation.summary()
    used = [name for name in SCORES if any(name in scores for scores in summary.values())]
    count = len(evaluation.clips)
    frames = sum(clip.frames for clip in evaluation.clips)
    parts = ['<!doctype html>', '<html lang="en"><head><meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width">',
             f'<title>{escape(" and ".join(labels))}: depth evaluation</title>',
             f'<style>{_STYLE}</style></head><body>',
             f'<h1>{escape(" and ".join(labels))}</h1>',
             f'<p>{_clips(count)}, {frames} frames. '
             + '<br>'.join(escape(line) for line in _setting_lines(evaluation)) + '</p>']
    trouble = [*evaluation.said, *(f'{name}: not scored: {why}' for name, why in evaluation.failed)]
    parts += _trouble(trouble)
    if count:
        parts += ['<h2>Means over clips</h2>',
                  _table('', used, {label: {name: value for name, (value, _, _) in scores.items()}
                                    for label, scores in summary.items()}, labels,
                         {label: {name: error for name, (_, error, _) in scores.items()}
                          for label, scores in summary.items()}),
                  '<p><small>±: standard error of the mean. Bold: the best of the models. '
                  'constant, image row: predictions without a model.</small></p>']
        parts += _difference_tables(evaluation, used)
        parts += ['<h2>Clips</h2>', _table('clip', used, {
            f'{clip.name}: {label}' if len(labels) > 1 else clip.name: score.scores
            for clip in evaluation.clips for label, score in clip.results.items()}, ())]
        for clip in evaluation.clips:
            parts += _clip_section(clip)
        parts += ['<section><h2>What the numbers mean</h2><dl>', *(
            f'<dt>{escape(SCORES[name].title)} {_arrow(name)}</dt>'
            f'<dd>{escape(SCORES[name].meaning)}</dd>' for name in used), '</dl></section>']
    return '\n'.join([*parts, '</body></html>', ''])


def _setting_lines(evaluation: Evaluation) -> Iterable[str]:
    for s in evaluation.settings:
        how = {'stream': f'live stream, windows of {s.window} frames with {s.overlap} shared',
               'dvd': f"the reference's windows of {s.window} frames with {s.overlap} shared, "
                      'blended afterwards',
               'frames': 'each frame alone'}[s.protocol]
        yield f'{s.label}: {how}; backend {s.backend}, device {s.device}.'
    if evaluation.config.known_depth:
        yield (f'{100 * evaluation.config.known_depth:.3g} % of the true depth is known to the '
               'stream and not scored as metric.')


def _clip_section(clip: ClipResult) -> Iterable[str]:
    sheet = cv2.cvtColor(clip.sheet, cv2.COLOR_RGB2BGR)
    _, file = cv2.imencode('.jpg', sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    image = base64.b64encode(file.tobytes()).decode('ascii')
    yield (f'<section><h2>{escape(clip.name)}</h2><p><small>{escape(clip.source)}: {clip.frames} '
           f'frames of {clip.size[1]}x{clip.size[0]}</small></p>')
    yield from _trouble([*clip.trouble, *(f'{label}: {note}'
                                          for label, score in clip.results.items()
                                          for note in score.notes)])
    yield (f'<img src="data:image/jpeg;base64,{image}" width="{sheet.shape[1]}" '
           f'height="{sheet.shape[0]}" alt="frames of {escape(clip.name, quote=True)}">')
    yield '<div class="plots">'
    for name, title in CURVES.items():
        lines = {label: score.curves[name] for label, score in clip.results.items()
                 if name in score.curves}
        if lines:
            times = next(iter(clip.results.values())).times
            yield curves(title, times, lines)
    yield '</div></section>'


def _difference_tables(evaluation: Evaluation, used: list[str]) -> Iterable[str]:
    for label, scores in evaluation.differences().items():
        yield f'<h2>{escape(label)} less {escape(evaluation.settings[0].label)}</h2>'
        yield '<table><tr><th>score</th><th>mean</th><th>std. error</th><th>clips</th></tr>'
        for name in used:
            if name in scores:
                mean, error, count = scores[name]
                more = SCORES[name].more
                good = ' class="best"' if more is not None and (mean > 0) == more and mean else ''
                yield (f'<tr><td>{escape(SCORES[name].title)} {_arrow(name)}</td>'
                       f'<td{good}>{mean:+.4g}</td><td>{_text(error)}</td><td>{count}</td></tr>')
        yield '</table><p><small>On the same frames; green: the second is better.</small></p>'


def _table(first: str, used: list[str], rows: Mapping[str, Mapping[str, float]],
           compared: Iterable[str], errors: Mapping[str, Mapping[str, float]] | None = None) -> str:
    """Lay out scores; of the ``compared`` rows the best is marked, others in a summary are pale."""
    compared = list(compared)
    parts = ['<div class="wide"><table><tr><th>', escape(first), '</th>',
             *(f'<th title="{escape(SCORES[name].meaning, quote=True)}">'
               f'{escape(SCORES[name].title)} {_arrow(name)}</th>' for name in used), '</tr>']
    for label, scores in rows.items():
        bare = ' class="bare"' if compared and label not in compared else ''
        parts.append(f'<tr{bare}><td>{escape(label)}</td>')
        for name in used:
            rivals = [rows[one][name] for one in compared if name in rows.get(one, {})]
            more = SCORES[name].more
            best = (name in scores and len(rivals) > 1 and label in compared and more is not None
                    and scores[name] == (max if more else min)(rivals))
            error = (errors or {}).get(label, {}).get(name, math.nan)
            spread = f' <small>±{error:.2g}</small>' if math.isfinite(error) else ''
            value = _text(scores[name]) if name in scores else '-'
            parts.append(f'<td{" class=best" if best else ""}>{value}{spread}</td>')
        parts.append('</tr>')
    return ''.join([*parts, '</table></div>'])


def _trouble(lines: list[str]) -> list[str]:
    return ['<div class="trouble">', *(f'<div>{escape(line)}</div>' for line in lines),
            '</div>'] if lines else []


def _arrow(name: str) -> str:
    return {True: '&uarr;', False: '&darr;', None: ''}[SCORES[name].more]


def _text(value: float) -> str:
    return f'{value:.4g}' if math.isfinite(value) else '-'


def _clips(count: int) -> str:
    return f'{count} clip{"s" if count != 1 else ""}'


def _short(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: scores[name] for name in SHORT if name in scores}


def _means(scores: Mapping[str, tuple[float, float, int]]) -> dict[str, dict[str, float]]:
    return {name: {'mean': mean, 'standard_error': error, 'clips': count}
            for name, (mean, error, count) in scores.items()}


def _finite(value: Any) -> Any:
    """Make NaN and infinity None, which JSON can write."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
