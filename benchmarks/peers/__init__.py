"""Error at equal ε beside other libraries: see README.md in the folder above."""
