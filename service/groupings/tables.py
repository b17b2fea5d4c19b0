"""Table of the city's groupings."""

from streetsight.service.documents.tables import Version


class GroupingVersion(Version):
    """Groupings with their members; see `reading.GroupingDocument`."""

    __tablename__ = "grouping_versions"
