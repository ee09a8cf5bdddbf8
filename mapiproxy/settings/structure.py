"""Turns what ``tomllib`` read into tables, and says at which key what does not fit.

``cattrs`` does the work; the hooks make it strict (it would turn 5 into "5") and its errors plain.
A key that does not fit is reported and left out, so that the rest of the file is looked at as
well. Must not know what a value leads to.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from attrs import fields_dict, has, resolve_types
from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from mapiproxy.backends.kind import Kind
from mapiproxy.settings.problems import KeyPath, Problems, meant, nearest
from mapiproxy.settings.tables import ONE_OR_MANY, PARSERS, FileTable
from mapiproxy.settings.units import BadValue, show

Parse = Callable[[Any], Any]
#: (class, attribute) to how its value is read; see :data:`mapiproxy.settings.tables.PARSERS`.
Parsers = Mapping[tuple[type, str], Parse]
Many = Collection[tuple[type, str]]
Table = TypeVar("Table")


class _Wrong(Exception):
    """Several things in a list or a table of tables; paths are relative to it."""

    def __init__(self, causes: list[tuple[KeyPath, Exception]]) -> None:
        super().__init__(causes)
        self.causes = causes


def read_tables(document: dict[str, Any], base: Path, problems: Problems) -> FileTable:
    """The document's tables; relative paths are relative to ``base``. Never raises for content."""
    return read_shape(document, FileTable, make_converter(base), problems)


def read_shape(
    document: dict[str, Any], shape: type[Table], converter: Converter, problems: Problems
) -> Table:
    """The same for a file of another *shape*: an attrs class whose attributes are all optional."""
    document = copy.deepcopy(document)
    while True:
        try:
            return converter.structure(document, shape)
        except (ClassValidationError, _Wrong) as error:
            for path, cause in list(_causes(error)):
                _report(path, cause, problems)
                _drop(document, path)


def make_converter(base: Path, parsers: Parsers = PARSERS, many: Many = ONE_OR_MANY) -> Converter:
    """A converter that refuses what is not exactly of the declared type."""
    converter = Converter(detailed_validation=True)
    hooks: tuple[tuple[type, Parse], ...] = (
        (str, lambda value: _exactly(str, "a string", value)),
        (int, lambda value: _exactly(int, "a whole number", value)),
        (bool, lambda value: _exactly(bool, "true or false", value)),
        (Kind, lambda value: Kind(_one_of(value, [kind.value for kind in Kind]))),
        (Path, lambda value: base / _exactly(str, "a file's path, in quotes", value)),
    )
    for kind, parse in hooks:
        converter.register_structure_hook(kind, _ignoring_type(parse))
    converter.register_structure_hook_func(
        _is(Literal), lambda value, t: _one_of(value, get_args(t))
    )
    converter.register_structure_hook_factory(has, lambda cls: _table(cls, converter, parsers, many))
    converter.register_structure_hook_func(
        _is(tuple),
        lambda value, t: _each(value, lambda item: converter.structure(item, get_args(t)[0])),
    )
    converter.register_structure_hook_func(
        _is(dict),
        lambda value, t: _named(value, lambda item: converter.structure(item, get_args(t)[1])),
    )
    return converter


def _table(
    cls: type, converter: Converter, parsers: Parsers, several: Many
) -> Callable[[Any, Any], Any]:
    resolve_types(cls)
    overrides = {}
    for name, attribute in fields_dict(cls).items():
        parse: Parse | None = parsers.get((cls, name)) or parsers.get((cls, "*"))
        many = get_origin(attribute.type) is tuple
        if many and (parse or (cls, name) in several):
            parse = _one_or_many(parse or (lambda value: _exactly(str, "a string", value)))
        if parse:
            overrides[name] = override(struct_hook=_ignoring_type(parse))
    structure: Callable[[Any, Any], Any] = make_dict_structure_fn(
        cls,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        **overrides,  # type: ignore[arg-type]
    )
    return lambda value, t: structure(_exactly(dict, "a table", value), t)


def _is(origin: Any) -> Callable[[Any], bool]:
    """Whether a type is some ``origin[...]``."""
    return lambda kind: get_origin(kind) is origin


def _ignoring_type(parse: Parse) -> Callable[[Any, Any], Any]:
    return lambda value, _: parse(value)


def _one_or_many(parse: Parse) -> Parse:
    def read(value: Any) -> Any:
        return _each(value, parse) if isinstance(value, list) else (parse(value),)

    return read


def _exactly(kind: type, words: str, value: Any) -> Any:
    # type() and not isinstance(): true is an int to Python, but not to whoever wrote the file.
    if type(value) is not kind:
        raise BadValue(f"must be {words}, not {show(value)}")
    return value


def _one_of(value: Any, words: Iterable[str]) -> Any:
    if value in words:
        return value
    expected = " or ".join(f'"{word}"' for word in words)
    if not isinstance(value, str):
        raise BadValue(f"must be {expected} (in quotes), not {show(value)}")
    raise BadValue(f"must be {expected}, not {show(value)}{meant(value, words)}")


def _each(value: Any, parse: Parse) -> tuple[Any, ...]:
    items = enumerate(_exactly(list, "a list", value))
    return tuple(_gather(items, parse).values())


def _named(value: Any, parse: Parse) -> dict[str, Any]:
    return _gather(_exactly(dict, "a table of named tables", value).items(), parse)


def _gather(items: Iterable[tuple[Any, Any]], parse: Parse) -> dict[Any, Any]:
    """Parse every item before complaining about any."""
    parsed, wrong = {}, []
    for place, item in items:
        try:
            parsed[place] = parse(item)
        except (BadValue, ClassValidationError, _Wrong) as error:
            wrong += [((place, *path), cause) for path, cause in _causes(error)]
    if wrong:
        raise _Wrong(wrong)
    return parsed


def _causes(error: Exception) -> Iterator[tuple[KeyPath, Exception]]:
    """The single complaints in a group of them, each with its path."""
    if isinstance(error, _Wrong):
        yield from error.causes
    elif isinstance(error, ClassValidationError):
        at_keys, others = error.group_exceptions()
        for cause, note in at_keys:
            yield from (((note.name, *path), each) for path, each in _causes(cause))
        for cause in others:
            yield from _causes(cause)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield (key,), error
    elif isinstance(error, BadValue):
        yield (), error
    else:  # our mistake, not the file's
        raise error


def _report(path: KeyPath, cause: Exception, problems: Problems) -> None:
    if not isinstance(cause, ForbiddenExtraKeysError):
        problems.quiet.add(_without_numbers(path))
        problems.error(path, str(cause))
        return
    known = list(fields_dict(cause.cl))
    word = str(path[-1])
    close = nearest(word, known)
    if close is not None:
        problems.quiet.add((*path[:-1], close))
        problems.error(path, f'unknown key; did you mean "{close}"?')
    else:
        problems.error(path, f"unknown key; known here: {', '.join(known)}")


def _drop(document: dict[str, Any], path: KeyPath) -> None:
    *above, last = _without_numbers(path)
    place: Any = document
    for step in above:
        place = place[step] if isinstance(step, int) or step in place else {}
    place.pop(last, None)


def _without_numbers(path: KeyPath) -> KeyPath:
    """The key that holds a list's element: numbers of other elements must not change."""
    while isinstance(path[-1], int):
        path = path[:-1]
    return path
