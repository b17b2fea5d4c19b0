"""What is shown of tracks."""

from datetime import UTC, datetime

from pydantic import BaseModel

from streetsight.inference.positions.tracks import Track


class TrackShown(BaseModel):
    """Attributes: dropped: points that could not be used, by reason."""

    points: int
    began: datetime
    ended: datetime
    dropped: dict[str, int]

    @classmethod
    def of(cls, track: Track) -> "TrackShown":
        began, ended = (datetime.fromtimestamp(float(each), UTC) for each in track.times_s[[0, -1]])
        return cls(
            points=len(track.times_s),
            began=began,
            ended=ended,
            dropped={str(name): count for name, count in track.dropped.items()},
        )
