"""A whole desk as one file of JSON lines: written by `Desk.export`, read by `Desk.import_`.

The first line says what the file is, each other one holds one row, and the last one counts them and has the SHA-256 of
their bytes, so that a file that was cut or changed is noticed. `docs/reference/export-format.md` describes each line.
"""
