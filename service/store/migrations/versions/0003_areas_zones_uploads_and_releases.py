"""Areas, zones, uploads and the release in force."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
