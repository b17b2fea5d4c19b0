"""Campaigns and sweeps (专项行动, 拉网式排查): a time, places, a ledger of their own, and an end."""
