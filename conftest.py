"""Settings of the whole test suite."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets named by UNROLLED_DATA; tests that use it are marked `real_data`."""
    return Path(os.environ["UNROLLED_DATA"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what needs data that is not here."""
    if os.environ.get("UNROLLED_DATA"):
        return
    absent = pytest.mark.skip(reason="UNROLLED_DATA does not name a folder of real data sets")
    for item in items:
        if "real_data" in item.keywords:
            item.add_marker(absent)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where skips are forbidden, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("UNROLLED_FORBID_SKIPS") and reporter is not None:
        skipped = reporter.stats.get("skipped", [])
        if skipped and exitstatus == pytest.ExitCode.OK:
            reporter.write_line(
                f"{len(skipped)} tests were skipped, and UNROLLED_FORBID_SKIPS is set", red=True
            )
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
