"""All tables, so that `Base.metadata` is whole. A new noun adds a line here and a migration."""

from streetsight.service.areas import tables as areas
from streetsight.service.assembling import tables as assembling
from streetsight.service.audit import tables as audit
from streetsight.service.calendar import tables as calendar
from streetsight.service.campaigns import tables as campaigns
from streetsight.service.candidates import tables as candidates
from streetsight.service.coverage import tables as coverage
from streetsight.service.dataset_versions import tables as dataset_versions
from streetsight.service.decisions import tables as decisions
from streetsight.service.departures import tables as departures
from streetsight.service.detections import tables as detections
from streetsight.service.devices import tables as devices
from streetsight.service.events import tables as events
from streetsight.service.frames import tables as frames
from streetsight.service.groupings import tables as groupings
from streetsight.service.issues import tables as issues
from streetsight.service.jobs import tables as jobs
from streetsight.service.open311 import tables as open311
from streetsight.service.patrols import tables as patrols
from streetsight.service.people import tables as people
from streetsight.service.photos import tables as photos
from streetsight.service.places import tables as places
from streetsight.service.privacy import tables as privacy
from streetsight.service.profiles import tables as profiles
from streetsight.service.quotas import tables as quotas
from streetsight.service.releases import tables as releases
from streetsight.service.reports import tables as reports
from streetsight.service.retention import tables as retention
from streetsight.service.reviewing import tables as reviewing
from streetsight.service.scoring import tables as scoring
from streetsight.service.shops import tables as shops
from streetsight.service.sightings import tables as sightings
from streetsight.service.store import key_proof
from streetsight.service.store.base import Base
from streetsight.service.tracks import tables as tracks
from streetsight.service.training_runs import tables as training_runs
from streetsight.service.uploads import tables as uploads
from streetsight.service.webhooks import tables as webhooks
from streetsight.service.zones import tables as zones

__all__ = [
    "Base",
    "areas",
    "assembling",
    "audit",
    "calendar",
    "campaigns",
    "candidates",
    "coverage",
    "dataset_versions",
    "decisions",
    "departures",
    "detections",
    "devices",
    "events",
    "frames",
    "groupings",
    "issues",
    "jobs",
    "key_proof",
    "open311",
    "patrols",
    "people",
    "photos",
    "places",
    "privacy",
    "profiles",
    "quotas",
    "releases",
    "reports",
    "retention",
    "reviewing",
    "scoring",
    "shops",
    "sightings",
    "tracks",
    "training_runs",
    "uploads",
    "webhooks",
    "zones",
]
