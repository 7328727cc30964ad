# SPDX-License-Identifier: MIT
"""Thread pools: which worker takes which job is open, so calls are compared without order."""
from concurrent.futures import ThreadPoolExecutor


def job(n):
    if n % 5 == 4:
        raise ValueError("job %d" % n)
    return [helper(n), "job"]


def helper(n):
    return {"n": n, "twice": 2 * n}


def outcome(future):
    error = future.exception()
    return str(error) if error else future.result()[1]


def many():
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="pool") as pool:
        futures = [pool.submit(job, n) for n in range(60)]
        return [outcome(future) for future in futures]


def single():
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="single") as pool:
        return list(pool.map(helper, range(5)))


def main():
    many()
    single()
