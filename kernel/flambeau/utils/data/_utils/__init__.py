"""What a `DataLoader` is made of: collating, fetching, workers and how batches travel."""

from . import collate, fetch, worker

__all__ = ["collate", "fetch", "worker"]
