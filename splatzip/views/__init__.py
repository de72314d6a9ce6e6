"""Views of a scene: a capture's cameras, with or without photos, and cameras made from the scene."""

from splatzip.views.collection import Views
from splatzip.views.opening import with_opening
from splatzip.views.orbit import orbit_views
from splatzip.views.pseudo import pseudo_views
from splatzip.views.turntable import turntable

__all__ = ["Views", "orbit_views", "pseudo_views", "turntable", "with_opening"]
