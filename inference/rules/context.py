"""What the rules know beside the place they judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.rules.image_zones import ImageZones
from streetsight.inference.rules.settings import Rules
from streetsight.inference.rules.zones import ZoneMap
from streetsight.models.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Zones, numbers and devices.

    Attributes:
        devices: profiles by device id.
        image_zones: of fixed cameras, by device id.
    """

    zones: ZoneMap
    rules: Rules
    taxonomy: Taxonomy
    devices: Mapping[str, DeviceProfile] = field(default_factory=dict)
    image_zones: Mapping[str, ImageZones] = field(default_factory=dict)

    def is_fixed(self, device_id: str) -> bool:
        """Whether this camera never moves."""
        profile = self.devices.get(device_id)
        return device_id in self.image_zones or (profile is not None and profile.fixed is not None)


def usable(place: Place) -> list[tuple[Sighting, Glimpse]]:
    """Its glimpses on frames that can be judged, in the order of its sightings."""
    return [
        (sighting, glimpse)
        for sighting in place.sightings
        for glimpse in sighting.glimpses
        if glimpse.scorable
    ]
