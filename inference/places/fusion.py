"""One position from many sightings, with an uncertainty that repetition does not shrink."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.places.sighting import Covariance, Place, Sighting
from streetsight.inference.positions.local import LocalPlane

Floats = NDArray[np.float64]


def fuse(sightings: Sequence[Sighting]) -> Place:
    """The place of these sightings of one class.

    Information adds up over patrols, whose receivers err independently. Within one patrol only what is a
    sighting's own adds up; the receiver's error stays whole.
    """
    members = sorted(sightings, key=lambda each: (each.first_seen is not None, each.first_seen, each.id))
    located = [each for each in members if each.lon is not None and each.lat is not None]
    lon, lat, covariance = _position(located) if located else (None, None, (0.0, 0.0, 0.0))
    return Place(members[0].id, members[0].class_name, tuple(members), lon, lat, covariance)


def _position(located: Sequence[Sighting]) -> tuple[float, float, Covariance]:
    plane = LocalPlane(located[0].lon or 0.0, located[0].lat or 0.0)
    by_patrol: dict[str, list[Sighting]] = defaultdict(list)
    for each in located:
        by_patrol[each.patrol_id].append(each)
    means, covariances = [], []
    for those in by_patrol.values():
        points = plane.to_metres(np.array([[each.lon, each.lat] for each in those], np.float64))
        mean, own = _average(points, np.array([matrix(each.own_m2) for each in those]))
        means.append(mean)
        covariances.append(own + np.mean([matrix(each.shared_m2) for each in those], axis=0))
    mean, covariance = _average(np.array(means), np.array(covariances))
    lon, lat = plane.to_lon_lat(mean).tolist()
    (ee, en), (_, nn) = covariance.tolist()
    return lon, lat, (ee, en, nn)


def _average(points: Floats, covariances: Floats) -> tuple[Floats, Floats]:
    """(n, 2) points and their (n, 2, 2) covariances to the best mean and its covariance."""
    information = np.linalg.inv(covariances + np.eye(2) * 1e-9)
    covariance = np.linalg.inv(information.sum(axis=0))
    return covariance @ np.einsum("nab,nb->a", information, points), covariance


def matrix(covariance: Covariance) -> Floats:
    """(2, 2) of the three figures."""
    ee, en, nn = covariance
    return np.array([[ee, en], [en, nn]])
