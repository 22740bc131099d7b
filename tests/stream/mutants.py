"""Mutation check of the reader and the partials: ``python -m tests.stream.mutants [part of a mutant's name …]``.

One small mistake at a time is put into the code; the tables and 60 examples of each property must notice.
Mutants that live are listed, and those of them that ``NOTES`` does not explain are a failure.
"""

# ruff: noqa: T201 a program that prints

import ast
import contextlib
import importlib.util
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, cast

import pytest

HERE: Final = Path(__file__).parent
FILES: Final = ("json_reader", "partials")
TABLES: Final = ("test_json_reader.py", "test_partials_closings.py", "test_partials_types.py", "test_partials.py")
PROPERTIES: Final = "test_partials_properties.py"
SECONDS: Final = 120
SWAPS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}
SLOWER: Final = "the same, but slower: it is a quick way that is not taken"
UNSEEN: Final = "a guard: no document is known that comes so far"
NEVER: Final = "the same: it never differs"
FIRST: Final = "the same: it is set before it is read"
AGAIN: Final = "the same, after one more look at the end of the text"
LATER: Final = "the same, but slower: what a long token costs is not tested here"
NOTES: Final[dict[str, str]] = {
    "json_reader.__init__: 'super().__init__(detail)' left out": "the same: Python keeps the arguments anyway",
    "json_reader.__init__: '1' plus one": FIRST,
    "json_reader.__init__: 'False' turned": FIRST,
    "json_reader.__init__: '0' plus one": "the same: nobody asks where the root begins",
    "json_reader.__init__: 'self._told = False' left out": FIRST,
    "json_reader._encoded: 'not self._half' always False": SLOWER,
    "json_reader._wait_or: 'False' turned": AGAIN,
    "json_reader._tokens: 'at - start <= MAX_DIGITS' with Lt": SLOWER,
    "json_reader._tokens: 'length - start > _SHORT' with GtE": NEVER,
    "json_reader._tokens: 'length - start > _SHORT' always True": SLOWER,
    "json_reader._tokens: 'length - start > _SHORT' always False": LATER,
    "json_reader._tokens: 'at < length' with LtE": "the same: at the end of the text all patterns wait",
    "json_reader._tokens: '0' plus one": NEVER,
    "json_reader._tokens: 'group == _IS_INTEGER and at - start <= MAX_DIGITS' always False": SLOWER,
    "json_reader._unusual: 'False' turned": AGAIN,
    "json_reader._string: 'found is not None' always False": SLOWER,
    "json_reader._scalar: 'end - self._start <= MAX_DIGITS' with Lt": "a token of just so many bytes waits for its end",
    "json_reader._scalar: 'len(token) > MAX_DIGITS' with GtE": NEVER,
    "json_reader._close_scalar: '0' plus one": NEVER,
    r"""json_reader._decoded: "'\\\\' not in text" always False""": SLOWER,
    "partials.__init__: \"self._path = ''\" left out": FIRST,
    "partials.snapshot: 'self._held' always True": SLOWER,
    "partials.feed: '0' plus one": SLOWER,
    "partials.feed: 'room >= 0' with Gt": SLOWER,
    r"""partials.feed: 'room >= 0 and \'"\' not in text and (\'\\\\\' not in text) and text.isprintable() and tex always False""": SLOWER,  # noqa: E501 a name
    "partials.feed: 'self._failure is not None' always True": SLOWER,
    "partials.feed: 'self._held' always True": SLOWER,
    "partials.feed: 'end < 0' with LtE": NEVER,
    "partials.feed: \"kind == 'string'\" with NotEq": SLOWER,
    "partials.feed: \"end < 0 and kind == 'string'\" with Or": "the same: the reader has no room outside a string",
    "partials.feed: \"end < 0 and kind == 'string'\" always True": "the same: the reader has no room outside a string",
    "partials.feed: \"end < 0 and kind == 'string'\" always False": SLOWER,
    "partials.feed: 'self._room, self._path = (self._reader.room, path)' left out": SLOWER,
    "partials._take: 'type(plan) is _Plan' always False": SLOWER,
    "partials._take: 'type(whole) in plan.proves or whole in plan.proves' with And": SLOWER,
    "partials._take: 'plan is not None and (type(whole) in plan.proves or whole in plan.proves)' always False": SLOWER,
    "partials._take: 'frame.items' always True": SLOWER,
    "partials._take: 'frame.only is None or kind not in frame.only.takes' always True": SLOWER,
    "partials._begin_item: 'True' turned": "the same: an item that is begun twice is the same item",
    "partials._begin_item: '1' plus one": "the same: only keys have offsets",
    "partials._begin_item: 'type(plan) is _Plan' always False": SLOWER,
    "partials._begin_item: 'frame.sure = frame.judged' left out": "the same: arrays do not go back to the quick way",
    "partials._begin_item: 'frame.begun = True' left out": "the same: an item that is begun twice is the same item",
    "partials._close_container: 'not choice.dead' always True": SLOWER,
    "partials._close_container: 'claim.choices = []' left out": "the same, but only a garbage collection frees it",
    "partials._choose: 'frame.find_shape()' left out": SLOWER,
    "partials._replay: 'choice.dead' always False": SLOWER,
    "partials._replay: 'break' left out": SLOWER,
    "partials.find_shape: 'len(self.choices) == 1' always False": SLOWER,
    "partials.find_shape: 'self.shape = plan.quick_items if self.items else plan.quick_fields' left out": SLOWER,
    "partials.grow: 'node[key] = None' left out": SLOWER,
    "partials.opening: 'kind not in self._openings' always True": SLOWER,
    "partials._refusal: 'type_ in _SHAPES' always False": SLOWER,
    "partials.plan: 'key not in self._plans' always True": SLOWER,
    "partials.shape: 'key not in self._shapes' always True": SLOWER,
    "partials._dict: '0' plus one": "the same: where there was a key, one is left",
    "partials._record: \"extra == 'allow'\" always True": "the same: what is ignored has no schema",
    "partials._set: 'kinds <= _LEAVES' with Lt": "the same: no union has all of them",
    "partials.bound: 'not needed' always False": SLOWER,
    "partials.__eq__: 'other.type is self.type' with IsNot": SLOWER,
    "partials.__eq__: 'isinstance(other, _Same) and other.type is self.type' with Or": "the same: hashes differ",
    "partials._open: 'plan is not None' always False": SLOWER,
    "partials._open: 'inner.way, inner.shape, inner.proving = plan.entry(kind)' left out": SLOWER,
    "partials._open: 'inner.way is None' always True": SLOWER,
    "partials._claim: 'inner.find_shape()' left out": SLOWER,
    "partials.claim: 'self.only = None' left out": "the same: the one claim is made anew",
    "partials.proves: 'type(value) is str' with IsNot": "the same: Pydantic takes what equals a literal",
    "partials.proves: \"schema['type'] == 'literal'\" always False": SLOWER,
    "partials.finish: '0' plus one": UNSEEN,
    "partials.finish: \"self._fail(_mistake(error, '', self._root[0]))\" left out": UNSEEN,
    "partials.finish: 'raise AssertionError from error' left out": UNSEEN,
    "partials.finish: 'self._settle_held()' left out": "the same: the end is too early, and a snapshot settles it",
    "partials._close_scalar: 'frame.only is not None and frame.only.accepts(self._reader.text[start:end])' always "
    "False": SLOWER,
    "partials.entry: 'rule is None' with IsNot": SLOWER,
    "partials.entry: \"kind == 'array'\" with NotEq": SLOWER,
    "partials.entry: 'kind not in self._entries' always True": SLOWER,
}


