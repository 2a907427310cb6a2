"""The shop that most of these tests begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.upstream_stubs.in_process import Shop, open_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """The three stubs in process, with a small demo; the order service has caught up."""
    async with open_shop(tmp_path) as shop:
        yield shop
