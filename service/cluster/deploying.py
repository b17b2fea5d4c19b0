"""The detector as an application of Ray Serve: found, or put there once by whoever comes first."""

import time
from typing import Any

from streetsight.service.cluster.connecting import ClusterLost, join
from streetsight.service.cluster.replicas import REQUESTS_AT_ONCE, Replica
from streetsight.service.settings import Settings

APPLICATION, DEPLOYMENT = "streetsight", "detector"
LOCK = "streetsight-deploying"
GPU_PROVIDERS = {"cuda", "tensorrt"}
LOOK_SECONDS = 0.5


def replicas_of(settings: Settings) -> Any:
    """Join the cluster and find its replicas, or put them there; gives Serve's handle.

    Raises:
        ClusterError, ClusterLost: as `join`; ClusterLost also when no replica comes up.
    """
    ray = join(settings)
    from ray import serve

    until = time.monotonic() + settings.ray_timeout_seconds
    while not _is_there(serve):
        lock = _lock(ray)
        if lock is not None:
            deploy(settings)
            ray.kill(lock)
            break
        if time.monotonic() > until:
            raise ClusterLost(
                "another machine puts the replicas onto the cluster, and does not come to an end"
            )
        time.sleep(LOOK_SECONDS)  # another one puts them there
    return serve.get_deployment_handle(DEPLOYMENT, APPLICATION)


def deploy(settings: Settings) -> None:
    """Put the replicas there as the settings say, in the place of those that may be. In a joined process."""
    from ray import serve

    serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING"})  # nobody asks by HTTP
    options = {"num_cpus": settings.ray_replica_cores, "num_gpus": int(settings.provider in GPU_PROVIDERS)}
    replica = serve.deployment(
        Replica, name=DEPLOYMENT, num_replicas=settings.ray_replicas, ray_actor_options=options,
        max_ongoing_requests=REQUESTS_AT_ONCE,
        max_queued_requests=2 * REQUESTS_AT_ONCE * settings.ray_replicas,  # more is told to come again
        health_check_period_s=2, health_check_timeout_s=30, graceful_shutdown_timeout_s=5,
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    ).bind(settings.provider, settings.ray_replica_cores)  # fmt: skip
    target = serve.RunTarget(replica, name=APPLICATION, route_prefix=None)
    serve.run_many([target], wait_for_applications_running=False)


def _is_there(serve: Any) -> bool:
    application = serve.status().applications.get(APPLICATION)
    return application is not None and application.status not in ("DELETING", "DEPLOY_FAILED")


def _lock(ray: Any) -> Any:
    """An actor that exists once in the cluster and ends with its maker; None when another one has it."""

    class Lock:
        """Holds a name."""

    try:
        return ray.remote(Lock).options(name=LOCK, num_cpus=0).remote()
    except ValueError:
        return None


def status_of(settings: Settings) -> dict[str, Any]:
    """Machines, cores and replicas.

    Raises:
        ClusterError, ClusterLost: as `join`.
    """
    ray = join(settings)
    from ray import serve

    application = serve.status().applications.get(APPLICATION)
    detector = application.deployments.get(DEPLOYMENT) if application else None
    return {
        "ray": ray.__version__,
        "machines": [
            {
                "host": each["NodeManagerAddress"],
                "alive": each["Alive"],
                "cores": each["Resources"].get("CPU", 0),
            }
            for each in ray.nodes()
        ],
        "cores": ray.cluster_resources().get("CPU", 0),
        "cores_free": ray.available_resources().get("CPU", 0),
        "application": application.status if application else None,
        "replicas": dict(detector.replica_states) if detector else {},
        "message": (application.message or (detector.message if detector else "")) if application else "",
    }
