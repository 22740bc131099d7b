"""The program that Lambda starts: it gets invocations from the Runtime API and streams what the handler yields.

Managed Python runtimes cannot stream. On the day they can, this folder goes, with ``function/bootstrap`` and the
variable that names it; docs/runtime.md says what another host of the handler has to do.
"""
