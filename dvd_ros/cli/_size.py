"""Sizes on the command line."""


def parse_size(text: str) -> tuple[int, int]:
    """(480, 640) for '480x640'; ValueError for what is no height and width."""
    height, cross, width = text.lower().partition('x')
    if not (cross and height.isdecimal() and width.isdecimal()):
        raise ValueError(f'--size {text}: needs HEIGHTxWIDTH in pixels, as 480x640')
    return int(height), int(width)
