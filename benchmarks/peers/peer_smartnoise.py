"""SmartNoise-SQL over a pandas frame: its ε is per column, hence divided: the whole query costs EPSILON."""

from __future__ import annotations

import pandas as pd
import snsql
from common import EPSILON, HIGH, LOW, ROWS_PER_PERSON, Answer, CannotError, arguments, compare, read

METADATA = {
    "": {
        "db": {
            "persons": {
                "max_ids": ROWS_PER_PERSON,
                "censor_dims": False,
                "clamp_counts": False,
                "person": {"type": "int", "private_id": True},
                "region": {"type": "string"},
                "income": {"type": "float", "lower": LOW, "upper": HIGH},
            }
        }
    }
}
CALLS = {"count": "COUNT(*)", "sum": "SUM(income)", "avg": "AVG(income)", "median": "MEDIAN(income)"}


def main() -> None:
    """Run the comparison."""
    path, runs = arguments()
    frame = pd.DataFrame(read(path), columns=["person", "region", "income"])

    def reader(epsilon: float) -> snsql.PrivateReader:
        return snsql.from_df(frame, privacy=snsql.Privacy(epsilon=epsilon, delta=1e-9), metadata=METADATA)

    def ask(query: str) -> Answer:
        names = query.split(", ")
        sql = f"SELECT region, {', '.join(CALLS[name] for name in names)} FROM db.persons GROUP BY region"
        try:
            cost, _ = reader(EPSILON).get_privacy_cost(sql)
            asked = reader(EPSILON * EPSILON / cost)
            rows = asked.execute(sql)[1:]
        except ValueError as error:
            raise CannotError(str(error)) from None
        released = {row[0]: row[1:] for row in rows}
        return {
            name: {region: float(values[number]) for region, values in released.items()}
            for number, name in enumerate(names)
        }

    compare("SmartNoise-SQL", ask, path, runs)


if __name__ == "__main__":
    main()
