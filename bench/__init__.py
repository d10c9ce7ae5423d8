"""How fast it is: each figure beside that of what it replaces, in the same run; `python -m bench` measures them all."""
