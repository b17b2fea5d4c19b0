"""Zones where standing or selling is forbidden, permitted, or nobody's business."""
