"""A document as YAML that people read."""

from typing import Any

import yaml


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # chosen at run time
    """PyYAML, with text of several lines as lines, and each part written where it stands instead of as an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's interface
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def as_yaml(document: Any) -> bytes:
    """A document of plain data as YAML, in its order."""
    text: bytes = yaml.dump(
        document, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, sort_keys=False, width=2**31 - 1
    )
    return text
