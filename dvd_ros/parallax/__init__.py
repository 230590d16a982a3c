"""Depth from the motion of the camera: what corrects the network where the images can tell."""

from dvd_ros.parallax.refiner import ParallaxRefiner, Refined

__all__ = ['ParallaxRefiner', 'Refined']
