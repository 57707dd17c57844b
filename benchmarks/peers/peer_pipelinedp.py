"""PipelineDP, local engine: total contributions bounded where it can, public partitions, Laplace."""

from __future__ import annotations

import pipeline_dp
from common import EPSILON, HIGH, LOW, QUERIES, ROWS_PER_PERSON, Answer, arguments, compare, read, truth

METRICS = {
    "count": pipeline_dp.Metrics.COUNT,
    "sum": pipeline_dp.Metrics.SUM,
    "avg": pipeline_dp.Metrics.MEAN,
    "median": pipeline_dp.Metrics.PERCENTILE(50),
}
FIELDS = {"count": "count", "sum": "sum", "avg": "mean", "median": "percentile_50"}


def main() -> None:
    """Run the comparison."""
    path, runs = arguments()
    rows = read(path)
    regions = sorted(truth(rows)["count"])
    extract = pipeline_dp.DataExtractors(
        privacy_id_extractor=lambda row: row[0],
        partition_extractor=lambda row: row[1],
        value_extractor=lambda row: row[2],
    )

    def ask(query: str) -> Answer:
        names = query.split(", ")
        # A bound on all contributions of a person is known to some of its combiners only.
        bounds = (
            {
                "max_partitions_contributed": ROWS_PER_PERSON,
                "max_contributions_per_partition": ROWS_PER_PERSON,
            }
            if query == "median"
            else {"max_contributions": ROWS_PER_PERSON}
        )
        parameters = pipeline_dp.AggregateParams(
            metrics=[METRICS[name] for name in names],
            noise_kind=pipeline_dp.NoiseKind.LAPLACE,
            min_value=LOW,
            max_value=HIGH,
            **bounds,
        )
        accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=EPSILON, total_delta=0)
        engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
        lazy = engine.aggregate(rows, parameters, extract, public_partitions=regions)
        accountant.compute_budgets()
        released = dict(lazy)
        return {
            name: {region: getattr(released[region], FIELDS[name]) for region in regions} for name in names
        }

    assert set(METRICS) <= {name for query in QUERIES for name in query.split(", ")}
    compare("PipelineDP", ask, path, runs)


if __name__ == "__main__":
    main()
