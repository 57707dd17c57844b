"""Every code that the product can raise has words in every language, and no words are left over.

Codes are found by parsing: the literal first argument of every error class, and of `say`.  A message may use
fewer facts than its code carries (``--json`` shows them all), never one that a raise site does not give.
"""

import ast
import string
from collections import Counter, defaultdict

import pytest
import yaml

LANGUAGES = ("en", "zh")
BASE = "KeyongError"


def _error_classes(modules) -> set[str]:
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for module in modules.values()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    }
    found = {BASE}
    while more := {name for name, parents in bases.items() if parents & found} - found:
        found |= more
    return found


def _calls(modules, names: set[str]):
    for path, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                if name in names and node.args:
                    yield f"{path}:{node.lineno}", node


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@pytest.fixture(scope="module")
def messages(root) -> dict[str, dict[str, dict[str, str]]]:
    """language → area → code → text."""
    folder = root / "service" / "messages"
    return {
        language: {
            path.stem: yaml.safe_load(path.read_bytes()) for path in (folder / language).glob("*.yaml")
        }
        for language in LANGUAGES
    }


@pytest.fixture(scope="module")
def raised(modules) -> dict[str, list[tuple[str, set[str], bool]]]:
    """code → (where, facts given, whether more may come through ``**``), errors and `say` alike."""
    sites = defaultdict(list)
    for where, call in _calls(modules, _error_classes(modules) | {"say"}):
        if (code := _literal(call.args[0])) is not None:
            given = {keyword.arg for keyword in call.keywords if keyword.arg}
            sites[code].append((where, given, any(keyword.arg is None for keyword in call.keywords)))
    return sites


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _flat(areas) -> dict[str, str]:
    return {code: text for area in areas.values() for code, text in area.items()}


def test_codes_are_literals(modules):
    # errors.py rebuilds what a worker raised; everything else names its code where it raises.
    classes = _error_classes(modules)
    computed = [where for where, call in _calls(modules, classes) if _literal(call.args[0]) is None]
    assert [where for where in computed if not where.startswith("sandbox/errors.py")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words(language, messages, raised):
    speechless = sorted(set(raised) - set(_flat(messages[language])))
    assert not speechless, "\n".join(f"{code}  {raised[code][0][0]}" for code in speechless)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_code_stands_twice_in_a_file(language, root):
    # YAML lets the last one win without a word.
    doubled = [
        f"{path.name}: {code}"
        for path in (root / "service" / "messages" / language).glob("*.yaml")
        for code, times in Counter(key.value for key, _ in yaml.compose(path.read_bytes()).value).items()
        if times > 1
    ]
    assert doubled == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_stands_in_the_file_of_its_area(language, messages):
    misplaced = [
        f"{area}: {code}"
        for area, texts in messages[language].items()
        for code in texts
        if code.split(".")[0] != area
    ]
    assert misplaced == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_use_only_facts_that_are_given(language, messages, raised):
    texts = _flat(messages[language])
    wrong = [
        f"{where} {code}: {{{', '.join(sorted(unknown))}}}"
        for code, sites in raised.items()
        for where, given, open_ended in sites
        if not open_ended and (unknown := _placeholders(texts.get(code, "")) - given)
    ]
    assert wrong == []


def test_languages_say_the_same(messages):
    english, chinese = _flat(messages["en"]), _flat(messages["zh"])
    assert sorted(english.keys() ^ chinese.keys()) == []
    different = [c for c in english if _placeholders(english[c]) != _placeholders(chinese[c])]
    assert different == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_are_one_line_of_text(language, messages):
    texts = _flat(messages[language])
    assert [code for code, text in texts.items() if not isinstance(text, str) or "\n" in text.strip()] == []


def test_no_message_is_left_over(modules, messages):
    constants, prefixes = set(), set()
    for module in modules.values():
        for node in ast.walk(module):
            if isinstance(node, ast.JoinedStr) and node.values and (start := _literal(node.values[0])):
                prefixes.add(start)
            elif (text := _literal(node)) is not None:
                constants.add(text)
    built = tuple(prefix for prefix in prefixes if "." in prefix)
    orphans = [c for c in _flat(messages["en"]) if c not in constants and not (built and c.startswith(built))]
    assert orphans == []
