"""Streetsight: patrol photos in, street-condition leads out.

Libraries that would tell their makers of each use are silenced here, before anything of ours imports them.
"""

import os
import sys

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime from 1.29: uploads, and an id in the user's home
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# OpenVINO reports each import through this package, and has a stub for where it is absent.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
