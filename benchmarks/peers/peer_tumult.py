"""Tumult Analytics on a local Spark: rows a person bounded, public group keys, pure ε."""

from __future__ import annotations

import os
import sys

import pandas as pd
from common import EPSILON, HIGH, LOW, ROWS_PER_PERSON, Answer, arguments, compare, read, truth
from pyspark.sql import SparkSession
from tmlt.analytics import AddMaxRows, KeySet, PureDPBudget, QueryBuilder, Session


def main() -> None:
    """Run the comparison."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    path, runs = arguments()
    rows = read(path)
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", str(path.parent / "spark-warehouse"))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    frame = spark.createDataFrame(pd.DataFrame(rows, columns=["person", "region", "income"])).cache()
    keys = KeySet.from_dict({"region": sorted(truth(rows)["count"])})

    def released(session: Session, name: str, epsilon: float) -> dict[str, float]:
        grouped = QueryBuilder("persons").groupby(keys)
        query = {
            "count": lambda: grouped.count(name="value"),
            "sum": lambda: grouped.sum("income", LOW, HIGH, name="value"),
            "avg": lambda: grouped.average("income", LOW, HIGH, name="value"),
            "median": lambda: grouped.median("income", LOW, HIGH, name="value"),
        }[name]()
        answer = session.evaluate(query, PureDPBudget(epsilon))
        return {row["region"]: float(row["value"]) for row in answer.collect()}

    def ask(query: str) -> Answer:
        names = query.split(", ")
        session = Session.from_dataframe(
            PureDPBudget(EPSILON), "persons", frame, protected_change=AddMaxRows(ROWS_PER_PERSON)
        )
        return {name: released(session, name, EPSILON / len(names)) for name in names}

    compare("Tumult Analytics", ask, path, runs)


if __name__ == "__main__":
    main()
