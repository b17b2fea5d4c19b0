"""All tables, so that `Base.metadata` is whole. A new noun adds a line here and a migration."""

from streetsight.service.detections import tables as detections
from streetsight.service.devices import tables as devices
from streetsight.service.frames import tables as frames
from streetsight.service.jobs import tables as jobs
from streetsight.service.patrols import tables as patrols
from streetsight.service.store.base import Base

__all__ = ["Base", "detections", "devices", "frames", "jobs", "patrols"]