class Mutation(ast.NodeVisitor):
    """Goes through the code of functions, names everything that can be changed, and changes the one asked for."""

    def __init__(self, chosen: int = -1) -> None:
        self.chosen = chosen
        self.names: list[str] = []
        self._function = ""

    def take(self, node: ast.AST, what: str) -> bool:
        self.names.append(f"{self._function}: {ast.unparse(node)!r:.90} {what}")
        return len(self.names) - 1 == self.chosen

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function = node.name
        for statement in node.body:
            self.visit(statement)
        self._leave_out(node.body)
        self._function = ""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self._function and node.value is not None:
            self.visit(node.value)

    def generic_visit(self, node: ast.AST) -> None:
        super().generic_visit(node)
        if self._function:
            self._change(node)
            for name in ("body", "orelse"):
                self._leave_out(getattr(node, name, None))

    def _change(self, node: ast.AST) -> None:  # noqa: C901, PLR0912 a case for each kind of mistake
        match node:
            case ast.Compare(ops=[op]) if type(op) in SWAPS:
                if self.take(node, f"with {SWAPS[type(op)].__name__}"):
                    node.ops = [cast(ast.cmpop, SWAPS[type(op)]())]
            case ast.BoolOp(op=op) | ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in SWAPS:
                if self.take(node, f"with {SWAPS[type(op)].__name__}"):
                    vars(node)["op"] = SWAPS[type(op)]()
            case ast.UnaryOp(op=ast.Not()):
                if self.take(node, "without not"):
                    node.operand = ast.UnaryOp(ast.Not(), node.operand)
            case ast.Constant(value=bool()):
                if self.take(node, "turned"):
                    node.value = not node.value
            case ast.Constant(value=int(value)):
                if self.take(node, "plus one"):
                    node.value = value + 1
            case ast.If() | ast.While():
                for value in (True, False) if isinstance(node, ast.If) else (False,):
                    if self.take(node.test, f"always {value}"):
                        node.test = ast.Constant(value)

    def _leave_out(self, body: object) -> None:
        for index, statement in enumerate(body if isinstance(body, list) else []):
            leaves = isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Continue, ast.Break))
            comment = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if leaves and not comment and self.take(statement, "left out"):
                cast(list[ast.stmt], body)[index] = ast.Pass()


