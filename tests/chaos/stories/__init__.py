"""One file a fault. A file holds `STORY`, and its docstring says what goes wrong."""
