"""A log counted in one of four ways: ``python -m tests.cluster_child WAY LOG REFERENCE``; prints the summary."""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from modelyard.log.sources import open_sources
from modelyard.monitoring.distributed import Apply, summarise_log
from modelyard.monitoring.profile import Reference

KEY = b"k" * 32


def count(log: str, reference: str, apply: Apply = map) -> str:
    """Return the summary of a log as JSON."""
    held = Reference.model_validate_json(Path(reference).read_text("utf-8"))
    return summarise_log(open_sources(log, None), held, version="v7", key=KEY, apply=apply).model_dump_json()


def with_dask(log: str, reference: str) -> str:
    """Use a scheduler and two workers of Dask, each a process of its own."""
    from distributed import Client, LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster, Client(cluster) as client:  # fmt: skip
        return count(log, reference, client.get_executor().map)


def with_spark(log: str, reference: str) -> str:
    """Use Spark on this machine, whose workers are processes of its own."""
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    )  # fmt: skip
    try:
        return count(
            log, reference,
            lambda task, pieces: spark.sparkContext.parallelize(pieces, len(pieces)).map(task).collect(),
        )  # fmt: skip
    finally:
        spark.stop()


def with_processes(log: str, reference: str) -> str:
    """Use two processes."""
    with ProcessPoolExecutor(2) as pool:
        return count(log, reference, pool.map)


if __name__ == "__main__":
    ways = {"one": count, "processes": with_processes, "dask": with_dask, "spark": with_spark}
    print(ways[sys.argv[1]](*sys.argv[2:]))
