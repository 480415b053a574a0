"""Operators for Airflow 3 that run tasks through Longshore; install `longshore[airflow]`."""

from longshore.airflow.operator import LongshoreRunOperator
from longshore.airflow.pod import LongshorePodOperator
from longshore.airflow.trigger import LongshoreRunTrigger

__all__ = ["LongshorePodOperator", "LongshoreRunOperator", "LongshoreRunTrigger"]
