# SPDX-License-Identifier: MIT
"""A worker with its broker in memory: threads, retries, failures that come back."""
import celery
from celery.contrib.testing.worker import start_worker

app = celery.Celery("tasks", broker="memory://", backend="cache+memory://")
app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue="one", worker_hijack_root_logger=False, timezone="UTC")


@app.task
def add(a, b):
    """Two numbers."""
    return a + b


@app.task(bind=True, max_retries=2, default_retry_delay=0)
def flaky(self, n):
    """Succeeds at the third try."""
    if self.request.retries < 2:
        raise self.retry(exc=OSError("try %d" % n))
    return n


@app.task
def broken(n):
    """Always fails."""
    raise ValueError("broken %d" % n)


def main():
    """Tasks one by one, a group, a chain; one that fails."""
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        assert add.delay(2, 3).get(timeout=60) == 5
        assert flaky.delay(4).get(timeout=60) == 4
        assert celery.group(add.s(i, i) for i in range(3))().get(timeout=60) == [0, 2, 4]
        assert celery.chain(add.s(1, 1), add.s(3))().get(timeout=60) == 5
        try:
            broken.delay(1).get(timeout=60)
        except ValueError:
            pass


main()
