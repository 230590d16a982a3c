"""Training of the shipped model (rendered scenes, the DVD recipe, its losses) and light codecs.

Needs the ``train`` extra (torch, numba); nothing that streams depth imports this package.
"""
