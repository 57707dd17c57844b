"""OpenDP over polars: rows a person bounded, public group keys, pure ε."""

from __future__ import annotations

import opendp.prelude as dp
import polars as pl
from common import EPSILON, HIGH, LOW, ROWS_PER_PERSON, Answer, CannotError, arguments, compare, read, truth

dp.enable_features("contrib")
CANDIDATES = [LOW + (HIGH - LOW) * step / 4000 for step in range(1, 4000)]


def main() -> None:
    """Run the comparison."""
    path, runs = arguments()
    rows = read(path)
    frame = pl.DataFrame(
        rows, schema={"person": pl.Int64, "region": pl.String, "income": pl.Float64}, orient="row"
    )
    regions = len(truth(rows)["count"])
    income = pl.col("income").fill_nan(0.0).fill_null(0.0)
    calls = {
        "count": dp.len(),
        "sum": income.dp.sum((LOW, HIGH)),
        "avg": income.dp.mean((LOW, HIGH)),
        "median": income.dp.median(candidates=CANDIDATES),
    }

    def ask(query: str) -> Answer:
        names = query.split(", ")
        context = dp.Context.compositor(
            data=frame.lazy(),
            privacy_unit=dp.unit_of(contributions=ROWS_PER_PERSON),
            privacy_loss=dp.loss_of(epsilon=EPSILON),
            split_evenly_over=1,
            margins=[
                dp.polars.Margin(by=["region"], max_length=len(rows), max_groups=regions, invariant="keys")
            ],
        )
        try:
            asked = context.query().group_by("region").agg(*(calls[name].alias(name) for name in names))
            released = asked.release().collect()
        except dp.OpenDPException as error:
            raise CannotError(error.message or str(error.variant)) from None
        columns = released.to_dict(as_series=False)
        return {name: dict(zip(columns["region"], map(float, columns[name]), strict=True)) for name in names}

    compare("OpenDP", ask, path, runs)


if __name__ == "__main__":
    main()
