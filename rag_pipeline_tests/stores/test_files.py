"""Small files that several processes write."""

import subprocess
import sys
from pathlib import Path

from rag_pipeline.stores.files import read_json

PROCESSES, ENTRIES = 4, 25
ADD = """
import sys
from pathlib import Path
from rag_pipeline.stores.files import add_to_json
for number in range(int(sys.argv[3])):
    add_to_json(Path(sys.argv[1]), f"{sys.argv[2]}-{number}", number)
"""


def test_what_processes_add_at_the_same_time_is_all_there(tmp_path: Path) -> None:
    file = tmp_path / "data" / "kept.json"
    adding = [subprocess.Popen([sys.executable, "-c", ADD, str(file), str(place), str(ENTRIES)]) for place in range(PROCESSES)]
    assert [one.wait(60) for one in adding] == [0] * PROCESSES
    assert read_json(file) == {f"{place}-{number}": number for place in range(PROCESSES) for number in range(ENTRIES)}
