"""The pages under docs/ and README.md: messages that they quote, links, the page of parameters."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
# What the program says is in its sources, where a literal may be broken over lines.
SOURCE = re.sub(r"'\s*\n\s*f?'|\\", '', '\n'.join(
    path.read_text() for path in sorted((ROOT / 'dvd_ros').rglob('*.py'))))


@pytest.mark.parametrize('page', ['troubleshooting', 'metric-scale', 'tuning'])
def test_what_the_program_is_said_to_say(page):
    """Messages in tables, and keys of diagnostics."""
    text = (ROOT / 'docs' / f'{page}.md').read_text()
    for key in re.findall(r'`(dropped_\w+|\w+_ms|\w+_mb|rate_\w+|in_work|unheard)`', text):
        assert f"'{key.removeprefix('dropped_')}'" in SOURCE, key
    messages = [span for row in re.findall(r'^\|.*\|$', text, re.MULTILINE)
                for span in re.findall(r'`([^`]+)`', row)
                if ' ' in span and not re.match(r'[a-z_]+: \S+$|dvd-ros|ros2|bash|x y z', span)]
    assert messages or page == 'tuning'
    for message in messages:
        # Without what is filled in.
        filled = r"\.\.\.|'[^']*'|dvd-\d\.\d|\d+|\b[A-Z]+\b|mini, .* nor|^/\w+: "
        for part in re.split(filled, message):
            assert part.strip(' :;,') in SOURCE, (message, part)


def slugs(page):
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)$', page.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if re.match(r'https?:', target):
            continue
        path, _, anchor = target.partition('#')
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in slugs(there), target


def test_every_page_is_in_the_index():
    index = (ROOT / 'docs' / 'README.md').read_text()
    assert [page.name for page in PAGES if f']({page.name})' not in index
            and page.name != 'README.md'] == []


def test_parameters_page_is_up_to_date():
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    script = ROOT / 'scripts' / 'parameters_page.py'
    spec = importlib.util.spec_from_file_location('parameters_page', script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / 'docs' / 'parameters.md').read_text() == module.page(), \
        'make it anew: python scripts/parameters_page.py > docs/parameters.md'
