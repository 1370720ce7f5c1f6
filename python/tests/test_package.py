import json
import re

from conftest import REPOSITORY

import lockstep_worker


def test_the_package_has_the_version_of_the_host() -> None:
    project = (REPOSITORY / "python" / "pyproject.toml").read_text("utf-8")
    declared = re.search(r'^version = "(.*)"$', project, re.MULTILINE)
    host = json.loads((REPOSITORY / "package.json").read_text("utf-8"))["version"]
    assert declared is not None
    assert [declared[1], lockstep_worker.__version__] == [host, host]


def test_what_it_offers_is_there() -> None:
    assert all(hasattr(lockstep_worker, name) for name in lockstep_worker.__all__)
