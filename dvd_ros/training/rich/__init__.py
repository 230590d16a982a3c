"""
Rich scenes: rooms, halls, streets and parks of many small and thin parts, lit and photographed.

A `Builder` collects primitives and materials (builder.py, mesh.py, materials.py, surfaces.py);
places (interiors.py, halls.py, street.py, park.py) fill it; `cast` (tracer.py) looks at it through
a tree of bounding boxes (bvh.py); viewpoint.py moves the camera and clip.py makes the clip.
"""
