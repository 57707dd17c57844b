"""Jobs: explained, submitted, run, fetched."""

from __future__ import annotations

from sandbox.schema import Principal
from service.asked import JobRequest, Json, Mock, Progress
from service.inside.room import Room
from service.jobs import answers, explaining, runner, states, submission


class JobRoom(Room):
    """`service.gates.jobs` over an open workspace."""

    def job_explain(self, by: Principal, request: JobRequest) -> Json:
        """See the gate."""
        return explaining.explain(self._desk, by, request)

    def job_rehearse(self, by: Principal, request: JobRequest, wanted: Mock) -> Json:
        """See the gate."""
        from service.jobs import rehearsing  # noqa: PLC0415 - brings Arrow, 0.3 s

        return rehearsing.rehearse(self._desk, by, request, wanted)

    def job_submit(self, by: Principal, request: JobRequest, idempotency_key: str | None = None) -> Json:
        """See the gate."""
        return submission.submit(self._desk, by, request, idempotency_key)

    def job_run(self, by: Principal, job: str, progress: Progress | None = None) -> Json:
        """See the gate."""
        heard = None if progress is None else lambda done, total: progress("shards", done, total)
        runner.run(self._desk, by, job, self._running, heard)
        return answers.result(self._desk, by, job)

    def job_result(self, by: Principal, job: str) -> Json:
        """See the gate."""
        return answers.result(self._desk, by, job)

    def job_status(self, by: Principal, job: str) -> Json:
        """See the gate."""
        return answers.status(self._desk, by, job)

    def job_list(self, by: Principal) -> Json:
        """See the gate."""
        return answers.listing(self._desk, by)

    def job_cancel(self, by: Principal, job: str) -> Json:
        """See the gate."""
        states.cancel(self._desk, by, job)
        return answers.status(self._desk, by, job)
