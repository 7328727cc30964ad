# SPDX-License-Identifier: MIT
"""Tables: values of C types that are Python's floats and dates, protocols that are tried out."""
import io

import numpy as np
import pandas as pd


def fails(function, *args):
    """Calls what is to fail."""
    try:
        function(*args)
    except (KeyError, ValueError, TypeError, pd.errors.ParserError, pd.errors.MergeError):
        return
    raise AssertionError(function)


def main():
    """What a notebook does."""
    frame = pd.DataFrame({"kind": ["a", "b", "a", "c"], "n": [1, 2, 3, 4], "x": [0.5, np.nan, 2, 3]})
    assert frame.groupby("kind")["x"].mean()["a"] == 1.25
    frame.groupby("kind").agg({"n": "sum", "x": ["min", "max"]})
    frame.merge(pd.DataFrame({"kind": ["a", "b"], "name": ["A", "B"]}), on="kind", how="left")
    frame.pivot_table(index="kind", values="n", aggfunc="sum")
    frame.describe()
    str(frame)
    frame.apply(lambda row: row["n"] * 2, axis=1)
    frame["x"].map(lambda x: x + 1).fillna(0).clip(0, 2).rolling(2).sum()
    text = frame.to_csv(index=False)
    assert pd.read_csv(io.StringIO(text)).equals(frame)
    pd.read_json(io.StringIO(frame.to_json()))
    fails(frame.__getitem__, "missing")
    fails(pd.read_csv, io.StringIO("a,b\n1,2,3\n1,2,3,4\n"))
    fails(pd.to_datetime, "not a date")
    fails(frame.merge, frame, "kind", "left", "kind")
    days = pd.date_range("2026-01-30", periods=40, freq="D")
    series = pd.Series(range(40), index=days)
    assert series.resample("W").sum().sum() == sum(range(40))
    series.loc["2026-02"]
    pd.Timestamp("2026-02-03") + pd.Timedelta(hours=3)
    pd.concat([frame, frame]).drop_duplicates().sort_values(["kind", "n"]).set_index("kind")
    pd.Categorical(["x", "y", "x"]).describe()


main()