def mutated(file: str, chosen: int = -1) -> tuple[ast.Module, list[str]]:
    """Return a module with one change, and the names of all changes that there are."""
    tree = ast.parse((HERE.parents[1] / "function" / "stream" / f"{file}.py").read_text())
    mutation = Mutation(chosen)
    mutation.visit(tree)
    return ast.fix_missing_locations(tree), mutation.names


def lives(file: str, number: int) -> bool:
    """Run the tests against a mutant in a process of its own; tell whether none of them fails."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    signal.alarm(SECONDS)
    code = 1
    with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
        name = f"function.stream.{file}"
        spec = importlib.util.find_spec(name)
        module = importlib.util.module_from_spec(spec) if spec else None
        if module is not None:
            sys.modules[name] = module
            exec(compile(mutated(file, number)[0], name, "exec"), vars(module))  # noqa: S102 what a mutant is for
            options = ["-q", "-x", "-p", "no:cacheprovider", "-k", "not million and not hundred"]
            code = int(pytest.main([*options, *(str(HERE / table) for table in TABLES)]))
            code = code or int(pytest.main([*options, str(HERE / PROPERTIES)]))
    os._exit(code)


def main() -> None:
    """Print the mutants that live."""
    os.environ["EXAMPLES"] = "60"
    if not all(lives(file, -1) for file in FILES):
        sys.exit("The tests fail without any mutation.")
    wanted = [
        (file, number, f"{file}.{name}")
        for file in FILES
        for number, name in enumerate(mutated(file)[1])
        if all(part in f"{file}.{name}" for part in sys.argv[1:])
    ]
    survivors = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alive = pool.map(lambda mutant: lives(*mutant[:2]), wanted)
        for (_, _, name), lived in zip(wanted, alive, strict=True):
            if lived:
                survivors.append(name)
                print(name, "-", NOTES.get(name, "NOT EXPLAINED"), flush=True)
    print(f"{len(wanted)} mutants, {len(survivors)} lived")
    sys.exit(any(name not in NOTES for name in survivors))


if __name__ == "__main__":
    main()
