"""What runs in the pod: reads arguments, calls the function, writes its value. Any Python from 3.8 on will do.

`python inside.py NAME FORMAT`, beside `function.py` and the arguments; FORMAT is `json` or `pickle`.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Any


def main(folder: Path, name: str, form: str) -> None:
    """Call the function `name` of `function.py`."""
    path = folder / "function.py"
    scope: dict[str, Any] = {"__name__": "longshore_function", "__file__": str(path)}
    # The source is the caller's, and so are pickled arguments.
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)  # noqa: S102
    arguments = (folder / "arguments").read_bytes()
    args, kwargs = json.loads(arguments) if form == "json" else pickle.loads(arguments)  # noqa: S301
    value = scope[name](*args, **kwargs)
    try:
        content = json.dumps(value).encode() if form == "json" else pickle.dumps(value)
    except (TypeError, ValueError, AttributeError, pickle.PicklingError) as error:
        sys.exit(f"`{name}` returned a value that cannot be written as {form}: {error}")
    (folder / "value").write_bytes(content)


if __name__ == "__main__":
    main(Path(__file__).resolve().parent, sys.argv[1], sys.argv[2])
