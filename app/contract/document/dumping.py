"""YAML output for human readers."""

import re
from typing import Any

import yaml

from app.contract.document.scalars import RESOLVERS, TEXT


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # chosen at run time
    """PyYAML's dumper with block text for several lines, and without aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's interface
        return True


# Line breaks in YAML 1.1 but not in 1.2 (YAML 1.2.2, section 5.4), and characters that neither accepts unescaped.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def _represent_text(dumper: Any, text: str) -> Any:
    style = '"' if _ESCAPED.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(TEXT, text, style=style)


_Dumper.add_representer(str, _represent_text)
# Ambiguous scalars are quoted: PyYAML knows those of YAML 1.1, except `y` and `n`.
for _tag, _form, _first in (*RESOLVERS, ("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), "yYnN")):
    _Dumper.add_implicit_resolver(_tag, _form, list(_first))


def as_yaml(document: Any) -> bytes:
    """Encode plain data as YAML, in its order."""
    text: bytes = yaml.dump(
        document, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, sort_keys=False, width=2**31 - 1
    )
    return text
